package secl

// Unsatisfiable finds a field no value of which lets a condition hold; nil if
// there may be one for every field. It looks at each field alone.
func Unsatisfiable(r *Rule) *Field {
	for _, f := range r.fields {
		if f.Iterator == nil && !f.Type().Array && f.Instead == nil && f.Also == nil && impossible(r, f) {
			return f
		}
	}
	return nil
}

// impossible tries every value of a field that the condition can tell from
// others: for texts the ones that are written, and one that is not; for integers
// those around the ones that are written. Where it compares in other ways than by
// equality and order, there may be more.
func impossible(r *Rule, f *Field) bool {
	var candidates []Value
	switch f.Type().Kind {
	case Bool:
		candidates = []Value{BoolValue(true), BoolValue(false)}
	case Int:
		candidates = []Value{IntValue(minInt), IntValue(maxInt)}
	case String:
		candidates = []Value{fresh}
	default:
		return false
	}
	for _, v := range Values(r.Expr, f) {
		switch {
		case v.Kind == KindScalar && f.Type().Kind == String:
			candidates = append(candidates, v.Value)
		case (v.Kind == KindScalar || v.Kind == KindRange) && f.Type().Kind == Int:
			candidates = append(candidates, IntValue(v.Value.Int-1), IntValue(v.Value.Int), IntValue(v.Value.Int+1))
		case v.Kind == KindScalar || v.Kind == KindVariable:
		default:
			return false
		}
	}
	if computedWith(r.Expr, f) {
		return false
	}
	try := probing(r, f)
	for _, v := range candidates {
		if try(v) != Impossible {
			return false
		}
	}
	return true
}

// computedWith tells whether a condition computes something with a field before
// it compares: then other values matter than the ones that are written.
func computedWith(e Expr, f *Field) bool {
	found := false
	Walk(e, func(e Expr) bool {
		switch e.(type) {
		case *Arithmetic, *Inversion, *Interpolation:
			Walk(e, func(e Expr) bool {
				read, ok := e.(*FieldRead)
				found = found || ok && read.Field == f
				return true
			})
		}
		return !found
	})
	return found
}
