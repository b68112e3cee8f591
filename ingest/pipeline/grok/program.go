package grok

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// Bounds of what a text may cost. Steps, not time: a record then gives the same on
// every machine, busy or not. A step takes some 5 to 15 ns (BenchmarkHostile), so that
// the bound of a record is well below 5 ms.
const (
	quickSteps = 100     // of a rule that RE2 can run, and
	quickEach  = 16      // for each byte, and
	quickMost  = 50_000  // at most, and
	quickAll   = 300_000 // of all rules of a record; then RE2 goes on
	dearSteps  = 150_000 // of all rules that RE2 can't run, a record
	re2Most    = 1 << 20 // size of the program times length of the text, all rules of a record
)

// program is a compiled rule.
type program struct {
	name     string
	start    part
	captures []*capture
	slots    int
	loops    int
	sieve    sieve
	pattern  string // for RE2; "": it can't run the rule
	re2      func() *regexp.Regexp
	size     int // of RE2's program, in instructions
	groups   []group
	onlyRE2  bool
	dear     string
}

// sieve is what a text must have for a rule to match it.
type sieve struct {
	least                int
	prefix, suffix, need string
	last                 byteSet // what it may end in
	empty                bool    // whether it may be empty
}

func (s *sieve) passes(text string) bool {
	if text == "" {
		return s.empty
	}
	return len(text) >= s.least && s.last.has(text[len(text)-1]) && strings.HasPrefix(text, s.prefix) &&
		strings.HasSuffix(text, s.suffix) && (s.need == "" || strings.Contains(text, s.need))
}

// sieveOf collects the texts that every match of n has.
func sieveOf(n *node) sieve {
	var s sieve
	s.least, _ = n.width()
	s.prefix, s.suffix = edgeText(n, atStart), edgeText(n, atEnd)
	if s.last, s.empty = n.last(); s.empty {
		s.last = allBytes
	}
	for _, lit := range required(n, nil) {
		if len(lit) > len(s.need) && !strings.HasPrefix(s.prefix, lit) && !strings.HasSuffix(s.suffix, lit) {
			s.need = lit
		}
	}
	return s
}

// edgeText is the text that every match of n begins with, or ends in.
func edgeText(n *node, end bool) string {
	switch n.op {
	case opText:
		return n.text
	case opCapture, opGroup, opAtomic:
		return edgeText(n.subs[0], end)
	case opCat:
		subs := n.subs
		for len(subs) > 1 && subs[len(subs)-1].isConstant() && end {
			subs = subs[:len(subs)-1]
		}
		for len(subs) > 1 && subs[0].isConstant() && !end {
			subs = subs[1:]
		}
		if end {
			return edgeText(subs[len(subs)-1], end)
		}
		return edgeText(subs[0], end)
	}
	return ""
}

// required are texts that every match of n has somewhere.
func required(n *node, out []string) []string {
	switch n.op {
	case opText:
		return append(out, n.text)
	case opCapture, opGroup, opAtomic, opCat:
		for _, s := range n.subs {
			out = required(s, out)
		}
	case opLoop:
		if n.min > 0 {
			return required(n.subs[0], out)
		}
	}
	return out
}

// compileProgram makes a rule's program from its tree.
func compileProgram(name string, n *node) (*program, error) {
	b := &builder{slots: map[*node]int{}}
	b.assign(n)
	p := &program{name: name, captures: b.captures, sieve: sieveOf(n), dear: dearPart(n)}
	markTwins(p.captures)
	p.start = b.follow(n, part{step: wholeStep{}, end: true})
	if p.dear == "" {
		if err := p.addRE2(b, n); err != nil {
			return nil, err
		}
		p.onlyRE2 = emptyTurns(n)
	}
	p.slots, p.loops = b.places, b.loops
	return p, nil
}

// markTwins marks the captures whose path another one has.
func markTwins(captures []*capture) {
	byPath := map[string]*capture{}
	for _, c := range captures {
		path := strings.Join(c.path, "\x00")
		if other := byPath[path]; other != nil && c.path != nil {
			c.twin, other.twin = true, true
		}
		byPath[path] = c
	}
}

// addRE2 sees that RE2 can compile the rule. Its program is large, and most rules never
// need it: it is made again when it is.
func (p *program) addRE2(b *builder, n *node) (err error) {
	w := &written{slots: b.slots}
	w.text.WriteString(`\A(?:`)
	w.write(n, notInAtomic)
	w.text.WriteString(`)\z`)
	p.pattern = w.text.String()
	if p.size, err = instructions(p.pattern); err != nil {
		return err
	}
	p.re2 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(p.pattern) })
	p.groups = w.groups
	for _, g := range p.groups {
		if g.check != nil && g.check.node.op == opAtomic {
			g.check.body = b.follow(g.check.node.subs[0], last()).step
			g.check.slots[0], g.check.slots[1] = b.within(g.check.node)
		}
	}
	return nil
}

// instructions is the size of the program that RE2 makes of a pattern, which is an
// error when regexp.Compile would refuse it.
func instructions(pattern string) (int, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0, err
	}
	return len(prog.Inst), nil
}

// budget is what a record may still cost.
type budget struct{ quick, dear, re2 int }

var machines = sync.Pool{New: func() any { return &machine{} }}

// run matches the machine's text. The slots of the machine then hold the captures.
func (p *program) run(m *machine, b *budget) (matched bool, err error) {
	if p.pattern == "" {
		return p.runDear(m, b)
	}
	if left := min(quickSteps+quickEach*len(m.text), quickMost, b.quick); left > 0 && !p.onlyRE2 {
		matched := p.try(m, left)
		b.quick -= left - max(m.left, 0)
		if matched || m.left > 0 {
			return matched, nil
		}
	}
	return p.runRE2(m, b)
}

// try runs the backtracking engine for at most so many steps.
func (p *program) try(m *machine, steps int) bool {
	m.reset(p)
	m.left = steps
	return p.start.may(m, 0) && p.start.match(m, 0)
}

func (m *machine) reset(p *program) {
	m.slots, m.loops, m.kept = m.slots[:0], m.loops[:0], m.kept[:0]
	for range p.slots {
		m.slots = append(m.slots, -1)
	}
	for range p.loops {
		m.loops = append(m.loops, looped{})
	}
}

func (p *program) runDear(m *machine, b *budget) (bool, error) {
	matched := p.try(m, b.dear)
	b.dear = m.left
	if !matched && m.left <= 0 {
		return false, ErrBudget
	}
	return matched, nil
}

// runRE2 lets RE2 match, and sees whether what it does not know agrees.
func (p *program) runRE2(m *machine, b *budget) (bool, error) {
	if b.re2 -= p.size * (len(m.text) + 1); b.re2 < 0 {
		return false, ErrBudget
	}
	found := p.re2().FindStringSubmatchIndex(m.text)
	if found == nil {
		return false, nil
	}
	m.reset(p)
	m.left = quickMost
	for i, g := range p.groups {
		if g.slot >= 0 {
			m.slots[g.slot], m.slots[g.slot+1] = found[2*i+2], found[2*i+3]
		}
	}
	for i, g := range p.groups {
		if from := found[2*i+2]; g.check != nil && from >= 0 && !g.check.agrees(m, from, found[2*i+3]) {
			return p.runDear(m, b)
		}
	}
	return true, nil
}

func (c *check) agrees(m *machine, from, to int) bool {
	if c.node.op == opAssert {
		return holds(m.text, from, c.node.place, c.node.set)
	}
	for i := c.slots[0]; i < c.slots[1]; i++ {
		m.slots[i] = -1
	}
	return c.body.match(m, from) && m.end == to
}
