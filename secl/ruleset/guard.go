package ruleset

import "nightjar/secl"

// atomKind is a way to find rules by the value of a field, the cheaper and the
// rarer to hold the lower.
type atomKind uint8

const (
	exactText atomKind = iota + 1
	exactInt
	maskInt // the value has one of the bits
	prefixText
	suffixText
	memberText // of an array, or of what an iterator visits
	memberPrefix
	memberSuffix
	isTrue
	notEmpty // of a field that all events have
	common   // and from here on most events have it
	ownNotEmpty
	zeroInt
	emptyText
)

// atom is a condition on one field.
type atom struct {
	kind  atomKind
	field *secl.Field
	text  string
	int   int64
}

// asserted is said of a condition that has to hold, rather than one that must not.
const asserted = false

// guard is atoms of which at least one holds for every event that a condition
// holds for; nil if nothing is known.
func guard(e secl.Expr, denied bool) []atom {
	switch e := secl.Bare(e).(type) {
	case *secl.Logic:
		l, r := guard(e.L, denied), guard(e.R, denied)
		if (e.Op == secl.And) != denied {
			return better(l, r)
		}
		if l == nil || r == nil {
			return nil
		}
		return append(l[:len(l):len(l)], r...)
	case *secl.Denial:
		return guard(e.X, !denied)
	case *secl.Comparison:
		return compared(e, denied != e.Denied)
	case *secl.FieldRead:
		if !denied && plain(e) && e.Type() == truth {
			return []atom{{kind: isTrue, field: e.Field}}
		}
	}
	return nil
}

// better is the guard that an index finds fewer events by.
func better(l, r []atom) []atom {
	if l == nil || r != nil && cost(r) < cost(l) {
		return r
	}
	return l
}

// cost ranks a guard by its worst atom, then by how many it has.
func cost(g []atom) int {
	worst := atomKind(0)
	for _, a := range g {
		worst = max(worst, a.kind)
	}
	const perKind = 10_000
	return int(worst)*perKind + len(g)
}

// plain tells whether an index can read the field as the rule does.
func plain(e *secl.FieldRead) bool { return e.Index < 0 && e.Field.Instead == nil }

var (
	truth  = secl.Type{Kind: secl.Bool}
	number = secl.Type{Kind: secl.Int}
	text   = secl.Type{Kind: secl.String}
)

// compared is the guard of a comparison.
func compared(e *secl.Comparison, denied bool) []atom {
	if a, ok := masked(e, denied); ok {
		return []atom{a}
	}
	field, other := side(e.L, e.R)
	if field == nil || !plain(field) || e.Age {
		return nil
	}
	lit, isLiteral := secl.Bare(other).(*secl.Literal)
	if isLiteral && e.Op == secl.Equal {
		switch t := field.Type(); {
		case t == text && denied && lit.Value.Form == secl.Scalar && lit.Value.Text == "":
			if field.Field.Event != "" {
				return []atom{{kind: ownNotEmpty, field: field.Field}}
			}
			return []atom{{kind: notEmpty, field: field.Field}}
		case t == truth && lit.Value.Bool != denied:
			return []atom{{kind: isTrue, field: field.Field}}
		case t == number && !denied && lit.Value.Int == 0:
			return []atom{{kind: zeroInt, field: field.Field}}
		case t == number && !denied:
			return []atom{{kind: exactInt, field: field.Field, int: lit.Value.Int}}
		}
	}
	if denied || e.Op != secl.Equal && e.Op != secl.In || field.Type().Kind != secl.String {
		return nil
	}
	return textAtoms(field.Field, other)
}

// masked recognises field & mask > 0 and field & mask != 0.
func masked(e *secl.Comparison, denied bool) (atom, bool) {
	bits, ok := secl.Bare(e.L).(*secl.Arithmetic)
	zero, isLiteral := secl.Bare(e.R).(*secl.Literal)
	if !ok || bits.Op != secl.BitAnd || !isLiteral || zero.Value.Int != 0 {
		return atom{}, false
	}
	if above := e.Op == secl.Greater && !denied; !above && !(e.Op == secl.Equal && denied) {
		return atom{}, false
	}
	field, other := side(bits.L, bits.R)
	mask, isMask := secl.Bare(other).(*secl.Literal)
	if field == nil || !isMask || !plain(field) || field.Type() != number {
		return atom{}, false
	}
	return atom{kind: maskInt, field: field.Field, int: mask.Value.Int}, true
}

// side finds the field that a comparison is about, and what stands beside it.
func side(l, r secl.Expr) (*secl.FieldRead, secl.Expr) {
	if f, ok := secl.Bare(l).(*secl.FieldRead); ok {
		return f, r
	}
	if f, ok := secl.Bare(r).(*secl.FieldRead); ok {
		return f, l
	}
	return nil, r
}

// textAtoms are the atoms of the texts and patterns that a field is compared
// with; nil if one of them has nothing to find it by.
func textAtoms(f *secl.Field, other secl.Expr) []atom {
	members := []secl.Expr{other}
	if set, ok := secl.Bare(other).(*secl.Set); ok {
		members = set.Members
	}
	var out []atom
	for _, m := range members {
		lit, ok := secl.Bare(m).(*secl.Literal)
		if !ok {
			return nil
		}
		a, ok := textAtom(f, lit.Value)
		if !ok {
			return nil
		}
		out = append(out, a)
	}
	return out
}

func textAtom(f *secl.Field, v secl.Value) (atom, bool) {
	out := atom{field: f}
	prefix, suffix, exact := secl.Ends(v)
	switch {
	case v.Kind != secl.String || !exact && f.Fold:
		return out, false
	case exact:
		out.kind, out.text = exactText, prefix
	case prefix != "":
		out.kind, out.text = prefixText, prefix
	case suffix != "" && !f.Path:
		out.kind, out.text = suffixText, suffix
	default:
		return out, false
	}
	switch isArray := f.Type().Array; {
	case isArray && out.kind == exactText:
		out.kind = memberText
	case isArray && out.kind == prefixText:
		out.kind = memberPrefix
	case isArray:
		out.kind = memberSuffix
	case exact && prefix == "":
		out.kind = emptyText
	}
	return out, true
}
