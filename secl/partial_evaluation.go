package secl

import "slices"

// Verdict is what can be said of a condition when not everything is known.
type Verdict int8

// The verdicts, in the order of their truth.
const (
	Impossible Verdict = iota - 1
	Unknown
	Certain
)

func verdict(v bool) Verdict {
	if v {
		return Certain
	}
	return Impossible
}

// Partial is a condition of which only some fields are known. It reasons as Kleene
// does: what depends on anything else, on a variable or on the present is
// unknown, and a whole is as certain as its parts make it.
type Partial struct {
	run      func(*Context) Verdict
	iterator *Iterator
}

// CompilePartial makes the condition that knows nothing but the values of these fields
// in the event.
func CompilePartial(r *Rule, known ...*Field) *Partial {
	return &Partial{kleene(r.Expr, knowing(&compiler{}, known...)), r.iterator}
}

// Verdict is what the event's values of the known fields alone say. Impossible makes
// them discarders: no event that has them can match. Certain says that every event
// that has them matches.
func (p *Partial) Verdict(c *Context) Verdict {
	c.buffer = c.buffer[:0]
	if p.iterator == nil {
		return p.run(c)
	}
	best := Impossible
	for i := range min(p.iterator.Len(c), MaxIterations) {
		c.register = i
		best = max(best, p.run(c))
	}
	return best
}

// probing makes the condition in which the field has any value that is tried.
func probing(r *Rule, f *Field) func(Value) Verdict {
	run := kleene(r.Expr, knowing(&compiler{probe: f}, f))
	return func(v Value) Verdict { return run(&Context{probe: v}) }
}

// leafVerdict makes the verdict of a comparison or of a bare truth value,
// without its denial.
type leafVerdict func(Expr) func(*Context) Verdict

// knowing evaluates the leaves that depend on these fields and nothing else.
func knowing(k *compiler, known ...*Field) leafVerdict {
	return func(e Expr) func(*Context) Verdict {
		if !dependsOnlyOn(e, known...) {
			return func(*Context) Verdict { return Unknown }
		}
		if cmp, ok := e.(*Comparison); ok {
			run := k.comparison(cmp).run
			return func(c *Context) Verdict { return verdict(run(c)) }
		}
		run := k.cond(e).run
		return func(c *Context) Verdict { return verdict(run(c)) }
	}
}

func dependsOnlyOn(e Expr, known ...*Field) bool {
	only := true
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *FieldRead:
			only = only && slices.Contains(known, e.Field)
		case *VarRead:
			only = false
		case *Comparison:
			only = only && !e.Age
		}
		return only
	})
	return only
}

// kleene combines the verdicts of the leaves.
func kleene(e Expr, leaf leafVerdict) func(*Context) Verdict {
	switch e := Bare(e).(type) {
	case *Logic:
		l, r := kleene(e.L, leaf), kleene(e.R, leaf)
		if e.Op == And {
			return func(c *Context) Verdict { return min(l(c), r(c)) }
		}
		return func(c *Context) Verdict { return max(l(c), r(c)) }
	case *Denial:
		x := kleene(e.X, leaf)
		return func(c *Context) Verdict { return -x(c) }
	case *Comparison:
		x := leaf(e)
		if e.Op == Equal && isCondition(e.L) && isCondition(e.R) {
			// Of two conditions each is a whole, not a leaf.
			l, r := kleene(e.L, leaf), kleene(e.R, leaf)
			x = func(c *Context) Verdict { return l(c) * r(c) }
		}
		if e.Denied {
			return func(c *Context) Verdict { return -x(c) }
		}
		return x
	case *Literal:
		v := verdict(e.Value.Bool)
		return func(*Context) Verdict { return v }
	default:
		return leaf(e)
	}
}

// isCondition tells whether e is made of conditions or is a truth value that was
// written: what kleene can look into.
func isCondition(e Expr) bool {
	switch e := Bare(e).(type) {
	case *Logic, *Denial, *Comparison:
		return true
	case *Literal:
		return e.Value.Kind == Bool
	}
	return false
}

// ValueKind says what a field is compared with.
type ValueKind string

// The kinds of what a field is compared with.
const (
	KindScalar   ValueKind = "scalar"
	KindGlob     ValueKind = "glob"
	KindPattern  ValueKind = "pattern"
	KindRegexp   ValueKind = "regexp"
	KindBitmask  ValueKind = "bitmask"
	KindVariable ValueKind = "variable"
	KindNet      ValueKind = "ipnet"
	KindRange    ValueKind = "range"
)

// FieldValue is something that a rule compares a field with.
type FieldValue struct {
	Kind  ValueKind
	Value Value
	// Low and High are the ends of a range, both in it; Outside is a value next
	// to the range, where the comparison begins to fail.
	Low, High, Outside int64
}

// Values lists what a condition compares a field with, wherever that stands and
// whichever way it counts.
func Values(e Expr, f *Field) []FieldValue {
	var out []FieldValue
	seen := map[FieldValue]bool{}
	add := func(v FieldValue) {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *FieldRead:
			if e.Field == f && f.Type().Kind == Bool {
				add(FieldValue{Kind: KindScalar, Value: BoolValue(true)})
			}
		case *Comparison:
			comparedWith(e, f, add)
		}
		return true
	})
	return out
}

// comparedWith finds what a comparison compares the field with.
func comparedWith(e *Comparison, f *Field, add func(FieldValue)) {
	for _, side := range []struct {
		op         Op
		field, val Expr
	}{{e.Op, e.L, e.R}, {mirror(e.Op), e.R, e.L}} {
		switch x := Bare(side.field).(type) {
		case *FieldRead:
			if x.Field != f {
				continue
			}
			switch side.op {
			case Equal, In, AllIn:
				addMembers(side.val, f, add)
			default:
				if lit, ok := Bare(side.val).(*Literal); ok && !e.Age {
					add(rangeOf(side.op, lit.Value.Int))
				}
			}
		case *Arithmetic:
			if reads(x.L, f) || reads(x.R, f) {
				addMasks(x, add)
				addMasks(side.val, add)
			}
		}
	}
}

func reads(e Expr, f *Field) bool {
	read, ok := Bare(e).(*FieldRead)
	return ok && read.Field == f
}

// mirror is the operator with its sides exchanged.
func mirror(op Op) Op {
	switch op {
	case Less:
		return Greater
	case LessEqual:
		return GreaterEqual
	case Greater:
		return Less
	case GreaterEqual:
		return LessEqual
	}
	return op
}

func addMembers(e Expr, f *Field, add func(FieldValue)) {
	members := []Expr{e}
	if set, ok := Bare(e).(*Set); ok {
		members = set.Members
	}
	for _, m := range members {
		switch m := Bare(m).(type) {
		case *Literal:
			add(FieldValue{Kind: literalKind(m.Value, f), Value: m.Value})
		case *Interpolation, *VarRead:
			add(FieldValue{Kind: KindVariable})
		}
	}
}

func literalKind(v Value, f *Field) ValueKind {
	switch {
	case v.Kind == Net:
		return KindNet
	case v.Form == Regexp:
		return KindRegexp
	case v.Form == Pattern && f.Path:
		return KindGlob
	case v.Form == Pattern:
		return KindPattern
	}
	return KindScalar
}

// addMasks adds every value that was written in an expression of bits, but 0,
// which no bit distinguishes.
func addMasks(e Expr, add func(FieldValue)) {
	Walk(e, func(e Expr) bool {
		if lit, ok := e.(*Literal); ok && lit.Value.Int != 0 {
			add(FieldValue{Kind: KindBitmask, Value: lit.Value})
		}
		return true
	})
}

const (
	minInt = -1 << 63
	maxInt = 1<<63 - 1
)

// rangeOf is the range of integers that compare so with v.
func rangeOf(op Op, v int64) FieldValue {
	r := FieldValue{Kind: KindRange, Value: IntValue(v), Low: minInt, High: maxInt}
	switch op {
	case Less:
		r.High, r.Outside = v-1, v
	case LessEqual:
		r.High, r.Outside = v, v+1
	case Greater:
		r.Low, r.Outside = v+1, v
	case GreaterEqual:
		r.Low, r.Outside = v, v-1
	}
	return r
}
