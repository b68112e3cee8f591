package secl

// compare checks a comparison: which types can stand on which side of which
// operator. What is not listed here is a mistake, reported at the right operand.
func (c *checker) compare(n *Binary, l, r Expr) Expr {
	out := &Comparison{from: from{n}, Op: n.Op.positive(), Denied: n.Op.negates(), L: l, R: r}
	ok := false
	switch out.Op {
	case Match:
		return c.match(n, out)
	case Equal:
		ok = comparableEqual(l.Type(), r.Type())
	case Less, LessEqual, Greater, GreaterEqual:
		ok = comparableOrder(l.Type(), r.Type())
	case In, AllIn:
		ok = comparableIn(out)
	}
	if !ok {
		return c.mismatch(n, l, r)
	}
	if isDuration(r) && out.Op != In {
		if out.Denied {
			return c.fail(n.R, "write < or >", "a duration can't be compared with %s", n.Op)
		}
		_, computed := Bare(l).(*Arithmetic)
		out.Age = !computed
	}
	if !c.suits(n.R, l, r) || !c.suits(n.L, r, l) {
		return nil
	}
	return out
}

// match checks =~: a text on the right becomes a pattern, and the comparison
// one for equality.
func (c *checker) match(n *Binary, out *Comparison) Expr {
	if out.L.Type().Kind != String || (out.R.Type() != Type{Kind: String}) {
		return c.mismatch(n, out.L, out.R)
	}
	lit, ok := Bare(out.R).(*Literal)
	if !ok {
		return c.fail(n.R, "compare with == or in", "the right side of %s is a text that is written there", n.Op)
	}
	v := lit.Value
	if v.Form == Scalar {
		v.Form = Pattern
	}
	out.Op, out.R = Equal, &Literal{lit.from, v}
	if !c.suits(n.R, out.L, out.R) {
		return nil
	}
	return out
}

func (c *checker) mismatch(n *Binary, l, r Expr) Expr {
	if l.Type() == (Type{Kind: r.Type().Kind}) && r.Type().Array && n.Op.positive() == Equal {
		return c.fail(n.R, "write in or not in", "%s can't be compared with %s by %s", l.Type(), r.Type(), n.Op)
	}
	if n.Op.positive() == In || n.Op == AllIn || l.Type().Array {
		return c.fail(n.R, "", "%s can't be compared with %s by %s", l.Type(), r.Type(), n.Op)
	}
	return c.fail(n.R, "", "got %s, want %s", r.Type(), l.Type())
}

func comparableEqual(l, r Type) bool {
	return l.Kind == r.Kind && (!r.Array || l == Type{Kind: Int})
}

func comparableOrder(l, r Type) bool {
	return l.Kind == Int && r.Kind == Int && (!l.Array || !r.Array)
}

// comparableIn checks in and allin. For what is no network, allin is in.
func comparableIn(n *Comparison) bool {
	l, r := n.L.Type(), n.R.Type()
	if l.Kind != r.Kind {
		return false
	}
	_, leftSet := Bare(n.L).(*Set)
	_, rightSet := Bare(n.R).(*Set)
	switch l.Kind {
	case Bool:
		n.Op = In
		return !l.Array && r.Array
	case Int:
		n.Op = In
		return r.Array && !leftSet
	case String:
		n.Op = In
		return r.Array && !leftSet
	case Net:
		// A list stands on one side, or one network does.
		return !(l.Array && r.Array) || leftSet != rightSet
	}
	return false
}

// isDuration tells whether an integer was written with a unit.
func isDuration(e Expr) bool {
	switch e := Bare(e).(type) {
	case *Literal:
		return e.Value.Duration
	case *Arithmetic:
		return isDuration(e.L) && isDuration(e.R)
	}
	return false
}

// suits holds the values in e against what the field on the other side can be
// compared with.
func (c *checker) suits(n Node, other, e Expr) bool {
	read, ok := Bare(other).(*FieldRead)
	if !ok {
		return true
	}
	values := []Expr{e}
	if set, ok := Bare(e).(*Set); ok {
		values = set.Members
	}
	good := true
	for _, v := range values {
		lit, ok := Bare(v).(*Literal)
		if !ok {
			continue
		}
		if err := read.Field.suits(lit.Value); err != nil {
			at := n
			if _, inMacro := e.(*MacroUse); !inMacro {
				at = lit.Source()
			}
			c.fail(at, "", "%s: %s", read.Field.Name, err)
			good = false
		}
	}
	return good
}

// suits tells why the field can't be compared with a value.
func (f *Field) suits(v Value) error {
	if f.Path && v.Form == Pattern {
		if _, err := newGlob(v.Text, f.Fold); err != nil {
			return err
		}
	}
	if f.Check != nil {
		return f.Check(v)
	}
	return nil
}
