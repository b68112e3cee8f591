package grok

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// Context is what a parse needs from outside.
type Context struct {
	Received time.Time // the year that a text leaves out is told by it
	// Year, when not 0, is that year, and Zone, when not nil, is the one of times for
	// which neither the text nor the rule says one.
	Year  int
	Zone  *time.Location
	Arena *fastjson.Arena
	// LeftOut is how many members the last Parse left out: filters make at most
	// MostMembers a record.
	LeftOut int

	members int
}

// MostMembers is how many members the filters of a record make at most. Beyond it, what
// reads them would take long.
const MostMembers = 1000

// room reports whether one more member may be made.
func (c *Context) room() bool {
	if c.members++; c.members > MostMembers {
		c.LeftOut++
		return false
	}
	return true
}

// Parser holds compiled rules. It is safe for concurrent use.
type Parser struct {
	rules  []*program
	dear   []DearRule
	doubts []Doubt
}

// DearRule is a rule that RE2 can't run, and why.
type DearRule struct{ Rule, Why string }

func (p *Parser) add(c *compiler, r *ruleText, n *node) {
	prog, err := compileProgram(r.rule, n)
	if err != nil {
		c.fail(r.source, "the rule is too large: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "split it, or repeat less")
		return
	}
	p.rules = append(p.rules, prog)
	if prog.dear != "" {
		p.dear = append(p.dear, DearRule{Rule: r.rule, Why: prog.dear})
	}
}

// Dear names the rules that run on the backtracking engine alone, and why.
func (p *Parser) Dear() []DearRule { return p.dear }

// Doubts are what the rules say, and probably do not mean.
func (p *Parser) Doubts() []Doubt { return p.doubts }

// Parse matches the rules in their order; the first that matches gives the object of
// what it extracted, and its name. found is nil when no rule matches. err is ErrBudget
// when the rule named was stopped at its bound: found is nil then, and rules below it
// were not tried.
func (p *Parser) Parse(c *Context, text string) (found *fastjson.Value, rule string, err error) {
	text = serialised(text)
	c.LeftOut, c.members = 0, 0
	m := machines.Get().(*machine)
	defer machines.Put(m)
	m.text = text
	defer func() { m.text = "" }()
	b := budget{quick: quickAll, dear: dearSteps, re2: re2Most}
	for _, r := range p.rules {
		if !r.sieve.passes(text) {
			continue
		}
		matched, err := r.run(m, &b)
		if err != nil {
			return nil, r.name, err
		}
		if matched {
			return r.store(c, m), r.name, nil
		}
	}
	return nil, "", nil
}

// serialised is the text as rules see it: control characters of ASCII, other than tab
// and the ends of lines, are written as JSON writes them (\u001b), as the vendor has it.
// What is no UTF-8 is U+FFFD.
func serialised(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = !isControl(text[i])
	}
	if !plain {
		var b strings.Builder
		for i := 0; i < len(text); i++ {
			if isControl(text[i]) {
				fmt.Fprintf(&b, `\u%04x`, text[i])
			} else {
				b.WriteByte(text[i])
			}
		}
		text = b.String()
	}
	if !utf8.ValidString(text) {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return text
}

func isControl(b byte) bool { return b < 0x20 && b != '\t' && b != '\n' && b != '\r' }

// convert makes a value of a matcher's text; nil when it is none after all.
type convert func(c *Context, text string) *fastjson.Value

// capture is what a part of the text is stored as.
type capture struct {
	path    []string // nil: what the filter makes is merged into the root
	convert convert  // nil: a text
	filter  *filter  // nil: none
	// constant is what is stored wherever the match comes by; nil: the text is.
	constant *string
	slot     int
	twin     bool // another capture of the rule has the same path
}

// store makes the object of what was captured. Empty texts and nulls are left out.
func (p *program) store(c *Context, m *machine) *fastjson.Value {
	found := c.Arena.NewObject()
	var seen []*capture
	for _, s := range p.captures {
		from, to := m.slots[s.slot], m.slots[s.slot+1]
		if from < 0 || to <= from && s.constant == nil {
			continue
		}
		text := m.text[from:to]
		if s.constant != nil {
			text = *s.constant
		}
		v := s.value(c, text)
		if v == nil || v.Type() == fastjson.TypeNull {
			continue
		}
		switch {
		case s.path == nil && v.Type() == fastjson.TypeObject:
			found = value.Merged(found, v)
		case s.path == nil:
		case s.twin:
			seen = s.join(c, found, v, seen)
		default:
			s.put(c, found, v)
		}
	}
	return found
}

func (s *capture) value(c *Context, text string) *fastjson.Value {
	var v *fastjson.Value
	if s.convert != nil {
		if v = s.convert(c, text); v == nil {
			return nil
		}
	}
	if s.filter != nil {
		return s.filter.apply(c, text, v)
	}
	if v == nil {
		v = value.String(c.Arena, text)
	}
	return v
}

// put stores an object into one that is there already, all else over it.
func (s *capture) put(c *Context, found, v *fastjson.Value) {
	if v.Type() == fastjson.TypeObject {
		if there := found.Get(s.path...); there != nil && there.Type() == fastjson.TypeObject {
			v = value.Merged(there, v)
		}
	}
	value.Set(c.Arena, found, s.path, v)
}

// join stores what a path gets more than once, as an array.
func (s *capture) join(c *Context, found, v *fastjson.Value, seen []*capture) []*capture {
	before := 0
	for _, o := range seen {
		if strings.Join(o.path, "\x00") == strings.Join(s.path, "\x00") {
			before++
		}
	}
	there := found.Get(s.path...)
	switch {
	case before == 0 || there == nil:
		s.put(c, found, v)
	case before == 1:
		list := c.Arena.NewArray()
		list.SetArrayItem(0, there)
		list.SetArrayItem(1, v)
		value.Set(c.Arena, found, s.path, list)
	default:
		there.SetArrayItem(before, v)
	}
	return append(seen, s)
}
