package secl

import (
	"net/netip"
	"strconv"
	"unsafe"
)

// source is where the values of one operand come from: one value, an array, or
// what an iterator visits. Exactly one of its readers is set.
type source[T any] struct {
	one    func(*Context) T
	many   func(*Context) []T
	each   func(*Context, int) T   // of the elements of an iterator
	eachOf func(*Context, int) []T // of the elements of an iterator
	length func(*Context) int      // of the iterator; nil if the register says which element
}

// newSource makes the source of a reader. With index not below zero it is the
// one value that stands there, or the zero value.
func newSource[T any](read any, it *Iterator, registered bool, index int) source[T] {
	var s source[T]
	switch read := read.(type) {
	case func(*Context) T:
		s.one = read
	case func(*Context) []T:
		s.many = read
	case func(*Context, int) T:
		s.each = read
	case func(*Context, int) []T:
		s.eachOf = read
	}
	if it != nil && !registered {
		s.length = it.Len
	}
	if index >= 0 {
		return source[T]{one: s.index(index)}
	}
	return s
}

func (s source[T]) index(index int) func(*Context) T {
	var zero T
	switch {
	case s.many != nil:
		return func(c *Context) T {
			if vs := s.many(c); index < len(vs) {
				return vs[index]
			}
			return zero
		}
	case s.each != nil && s.length != nil:
		return func(c *Context) T {
			if index < s.length(c) {
				return s.each(c, index)
			}
			return zero
		}
	}
	return func(*Context) T { return zero }
}

// any tells whether a test holds for at least one value.
func (s source[T]) any(test func(*Context, T) bool) func(*Context) bool {
	switch {
	case s.one != nil:
		return func(c *Context) bool { return test(c, s.one(c)) }
	case s.many != nil:
		return func(c *Context) bool { return anyOf(c, s.many(c), test) }
	case s.each != nil && s.length == nil:
		return func(c *Context) bool { return test(c, s.each(c, c.register)) }
	case s.eachOf != nil && s.length == nil:
		return func(c *Context) bool { return anyOf(c, s.eachOf(c, c.register), test) }
	case s.each != nil:
		return func(c *Context) bool {
			for i := range min(s.length(c), MaxIterations) {
				if test(c, s.each(c, i)) {
					return true
				}
			}
			return false
		}
	}
	return func(c *Context) bool {
		for i := range min(s.length(c), MaxIterations) {
			if anyOf(c, s.eachOf(c, i), test) {
				return true
			}
		}
		return false
	}
}

func anyOf[T any](c *Context, vs []T, test func(*Context, T) bool) bool {
	for _, v := range vs {
		if test(c, v) {
			return true
		}
	}
	return false
}

// constant is the source of one value that never changes.
func constant[T any](v T) source[T] { return source[T]{one: func(*Context) T { return v }} }

// ints, texts, bools and nets are the sources of operands of these kinds.

func (k *compiler) ints(e Expr) source[int64] {
	switch e := Bare(e).(type) {
	case *Literal:
		return constant(e.Value.Int)
	case *Arithmetic:
		l, r, op := k.ints(e.L).one, k.ints(e.R).one, arithmetic(e.Op)
		return source[int64]{one: func(c *Context) int64 { return op(l(c), r(c)) }}
	case *Inversion:
		x := k.ints(e.X).one
		if e.Op == BitNot {
			return source[int64]{one: func(c *Context) int64 { return ^x(c) }}
		}
		return source[int64]{one: func(c *Context) int64 { return -x(c) }}
	case *FieldRead:
		if k.probes(e) {
			return source[int64]{one: func(c *Context) int64 { return c.probe.Int }}
		}
	}
	return readSource[int64](e)
}

func arithmetic(op Op) func(a, b int64) int64 {
	switch op {
	case Plus:
		return func(a, b int64) int64 { return a + b }
	case Minus:
		return func(a, b int64) int64 { return a - b }
	case BitAnd:
		return func(a, b int64) int64 { return a & b }
	case BitOr:
		return func(a, b int64) int64 { return a | b }
	}
	return func(a, b int64) int64 { return a ^ b }
}

func (k *compiler) texts(e Expr) source[string] {
	switch e := Bare(e).(type) {
	case *Literal:
		return constant(e.Value.Text)
	case *Interpolation:
		return source[string]{one: k.interpolation(e)}
	case *FieldRead:
		if k.probes(e) {
			return source[string]{one: func(c *Context) string { return c.probe.Text }}
		}
	}
	return readSource[string](e)
}

func (k *compiler) bools(e Expr) source[bool] {
	switch e := Bare(e).(type) {
	case *FieldRead:
		if k.probes(e) {
			return source[bool]{one: func(c *Context) bool { return c.probe.Bool }}
		}
		return readSource[bool](e)
	case *VarRead, *Set:
		return readSource[bool](e)
	}
	return source[bool]{one: k.cond(e).run}
}

func (k *compiler) nets(e Expr) source[netip.Prefix] {
	switch e := Bare(e).(type) {
	case *Literal:
		return constant(e.Value.Net)
	case *FieldRead:
		if k.probes(e) {
			return source[netip.Prefix]{one: func(c *Context) netip.Prefix { return c.probe.Net }}
		}
	}
	return readSource[netip.Prefix](e)
}

// readSource is the source of a field, a variable or a list.
func readSource[T any](e Expr) source[T] {
	switch e := Bare(e).(type) {
	case *FieldRead:
		return newSource[T](e.Field.Read, e.Field.Iterator, e.Register != "", e.Index)
	case *VarRead:
		return newSource[T](e.Var.Read, nil, false, -1)
	case *Set:
		values := make([]T, len(e.Members))
		for i, m := range e.Members {
			lit, ok := m.(*Literal)
			if !ok {
				continue
			}
			switch v := any(&values[i]).(type) {
			case *int64:
				*v = lit.Value.Int
			case *bool:
				*v = lit.Value.Bool
			case *string:
				*v = lit.Value.Text
			case *netip.Prefix:
				*v = lit.Value.Net
			}
		}
		return source[T]{many: func(*Context) []T { return values }}
	}
	var zero T
	return constant(zero)
}

// interpolation puts a text together in the context's buffer. The text is good
// until the next rule is evaluated.
func (k *compiler) interpolation(e *Interpolation) func(*Context) string {
	parts := make([]func(*Context, []byte) []byte, len(e.Parts))
	for i, p := range e.Parts {
		parts[i] = k.appender(p)
	}
	return func(c *Context) string {
		start := len(c.buffer)
		for _, p := range parts {
			c.buffer = p(c, c.buffer)
		}
		if len(c.buffer) == start {
			return ""
		}
		return unsafe.String(&c.buffer[start], len(c.buffer)-start)
	}
}

// appender writes a value as it stands in an interpolated text: arrays with
// commas between their members.
func (k *compiler) appender(e Expr) func(*Context, []byte) []byte {
	switch e.Type().Kind {
	case Int:
		return appendAll(k.ints(e), func(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) })
	case Bool:
		return appendAll(k.bools(e), strconv.AppendBool)
	case Net:
		return appendAll(k.nets(e), appendNet)
	}
	return appendAll(k.texts(e), func(b []byte, v string) []byte { return append(b, v...) })
}

func appendNet(b []byte, v netip.Prefix) []byte {
	if v.Bits() == v.Addr().BitLen() {
		return v.Addr().AppendTo(b)
	}
	return v.AppendTo(b)
}

func appendAll[T any](s source[T], appendOne func([]byte, T) []byte) func(*Context, []byte) []byte {
	if s.one != nil {
		return func(c *Context, b []byte) []byte { return appendOne(b, s.one(c)) }
	}
	return func(c *Context, b []byte) []byte {
		for i, v := range s.collect(c) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendOne(b, v)
		}
		return b
	}
}

// collect lists all values. It allocates, except for arrays.
func (s source[T]) collect(c *Context) []T {
	switch {
	case s.one != nil:
		return []T{s.one(c)}
	case s.many != nil:
		return s.many(c)
	}
	from, to := c.register, c.register+1
	if s.length != nil {
		from, to = 0, min(s.length(c), MaxIterations)
	}
	var all []T
	for i := from; i < to; i++ {
		if s.each != nil {
			all = append(all, s.each(c, i))
		} else {
			all = append(all, s.eachOf(c, i)...)
		}
	}
	return all
}
