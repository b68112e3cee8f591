package secl

import "slices"

// Capability is a field that the kernel side can filter by.
type Capability struct {
	Field  string
	Kinds  []ValueKind
	Weight int // of the fields that could serve a rule, the heaviest does
	// ApproverOnly fields serve to let events through, not to hold them back:
	// rules that use them take no part in the search for discarders.
	ApproverOnly bool
	Low, High    int64 // the least and the largest value, for ranges
	// UnsetIsRange makes `!= High+1`, a value that means none, the range of all
	// others.
	UnsetIsRange bool
	Valid        func(FieldValue) bool // nil: every value is
}

func (k *Capability) can(kind ValueKind) bool { return slices.Contains(k.Kinds, kind) }

// Approvers are the values of one field of which an event must have one, or it
// can't match a rule.
type Approvers struct {
	Capability *Capability
	Values     []FieldValue
}

// maxMasks bounds the bit masks that are tried in all combinations.
const maxMasks = 12

// Approve finds the field by which the kernel can tell which events a rule may
// match; nil if there is none.
func Approve(r *Rule, model *Model, caps []Capability) *Approvers {
	var best *Approvers
	for i := range caps {
		k := &caps[i]
		f := model.Field(k.Field)
		if f == nil || best != nil && k.Weight <= best.Capability.Weight {
			continue
		}
		if values := approverValues(r, f, k); len(values) > 0 {
			best = &Approvers{k, values}
		}
	}
	return best
}

// approverValues are the values of one field that can make the rule match while
// their denial can't. There are none where the field can also make it match with
// a value that is not among them.
func approverValues(r *Rule, f *Field, k *Capability) []FieldValue {
	if !slices.Contains(r.fields, f) || f.Iterator != nil || !covered(r, f, k) {
		return nil
	}
	recorded := Values(r.Expr, f)
	wanted := map[FieldValue]bool{}
	wantedValues(r.Expr, f, asserted, wanted)
	if k.UnsetIsRange {
		unsetToRange(recorded, k)
	}
	try := probing(r, f)
	var out []FieldValue
	for _, v := range withCombinations(recorded) {
		switch {
		case v.Kind == KindVariable:
			continue
		case v.Kind == KindRange && !k.can(KindRange):
			continue // covering has seen that it does not matter
		case !k.can(v.Kind):
			return nil
		}
		if v.Kind == KindRange {
			if v.Low, v.High = max(v.Low, k.Low), min(v.High, k.High); v.Low > v.High {
				continue
			}
		}
		// Of values that stand for many, one was tried: the others may match, so
		// where it is wanted it approves whatever came of that.
		if inside, outside := probes(v); try(inside) == Impossible || try(outside) != Impossible {
			if v.Kind == KindScalar || v.Kind == KindBitmask || !wanted[plainRange(v)] {
				continue
			}
		}
		if k.Valid == nil || k.Valid(v) {
			out = append(out, v)
		}
	}
	return out
}

// Whether a condition has to hold, or must not.
const (
	asserted = false
	negated  = true
)

// wantedValues are the values of a field that a condition compares it with where
// that helps it to hold; the others are those where it must not.
func wantedValues(e Expr, f *Field, denied bool, out map[FieldValue]bool) {
	switch e := Bare(e).(type) {
	case *Logic:
		wantedValues(e.L, f, denied, out)
		wantedValues(e.R, f, denied, out)
	case *Denial:
		wantedValues(e.X, f, !denied, out)
	case *Comparison:
		if isCondition(e.L) || isCondition(e.R) {
			for _, side := range []Expr{e.L, e.R} {
				wantedValues(side, f, asserted, out)
				wantedValues(side, f, negated, out)
			}
			return
		}
		if denied == e.Denied {
			comparedWith(e, f, func(v FieldValue) { out[plainRange(v)] = true })
		}
	}
}

// plainRange is a range as it was written, not as a capability cuts it.
func plainRange(v FieldValue) FieldValue {
	if v.Kind == KindRange {
		v.Low, v.High = 0, 0
	}
	return v
}

// covered tells whether the rule can't match with a value of the field that it
// does not compare it with. Texts have two: some text, and none, which the
// patterns that fit everything do not fit.
func covered(r *Rule, f *Field, k *Capability) bool {
	others := []Value{fresh}
	none := FieldValue{Kind: KindScalar, Value: TextValue("")}
	if f.Type().Kind == String && !slices.Contains(Values(r.Expr, f), none) {
		others = append(others, none.Value)
	}
	return !slices.ContainsFunc(others, func(other Value) bool {
		return kleene(r.Expr, covering(f, k, other))(nil) != Impossible
	})
}

// covering says of a leaf what it is for a value of the field that is none of
// those that are written: equality fails. What a kernel can't filter by might
// hold for such a value, so it is unknown.
func covering(f *Field, k *Capability, other Value) leafVerdict {
	return func(e Expr) func(*Context) Verdict {
		v := Unknown
		if dependsOnlyOn(e, f) {
			v = coverLeaf(e, f, k, other)
		}
		return func(*Context) Verdict { return v }
	}
}

func coverLeaf(e Expr, f *Field, k *Capability, other Value) Verdict {
	cmp, ok := e.(*Comparison)
	if !ok {
		return Impossible // a bare truth value: the other one is not written
	}
	var masked, plain bool
	for _, side := range []Expr{cmp.L, cmp.R} {
		switch x := Bare(side).(type) {
		case *Arithmetic:
			masked = masked || x.Op == BitAnd && (reads(x.L, f) || reads(x.R, f))
		case *FieldRead:
			plain = true
		}
	}
	switch {
	case fieldReads(cmp) != 1:
		return Unknown // compared with itself
	case masked:
		// A value that has none of the bits.
		run := (&compiler{probe: f}).comparison(cmp).run
		return verdict(run(&Context{probe: IntValue(0)}))
	case !plain:
		return Unknown
	case cmp.Op == Equal || cmp.Op == In || cmp.Op == AllIn:
		if lit, ok := Bare(cmp.R).(*Literal); ok && k.UnsetIsRange && cmp.Denied && lit.Value.Int == k.High+1 {
			return Certain // and its denial fails, outside of the range
		}
		return otherMatch(cmp, f, other)
	case k.can(KindRange):
		return Impossible
	}
	return Unknown
}

// fieldReads counts how often an expression reads a field.
func fieldReads(e Expr) int {
	n := 0
	Walk(e, func(e Expr) bool {
		if _, ok := e.(*FieldRead); ok {
			n++
		}
		return true
	})
	return n
}

// fresh is a text that no rule has in mind: it fits only patterns that fit
// everything.
var fresh = Value{Kind: String, Text: "\x00"}

// otherMatch evaluates an equality with a value that is written nowhere.
func otherMatch(cmp *Comparison, f *Field, other Value) Verdict {
	if f.Type().Kind != String {
		return Impossible
	}
	run := (&compiler{probe: f}).comparison(cmp).run
	return verdict(run(&Context{probe: other}))
}

// probes are a value that v stands for, and one that it does not.
func probes(v FieldValue) (inside, outside Value) {
	if v.Kind != KindRange {
		inside = v.Value
		inside.Form = Scalar
		return inside, denial(v.Value)
	}
	inside = IntValue(v.High)
	if v.Outside < v.Low {
		inside = IntValue(v.Low)
	}
	return inside, IntValue(v.Outside)
}

// denial is a value that is not v.
func denial(v Value) Value {
	switch v.Kind {
	case Bool:
		v.Bool = !v.Bool
	case Int:
		v.Int = ^v.Int
	case String:
		return fresh
	}
	return v
}

// unsetToRange makes a comparison with the value that means none a range.
func unsetToRange(values []FieldValue, k *Capability) {
	for i, v := range values {
		if v.Kind == KindScalar && v.Value.Int == k.High+1 {
			values[i] = FieldValue{Kind: KindRange, Value: v.Value, Low: k.Low, High: k.High, Outside: k.High + 1}
		}
	}
}

// withCombinations adds to the bit masks among values what they give together.
func withCombinations(values []FieldValue) []FieldValue {
	var masks []int64
	for _, v := range values {
		if v.Kind == KindBitmask {
			masks = append(masks, v.Value.Int)
		}
	}
	if len(masks) > maxMasks {
		return nil
	}
	out := slices.DeleteFunc(slices.Clone(values), func(v FieldValue) bool { return v.Kind == KindBitmask })
	for _, m := range Combinations(masks) {
		out = append(out, FieldValue{Kind: KindBitmask, Value: IntValue(m)})
	}
	return out
}

// Combinations are the values that bit masks give, alone and together.
func Combinations(masks []int64) []int64 {
	out := []int64{}
	for chosen := 1; chosen < 1<<len(masks); chosen++ {
		var m int64
		for i, mask := range masks {
			if chosen&(1<<i) != 0 {
				m |= mask
			}
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
