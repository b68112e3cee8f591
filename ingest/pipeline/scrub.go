package pipeline

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
)

func readScrub(o *object, b Base) Processor {
	s := &Scrub{Base: b, Patterns: o.texts("patterns"), Hash: o.flag("hash", false)}
	if o.find("replacement") != nil {
		text := o.text("replacement")
		s.Replacement = &text
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
		if v := x.Get(p); v != nil {
			if out := w.value(v); out != v {
				x.put(p, out)
			}
		}
	}
	x.viewed = nil // values were changed in place
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
	// found are the texts that were redacted, and what stands for them.
	found []string
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
		w.members(v.GetObject())
	}
	return v
}

func (w *scrubbing) members(o *fastjson.Object) {
	type change struct {
		key string
		v   *fastjson.Value
	}
	var changes []change
	o.Visit(func(k []byte, v *fastjson.Value) {
		if out := w.value(v); out != v {
			changes = append(changes, change{string(k), out})
		}
	})
	for _, c := range changes {
		o.Set(c.key, c.v)
	}
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
		b.WriteString(stands)
		done = to
		w.count++
		w.found = append(w.found, found, stands)
	}
	return b.String() + text[done:]
}

// standsFor is what is written in place of what was found.
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
	for i := 0; i < len(w.found); i += 2 {
		quoted := schema.QuoteJSON(w.found[i])
		pairs = append(pairs, quoted[1:len(quoted)-1], w.found[i+1], w.found[i], w.found[i+1])
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
