package ruleset

import (
	"strings"

	"nightjar/secl"
)

// atomKind is a way to find rules by the value of a field, the cheaper and the
// rarer to hold the lower.
type atomKind uint8

const (
	exactText atomKind = iota + 1
	exactInt
	isTrue
	prefixText
	suffixText
	memberText // of an array
	notEmpty
)

// atom is a condition on one field.
type atom struct {
	kind  atomKind
	field *secl.Field
	text  string
	int   int64
}

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
		if !denied && plain(e) && e.Type() == (secl.Type{Kind: secl.Bool}) {
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

// plain tells whether a field has one reading for the whole event.
func plain(e *secl.FieldRead) bool {
	return e.Field.Iterator == nil && e.Index < 0 && e.Field.Instead == nil
}

// compared is the guard of a comparison.
func compared(e *secl.Comparison, denied bool) []atom {
	field, other := side(e.L, e.R)
	if field == nil || !plain(field) || e.Age {
		return nil
	}
	lit, isLiteral := secl.Bare(other).(*secl.Literal)
	switch t := field.Type(); {
	case denied && isLiteral && t == secl.Type{Kind: secl.String} && e.Op == secl.Equal && lit.Value.Form == secl.Scalar && lit.Value.Text == "":
		return []atom{{kind: notEmpty, field: field.Field}}
	case isLiteral && t == secl.Type{Kind: secl.Bool} && e.Op == secl.Equal && lit.Value.Bool != denied:
		return []atom{{kind: isTrue, field: field.Field}}
	case denied || e.Op != secl.Equal && e.Op != secl.In:
		return nil
	case isLiteral && t == secl.Type{Kind: secl.Int}:
		return []atom{{kind: exactInt, field: field.Field, int: lit.Value.Int}}
	case t.Kind == secl.String:
		return textAtoms(field.Field, other)
	}
	return nil
}

// side finds the field that a comparison is about, and what stands beside it.
func side(l, r secl.Expr) (*secl.FieldRead, secl.Expr) {
	if f, ok := secl.Bare(l).(*secl.FieldRead); ok {
		return f, r
	}
	if f, ok := secl.Bare(r).(*secl.FieldRead); ok {
		return f, l
	}
	return nil, nil
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
	first, last := strings.IndexByte(v.Text, '*'), strings.LastIndexByte(v.Text, '*')
	isArray := f.Type().Array
	switch {
	case v.Form == secl.Regexp || v.Kind != secl.String:
		return atom{}, false
	case (v.Form == secl.Scalar || first < 0) && isArray:
		return atom{kind: memberText, field: f, text: v.Text}, true
	case v.Form == secl.Scalar || first < 0:
		return atom{kind: exactText, field: f, text: v.Text}, true
	case isArray || f.Fold:
		return atom{}, false
	case first > 0:
		return atom{kind: prefixText, field: f, text: v.Text[:first]}, true
	case last < len(v.Text)-1 && !f.Path:
		return atom{kind: suffixText, field: f, text: v.Text[last+1:]}, true
	}
	return atom{}, false
}
