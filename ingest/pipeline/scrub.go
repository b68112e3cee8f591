package pipeline

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
)

// Scrub redacts secrets and personal data, before they are stored. It is ours. It runs
// even when the pipeline's time is up.
type Scrub struct {
	Base
	// Patterns are kinds of secrets by their names; Expressions are own ones.
	Patterns    []string          `json:"patterns,omitempty"`
	Expressions []ScrubExpression `json:"expressions,omitempty"`
	// Sources are attributes, message and tags; none: everything.
	Sources []string `json:"sources,omitempty"`
	// Replacement stands for what is redacted; absent: the pattern's name in brackets.
	Replacement *string `json:"replacement,omitempty"`
	// Hash puts a keyed hash there instead, which is the same for the same text.
	Hash bool `json:"hash,omitempty"`

	secrets       []secret
	paths         []record.Path
	message, tags bool
	everything    bool
}

// ScrubExpression is an own pattern: what is redacted is its first group, or all of it.
type ScrubExpression struct {
	Name  string `json:"name"`
	Regex string `json:"regex"`
}

// Bounds of own patterns.
const (
	maxExpressions = 50
	maxRegex       = 1000
	maxReplacement = 256
)

func readScrub(o *object, b Base) Processor {
	s := &Scrub{Base: b, Patterns: o.texts("patterns"), Hash: o.flagOr("hash", false)}
	if o.find("replacement") != nil {
		text := o.text("replacement")
		s.Replacement = &text
		if len(text) > maxReplacement {
			o.problem("replacement", fmt.Sprintf("the replacement has %d bytes; %d are the most", len(text), maxReplacement), "")
		}
	}
	if s.Hash && s.Replacement != nil {
		o.problem("replacement", "what is hashed is not replaced by a text", "leave hash or replacement out")
	}
	s.readPatterns(o)
	s.readExpressions(o)
	if len(s.secrets) == 0 && len(o.doc.problems) == 0 {
		o.problem("patterns", "there is no pattern", "name some of "+strings.Join(secretNames(), ", ")+", or write expressions")
	}
	s.readSources(o)
	return s
}

func secretNames() []string {
	var out []string
	for _, s := range secrets {
		out = append(out, s.name)
	}
	return out
}

func (s *Scrub) readPatterns(o *object) {
	for _, known := range secrets {
		if slices.Contains(s.Patterns, known.name) {
			s.secrets = append(s.secrets, known)
		}
	}
	for i, name := range s.Patterns {
		if slices.Contains(secretNames(), name) {
			continue
		}
		hint := "the patterns are " + strings.Join(secretNames(), ", ")
		if near := closest(name, secretNames()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		o.problemAt(o.list("patterns")[i], fmt.Sprintf("%s[%d]", o.path("patterns"), i), fmt.Sprintf("there is no pattern %q", shortened(name)), hint)
	}
}

func (s *Scrub) readExpressions(o *object) {
	items := o.list("expressions")
	if len(items) > maxExpressions {
		o.problem("expressions", fmt.Sprintf("%d expressions; %d are the most", len(items), maxExpressions), "")
		return
	}
	for i, n := range items {
		if n.kind == textNode {
			o.problemAt(n, fmt.Sprintf("%s[%d]", o.path("expressions"), i), "this is "+n.kind.String()+", not an object", "write {name: …, regex: …}; the name stands for what is redacted")
			continue
		}
		inner := o.element("expressions", i, n)
		if inner == nil {
			continue
		}
		e := ScrubExpression{Name: inner.filled("name"), Regex: inner.filled("regex")}
		inner.end()
		s.Expressions = append(s.Expressions, e)
		re, message := compileScrub(e.Regex)
		if message != "" {
			inner.problem("regex", message, "")
			continue
		}
		s.secrets = append(s.secrets, secret{name: e.Name, expr: re})
	}
}

// compileScrub compiles an own expression, or says what is wrong with it.
func compileScrub(text string) (*regexp.Regexp, string) {
	if len(text) > maxRegex {
		return nil, fmt.Sprintf("the expression has %d bytes; %d are the most", len(text), maxRegex)
	}
	if text == "" {
		return nil, "" // told already
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	if parsed.MaxCap() > 1 {
		return nil, "the expression has more than one group: only the first would be redacted"
	}
	re := regexp.MustCompile(text)
	if re.MatchString("") {
		return nil, "the expression matches the empty text"
	}
	return re, ""
}

func (s *Scrub) readSources(o *object) {
	if o.find("sources") == nil {
		s.everything, s.message, s.tags = true, true, true
		return
	}
	s.Sources = o.texts("sources")
	if len(s.Sources) == 0 {
		o.problem("sources", "there is no source", "leave sources out for everything, or name message, tags and attributes")
	}
	for i, n := range o.list("sources") {
		switch n.text {
		case "message":
			s.message = true
		case "tags":
			s.tags = true
		default:
			s.paths = append(s.paths, o.pathOf(n, fmt.Sprintf("%s[%d]", o.path("sources"), i), n.text))
		}
	}
}

func (s *Scrub) run(x *run) outcome {
	w := scrubbing{Scrub: s, set: x.set, x: x}
	if s.message {
		w.messageText()
	}
	if s.tags {
		w.tagTexts()
	}
	if s.everything {
		w.attributes()
	}
	for _, p := range s.paths {
		w.at(p)
	}
	x.viewed, x.singles = nil, singles{} // values were changed in place
	x.redacted += w.count
	x.redact = append(x.redact, w.rest())
	if w.count == 0 {
		return skipped("nothing of the kind is there")
	}
	return applied
}

// scrubbing is a Scrub at work on a record.
type scrubbing struct {
	*Scrub
	set   *Set
	x     *run
	count int
	// found are the texts that were redacted, with what stands for them.
	found map[string]string
}

func (w *scrubbing) messageText() {
	if text := w.text(w.x.Message); text != w.x.Message {
		w.x.Message = text
		w.x.tell("message", text)
	}
}

func (w *scrubbing) tagTexts() {
	for i, t := range w.x.Tags {
		text := w.text(t)
		if text == t {
			continue
		}
		w.x.Tags = slices.Clone(w.x.Tags)
		w.x.Tags[i] = text
		w.x.tell("tags", text)
	}
}

func (w *scrubbing) attributes() {
	for i, p := range w.x.Attributes() {
		out := w.value(p.Value)
		if out == p.Value {
			continue
		}
		w.x.Attributes()[i].Value = out
		if w.x.trace != nil {
			w.x.trace.set(p.Key, out)
		}
	}
}

// at redacts what stands at a path, by whatever way that leads there.
func (w *scrubbing) at(p record.Path) {
	before := w.count
	w.x.Change(p, w.value)
	if w.x.trace != nil && w.count > before {
		if v := w.x.Get(p); v != nil {
			w.x.trace.set(p.String(), v)
		}
	}
}

// value is the value without secrets; it is another one when a text of it changed.
func (w *scrubbing) value(v *fastjson.Value) *fastjson.Value {
	switch v.Type() {
	case fastjson.TypeString, fastjson.TypeNumber:
		text, _ := record.Text(v)
		if out := w.text(text); out != text {
			return w.x.String(out)
		}
	case fastjson.TypeArray:
		for i, e := range v.GetArray() {
			if out := w.value(e); out != e {
				v.SetArrayItem(i, out)
			}
		}
	case fastjson.TypeObject:
		record.ChangeMembers(v.GetObject(), func(_ string, v *fastjson.Value) *fastjson.Value { return w.value(v) })
	}
	return v
}

// text is the text without secrets.
func (w *scrubbing) text(text string) string {
	for i := range w.secrets {
		text = w.without(&w.secrets[i], text)
	}
	return text
}

// without is the text without secrets of one kind.
func (w *scrubbing) without(s *secret, text string) string {
	if s.may != nil && !s.may(text) {
		return text
	}
	at := s.expr.FindAllStringSubmatchIndex(text, -1)
	if at == nil {
		return text
	}
	var b strings.Builder
	done := 0
	for _, m := range at {
		from, to := m[0], m[1]
		if len(m) > 2 && m[2] >= 0 {
			from, to = m[2], m[3]
		}
		found := text[from:to]
		if found == "" || s.is != nil && !s.is(found) {
			continue
		}
		b.WriteString(text[done:from])
		stands := w.standsFor(s, found)
		if b.Len() > maxMade {
			return stands // in which there is nothing but what is to be hidden
		}
		b.WriteString(stands)
		done = to
		w.count++
		w.remember(found, stands)
	}
	return b.String() + text[done:]
}

// remember keeps what was redacted, where that says what is to be redacted elsewhere.
func (w *scrubbing) remember(found, stands string) {
	if w.everything {
		return
	}
	if w.found == nil {
		w.found = map[string]string{}
	}
	w.found[found] = stands
}

// standsFor is the text that replaces what was found.
func (w *scrubbing) standsFor(s *secret, found string) string {
	switch {
	case w.Hash:
		mac := hmac.New(sha256.New, w.set.hashKey())
		mac.Write([]byte(found))
		return s.name + ":" + hex.EncodeToString(mac.Sum(nil)[:8])
	case w.Replacement != nil:
		return *w.Replacement
	}
	return "[" + s.name + "]"
}

// rest redacts another text of the same event: all that the patterns find, or, of those
// for some attributes only, what was found there.
func (w *scrubbing) rest() func(string) string {
	if w.everything {
		s, set := w.Scrub, w.set
		return func(text string) string {
			other := scrubbing{Scrub: s, set: set}
			return other.text(text)
		}
	}
	if len(w.found) == 0 {
		return nil
	}
	var pairs []string
	longestFirst := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, found := range slices.SortedFunc(maps.Keys(w.found), longestFirst) {
		quoted, stands := schema.QuoteJSON(found), w.found[found]
		pairs = append(pairs, quoted[1:len(quoted)-1], stands, found, stands)
	}
	return strings.NewReplacer(pairs...).Replace
}

// processKey is the key of hashes where none was given.
var processKey = func() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return key
}()

func (s *Set) hashKey() []byte {
	if len(s.HashKey) > 0 {
		return s.HashKey
	}
	return processKey
}
