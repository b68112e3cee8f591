package secl

import "net/netip"

// comparison compiles a comparison, without its denial.
func (k *compiler) comparison(e *Comparison) cond {
	if x, ok := k.static(e); ok {
		return x
	}
	switch e.L.Type().Kind {
	case Int:
		return cond{run: k.compareInts(e)}
	case String:
		return cond{run: k.compareTexts(e)}
	case Net:
		return cond{run: k.compareNets(e)}
	}
	return cond{run: k.compareBools(e)}
}

// ConstantComparison is the value of a comparison of nothing but values that are
// written there, with its denial left out; ok is false for any other.
func ConstantComparison(e *Comparison) (value, ok bool) {
	x, ok := (&compiler{}).static(e)
	return x.value, ok
}

// static evaluates a comparison of nothing but values that are written there,
// once, now. The present is none of these.
func (k *compiler) static(e *Comparison) (cond, bool) {
	dynamic := e.Age
	Walk(e, func(e Expr) bool {
		switch e.(type) {
		case *FieldRead, *VarRead:
			dynamic = true
		}
		return !dynamic
	})
	if dynamic {
		return cond{}, false
	}
	var run func(*Context) bool
	switch e.L.Type().Kind {
	case Int:
		run = k.compareInts(e)
	case String:
		run = k.compareTexts(e)
	case Net:
		run = k.compareNets(e)
	default:
		run = k.compareBools(e)
	}
	return always(run(&Context{})), true
}

func (k *compiler) compareBools(e *Comparison) func(*Context) bool {
	l, r := k.bools(e.L), k.bools(e.R)
	return pairs(l, r, func(a, b bool) bool { return a == b })
}

// pairs tests every value of l with every value of r.
func pairs[T any](l, r source[T], test func(a, b T) bool) func(*Context) bool {
	if r.one != nil {
		return l.any(func(c *Context, a T) bool { return test(a, r.one(c)) })
	}
	if r.many != nil {
		return l.any(func(c *Context, a T) bool {
			for _, b := range r.many(c) {
				if test(a, b) {
					return true
				}
			}
			return false
		})
	}
	if l.one != nil {
		return r.any(func(c *Context, b T) bool { return test(l.one(c), b) })
	}
	return l.any(func(c *Context, a T) bool {
		for _, b := range r.collect(c) {
			if test(a, b) {
				return true
			}
		}
		return false
	})
}

func (k *compiler) compareInts(e *Comparison) func(*Context) bool {
	l := k.ints(e.L)
	if e.Op == In {
		return k.intIn(l, e)
	}
	test := intTest(e.Op)
	if lit, ok := Bare(e.R).(*Literal); ok && !e.Age {
		return intWith(l, e.Op, lit.Value.Int)
	}
	if e.Age {
		r := k.ints(e.R).one
		return l.any(func(c *Context, a int64) bool { return test(c.Now-a, r(c)) })
	}
	return pairs(l, k.ints(e.R), test)
}

func intTest(op Op) func(a, b int64) bool {
	switch op {
	case Less:
		return func(a, b int64) bool { return a < b }
	case LessEqual:
		return func(a, b int64) bool { return a <= b }
	case Greater:
		return func(a, b int64) bool { return a > b }
	case GreaterEqual:
		return func(a, b int64) bool { return a >= b }
	}
	return func(a, b int64) bool { return a == b }
}

// intWith compares with a value that is known now.
func intWith(l source[int64], op Op, v int64) func(*Context) bool {
	one := l.one
	switch {
	case one != nil && op == Equal:
		return func(c *Context) bool { return one(c) == v }
	case one != nil && op == Greater:
		return func(c *Context) bool { return one(c) > v }
	}
	test := intTest(op)
	return l.any(func(_ *Context, a int64) bool { return test(a, v) })
}

// intSetSize is from how many members on a set of integers is one of hashes.
const intSetSize = 16

func (k *compiler) intIn(l source[int64], e *Comparison) func(*Context) bool {
	set, ok := Bare(e.R).(*Set)
	if !ok || len(set.Members) < intSetSize {
		return pairs(l, k.ints(e.R), intTest(Equal))
	}
	members := map[int64]struct{}{}
	for _, v := range readSource[int64](set).many(nil) {
		members[v] = struct{}{}
	}
	return l.any(func(_ *Context, v int64) bool { _, in := members[v]; return in })
}

func (k *compiler) compareNets(e *Comparison) func(*Context) bool {
	l, r := k.nets(e.L), k.nets(e.R)
	if e.Op != AllIn {
		return pairs(l, r, overlap)
	}
	// One field on either side is held against every member of the other side's
	// list; where neither is an array of a field, allin is in.
	if isNetArray(e.L) {
		return everyPair(l, r)
	}
	if _, list := Bare(e.L).(*Set); list && isNetArray(e.R) {
		return everyPair(r, l)
	}
	return pairs(l, r, overlap)
}

func isNetArray(e Expr) bool {
	_, list := Bare(e).(*Set)
	return e.Type().Array && !list
}

// everyPair holds when every network of the field overlaps every member.
func everyPair(field, members source[netip.Prefix]) func(*Context) bool {
	return func(c *Context) bool {
		for _, a := range field.collect(c) {
			for _, b := range members.collect(c) {
				if !overlap(a, b) {
					return false
				}
			}
		}
		return true
	}
}
