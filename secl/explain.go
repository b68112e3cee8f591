package secl

import (
	"net/netip"
	"slices"
)

// Step is one part of a condition and the value that it had.
type Step struct {
	Depth int
	Text  string // as it was written; in a macro, there
	Macro string // the macro that the text is from; empty for the rule itself
	Type  Type
	Value any // a bool, int64, string or netip.Prefix, or a slice of one of these
}

// Explanation says why a rule did or did not match an event.
type Explanation struct {
	Match bool
	// Element is which element of the iterator the steps tell of: the one that
	// matched, else the first. -1 without a register.
	Element int
	Steps   []Step
}

// Explain evaluates every part of a rule, also those that an evaluation would
// have left out. It is made for people, and slow.
func Explain(r *Rule, c *Context) Explanation {
	out := Explanation{Match: Compile(r).Match(c), Element: -1}
	if r.iterator != nil {
		out.Element = 0
		run := (&compiler{}).cond(r.Expr).run
		for i := range min(r.iterator.Len(c), MaxIterations) {
			if c.register, c.buffer = i, c.buffer[:0]; run(c) {
				out.Element = i
				break
			}
		}
		c.register = out.Element
		if r.iterator.Len(c) == 0 {
			return out
		}
	}
	explain(r.Expr, c, 0, "", &out.Steps)
	return out
}

func explain(e Expr, c *Context, depth int, macro string, out *[]Step) {
	step := Step{Depth: depth, Text: Format(e.Source()), Macro: macro, Type: e.Type()}
	if _, list := Bare(e).(*Set); !list {
		c.buffer = nil // texts in steps are to last
		step.Value = (&compiler{}).value(e)(c)
	}
	*out = append(*out, step)
	if m, ok := e.(*MacroUse); ok {
		if _, list := m.Macro.Expr.(*Set); list {
			return
		}
		explain(m.Macro.Expr, c, depth+1, m.Macro.Name, out)
		return
	}
	for _, x := range explained(e) {
		explain(x, c, depth+1, macro, out)
	}
}

// explained are the parts of e that have values to tell.
func explained(e Expr) []Expr {
	var parts []Expr
	switch e := e.(type) {
	case *Logic:
		parts = operands(e, e.Op, nil)
	case *Denial:
		parts = []Expr{e.X}
	case *Comparison:
		parts = []Expr{e.L, e.R}
	case *Arithmetic:
		parts = []Expr{e.L, e.R}
	case *Inversion:
		parts = []Expr{e.X}
	case *Interpolation:
		parts = slices.Clone(e.Parts)
	}
	return slices.DeleteFunc(parts, func(e Expr) bool {
		switch e := e.(type) {
		case *Literal:
			return true
		case *Set:
			return true
		case *MacroUse:
			_, list := e.Macro.Expr.(*Set)
			return list
		}
		return false
	})
}

// Span is a part of an expression's text.
type Span struct{ From, To Pos }

// MatchingSpans are the fields and the values in the text of a rule that made it
// match, in the order in which they stand there; none if it did not match. Of a
// list it is the member that matched, of alternatives the one that was found
// first.
func MatchingSpans(r *Rule, c *Context) []Span {
	why := Explain(r, c)
	if !why.Match {
		return nil
	}
	m := &spanFinder{text: r.Text, c: c, k: &compiler{}}
	m.find(r.Expr)
	slices.SortFunc(m.spans, func(a, b Span) int { return int(a.From - b.From) })
	return slices.Compact(m.spans)
}

type spanFinder struct {
	text  string
	c     *Context
	k     *compiler
	spans []Span
}

// find looks for what made e true.
func (m *spanFinder) find(e Expr) {
	switch e := e.(type) {
	case *Logic:
		parts := operands(e, e.Op, nil)
		slices.SortStableFunc(parts, func(a, b Expr) int { return m.k.cond(a).weight - m.k.cond(b).weight })
		for _, x := range parts {
			if e.Op == And {
				m.find(x)
			} else if m.k.cond(x).run(m.c) {
				m.find(x)
				return
			}
		}
	case *Comparison:
		if !e.Denied {
			m.comparison(e)
		}
	case *FieldRead:
		m.add(e)
	}
}

// comparison marks both operands; of a list the first member that matches.
func (m *spanFinder) comparison(e *Comparison) {
	m.add(e.L)
	set, ok := e.R.(*Set)
	if !ok {
		m.add(e.R)
		return
	}
	for _, member := range set.Members {
		one := &Comparison{from: e.from, Op: Equal, L: e.L, R: member}
		if e.Op == In || e.Op == AllIn {
			if m.k.comparison(one).run(m.c) {
				m.add(member)
				return
			}
		}
	}
}

// add marks a name or a value of the rule's own text. Of a pattern that is what
// stands in quotes; true and false are no values that anything is found by.
func (m *spanFinder) add(e Expr) {
	switch e := e.(type) {
	case *Arithmetic:
		m.add(e.L)
		m.add(e.R)
	case *Literal:
		if _, constant := e.Source().(*Ident); constant && e.Value.Kind == Bool {
			return
		}
		m.mark(e.Source())
	case *FieldRead, *VarRead, *Interpolation:
		m.mark(e.Source())
	}
}

func (m *spanFinder) mark(n Node) {
	at := n.Pos()
	token, _ := (&lexer{text: m.text, at: int(at)}).next() // it was one when it was parsed
	if text, ok := n.(*Text); ok && text.Form != Scalar {
		at++
	}
	m.spans = append(m.spans, Span{at, token.end})
}

// Printable is a value as JSON can hold it.
func Printable(v any) any {
	switch v := v.(type) {
	case netip.Prefix:
		return string(appendNet(nil, v))
	case []netip.Prefix:
		out := make([]string, len(v))
		for i := range v {
			out[i] = string(appendNet(nil, v[i]))
		}
		return out
	}
	return v
}
