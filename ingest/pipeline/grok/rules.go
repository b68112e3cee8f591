package grok

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"nightjar/schema"
)

// ruleText is a rule as it is written.
type ruleText struct {
	source
	body   string
	order  int  // among the match rules; -1: a helper
	broken bool // a mistake in it was told
}

// compiler reads the rules of one parser.
type compiler struct {
	rules  []*ruleText // helpers, then match rules, in their order
	byName map[string]*ruleText
	active []*ruleText // being read, the innermost last
	nodes  int         // of the rule that is being read
	total  int
	errs   []error
	doubts []Doubt
}

// Doubt is what a rule says, and probably does not mean.
type Doubt struct{ Rule, Message string }

// doubt notes one, once: a rule is read wherever it is used.
func (c *compiler) doubt(rule, message string) {
	if d := (Doubt{rule, message}); !slices.Contains(c.doubts, d) {
		c.doubts = append(c.doubts, d)
	}
}

// read splits a text into rules.
func (c *compiler) read(where, rules string) {
	for i, line := range strings.Split(rules, "\n") {
		line = strings.TrimSuffix(line, "\r")
		trimmed := strings.TrimLeft(line, " \t")
		if strings.TrimSpace(trimmed) == "" || trimmed[0] == '#' {
			continue
		}
		at := source{where: where, line: i + 1, column: 1 + len(line) - len(trimmed)}
		c.readRule(at, trimmed)
	}
}

func (c *compiler) readRule(at source, line string) {
	name, body, spaced := strings.Cut(line, " ")
	at.rule = name
	if bad := strings.IndexFunc(name, func(r rune) bool {
		return !(r < utf8.RuneSelf && isAlnum(byte(r)) || r == '_' || r == '.')
	}); bad >= 0 || name[0] == '.' {
		at.column += utf8.RuneCountInString(name[:max(bad, 0)])
		at.rule = ""
		c.fail(at, fmt.Sprintf("%q is not the name of a rule", clip(name)), "a rule is a name of letters, digits, _ and ., one space, and its body")
		return
	}
	if !spaced || body == "" {
		c.fail(at, "the rule has no body", "write a space and the body after the name")
		return
	}
	r := &ruleText{source: at, body: body, order: -1}
	r.column += len(name) + 1
	if at.where == "match" {
		r.order = len(c.rules)
	}
	if other := c.byName[name]; other != nil {
		c.fail(at, "the name is taken", fmt.Sprintf("another one is in line %d of the %s rules", other.line, other.where))
		return
	}
	c.byName[name] = r
	c.rules = append(c.rules, r)
}

func clip(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:40]) + "…"
}

func (c *compiler) fail(at source, message, hint string) {
	c.errs = append(c.errs, &RuleError{
		Where: at.where, Line: at.line, Column: at.column, Rule: at.rule, Message: message, Hint: hint,
	})
}

// tree is the pattern of a rule, or nil: a mistake was told.
func (c *compiler) tree(r *ruleText) *node {
	c.nodes = 0
	n, err := c.parse(r, flags{dot: true}, 0)
	c.total += c.nodes
	if err != nil {
		r.broken = true
		if err.Message != "" {
			c.errs = append(c.errs, err)
		}
		return nil
	}
	return n
}

func (c *compiler) parse(r *ruleText, f flags, depth int) (*node, *RuleError) {
	c.active = append(c.active, r)
	defer func() { c.active = c.active[:len(c.active)-1] }()
	p := &pattern{c: c, src: r.source, text: r.body, flags: f, depth: depth, groups: &groups{names: map[string]*node{}}}
	n := p.parse()
	return n, p.err
}

// rule is what a token may name here: any helper, or a match rule above.
func (c *compiler) rule(name string) *ruleText {
	r := c.byName[name]
	if r == nil || r.order < 0 {
		return r
	}
	if outer := c.active[0]; outer.order < 0 || r.order > outer.order {
		return nil
	}
	return r
}

// below reports whether the name is that of a match rule which can't be used here.
func (c *compiler) below(name string) bool {
	return c.byName[name] != nil && c.rule(name) == nil
}

// names are those that a token may use here.
func (c *compiler) names() (out []string) {
	for _, r := range c.rules {
		if c.rule(r.rule) != nil {
			out = append(out, r.rule)
		}
	}
	return out
}

// included is the pattern of a rule that another uses.
func (p *pattern) included(m call, r *ruleText) *node {
	for i, a := range p.c.active {
		if a == r {
			var names []string
			for _, b := range p.c.active[i:] {
				names = append(names, b.rule)
			}
			return p.fail(m.at, "rules use each other in a circle: "+strings.Join(append(names, r.rule), " > "), "")
		}
	}
	if r.broken {
		p.fail(m.at, "", "") // told where it stands
		return &node{op: opEmpty}
	}
	f := p.flags
	f.spaced = false
	n, err := p.c.parse(r, f, p.depth+1)
	if err != nil && p.err == nil {
		p.err, p.i = err, len(p.text)
		if err.Line == r.line && err.Where == r.where {
			r.broken = true
		}
	}
	return n
}

// nearest is a hint that names what was probably meant, or "".
func nearest(name string, names []string) string {
	if best := schema.Closest(name, names, 2); best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return ""
}

// Compile reads match rules and support (helper) rules, one a line. What is wrong
// with them comes as joined *RuleError, all of it at once.
func Compile(match, support string) (*Parser, error) {
	c := &compiler{byName: map[string]*ruleText{}}
	if len(match)+len(support) > maxRules {
		return nil, &RuleError{Where: "match", Line: 1, Column: 1, Message: fmt.Sprintf("the rules are longer than %d bytes", maxRules)}
	}
	c.read("support", support)
	c.read("match", match)
	p := &Parser{}
	for _, r := range c.rules {
		if c.total > maxTotal {
			c.fail(r.source, fmt.Sprintf("the rules have more than %d parts", maxTotal), "split them over several grok parsers")
			break
		}
		if n := c.tree(r); n != nil && r.order >= 0 {
			p.add(c, r, n)
		}
	}
	if len(c.errs) == 0 && len(p.rules) == 0 {
		c.fail(source{where: "match", line: 1, column: 1}, "there is no match rule", "write a rule: name %{word:user} logged in")
	}
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	p.doubts = c.doubts
	return p, nil
}
