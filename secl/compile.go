package secl

import (
	"slices"
	"strings"
)

// Program is a compiled condition: closures over the readers of the model, bound
// once. Evaluating it allocates nothing.
type Program struct {
	run      func(*Context) bool
	iterator *Iterator
	weight   int
}

// Compile makes the program of a rule.
func Compile(r *Rule) *Program {
	k := &compiler{}
	cond := k.cond(r.Expr)
	return &Program{cond.run, r.iterator, cond.weight}
}

// Weight is what an evaluation costs at most, in units of a fifth of a function
// call. Rules are compared by it.
func (p *Program) Weight() int { return p.weight }

// Match tells whether the condition holds. If it has a register, it holds when
// it does as a whole for any one element of the iterator.
func (p *Program) Match(c *Context) bool {
	c.buffer = c.buffer[:0]
	if p.iterator == nil {
		return p.run(c)
	}
	for i := range min(p.iterator.Len(c), MaxIterations) {
		c.register, c.buffer = i, c.buffer[:0]
		if p.run(c) {
			return true
		}
	}
	return false
}

// What the parts of a condition cost. The ratios are those of the language's
// origin: which of two operands is evaluated first can be seen in what is read.
const (
	weightCall       = 5
	weightMember     = 10 // for each member of a list
	weightField      = 50
	weightPattern    = 80
	weightRegexp     = 100
	weightPatternSet = 1000
	weightIterator   = 2000
)

// compiler makes closures of a checked tree.
type compiler struct {
	probe *Field // has the value Context.probe instead of its own; nil: no field has
}

func (k *compiler) probes(e *FieldRead) bool { return k.probe != nil && e.Field == k.probe }

// cond is a compiled condition.
type cond struct {
	run    func(*Context) bool
	weight int
	always bool // run gives value whatever the event
	value  bool
}

func always(v bool) cond {
	return cond{run: func(*Context) bool { return v }, always: true, value: v}
}

func (k *compiler) cond(e Expr) cond {
	switch e := Bare(e).(type) {
	case *Literal:
		return always(e.Value.Bool)
	case *Logic:
		return k.logic(e)
	case *Denial:
		return not(k.cond(e.X))
	case *Comparison:
		x := k.comparison(e)
		x.weight += weight(e)
		if e.Denied {
			return not(x)
		}
		return x
	case *FieldRead:
		s := k.bools(e)
		return cond{run: s.any(func(_ *Context, v bool) bool { return v }), weight: weight(e)}
	case *VarRead:
		s := readSource[bool](e)
		return cond{run: s.any(func(_ *Context, v bool) bool { return v }), weight: weight(e)}
	}
	return always(false)
}

func not(x cond) cond {
	if x.always {
		return always(!x.value)
	}
	run := x.run
	return cond{run: func(c *Context) bool { return !run(c) }, weight: x.weight + weightCall}
}

// operands are the operands of a chain of one operator, whichever way it leans.
func operands(e Expr, op Op, out []Expr) []Expr {
	if l, ok := Bare(e).(*Logic); ok && l.Op == op {
		return operands(l.R, op, operands(l.L, op, out))
	}
	return append(out, e)
}

// logic evaluates the cheapest operands of a chain first. Nothing has an effect,
// so their order is free.
func (k *compiler) logic(e *Logic) cond {
	var parts []cond
	out := cond{weight: weightCall}
	for _, x := range operands(e, e.Op, nil) {
		part := k.cond(x)
		if part.always && part.value == (e.Op == Or) {
			return always(part.value)
		}
		if !part.always {
			parts = append(parts, part)
			out.weight += part.weight
		}
	}
	slices.SortStableFunc(parts, func(a, b cond) int { return a.weight - b.weight })
	runs := make([]func(*Context) bool, len(parts))
	for i, p := range parts {
		runs[i] = p.run
	}
	switch {
	case len(runs) == 0:
		return always(e.Op == And)
	case len(runs) == 1:
		return parts[0]
	case e.Op == And:
		out.run = allRuns(runs)
	default:
		out.run = anyRuns(runs)
	}
	return out
}

func allRuns(runs []func(*Context) bool) func(*Context) bool {
	if len(runs) == 2 {
		a, b := runs[0], runs[1]
		return func(c *Context) bool { return a(c) && b(c) }
	}
	return func(c *Context) bool {
		for _, run := range runs {
			if !run(c) {
				return false
			}
		}
		return true
	}
}

func anyRuns(runs []func(*Context) bool) func(*Context) bool {
	if len(runs) == 2 {
		a, b := runs[0], runs[1]
		return func(c *Context) bool { return a(c) || b(c) }
	}
	return func(c *Context) bool {
		for _, run := range runs {
			if run(c) {
				return true
			}
		}
		return false
	}
}

// weight is the cost of reading the operands in e and comparing them.
func weight(e Expr) int {
	total := 0
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *FieldRead:
			total += weightField
			if e.Field.Iterator != nil {
				total += weightIterator
			}
		case *VarRead:
			total += weightField
		case *Interpolation:
			total += weightPattern
		case *Literal:
			switch e.Value.Form {
			case Pattern:
				total += weightPattern
			case Regexp:
				total += weightRegexp
			}
		case *Set:
			if slices.ContainsFunc(e.Members, isPattern) {
				total += weightPatternSet
			}
			total += weightMember * len(e.Members)
			return false
		case *Comparison, *Arithmetic, *Inversion:
			total += weightCall
		}
		return true
	})
	return total
}

func isPattern(e Expr) bool {
	lit, ok := e.(*Literal)
	return ok && lit.Value.Form != Scalar
}

// ValueProgram is a compiled expression of any type.
type ValueProgram struct {
	Type Type
	run  func(*Context) any
}

// CompileValue makes the program of an expression whose value is wanted.
func CompileValue(r *Rule) *ValueProgram {
	k := &compiler{}
	return &ValueProgram{r.Expr.Type(), k.value(r.Expr)}
}

// Value is a bool, int64, string or netip.Prefix, or a slice of one of these.
// A string is the caller's to keep.
func (p *ValueProgram) Value(c *Context) any {
	c.buffer = c.buffer[:0]
	v := p.run(c)
	if s, ok := v.(string); ok {
		return strings.Clone(s)
	}
	return v
}

// value reads the value of any expression.
func (k *compiler) value(e Expr) func(*Context) any {
	switch e.Type().Kind {
	case Int:
		return anyValue(k.ints(e))
	case String:
		return anyValue(k.texts(e))
	case Net:
		return anyValue(k.nets(e))
	}
	return anyValue(k.bools(e))
}

func anyValue[T any](s source[T]) func(*Context) any {
	if s.one != nil {
		return func(c *Context) any { return s.one(c) }
	}
	return func(c *Context) any { return s.collect(c) }
}
