package ruleset

import (
	"slices"

	"nightjar/secl"
)

// Approvals are the values by which a kernel lets events through.
type Approvals struct {
	// Fields has for each field the values of which an event must have one.
	Fields map[string][]secl.FieldValue
	// By says which field serves which rule.
	By map[string]string
	// Without are the rules that no field serves. One of them is enough that the
	// kernel must let every event through, and Fields is empty.
	Without []string
}

// Approve finds the values by which events of this type can be let through:
// an event that has none of them in any of the fields matches no rule.
func (b *Bucket) Approve(caps []secl.Capability) Approvals {
	out := Approvals{Fields: map[string][]secl.FieldValue{}, By: map[string]string{}}
	type fieldValue struct {
		name  string
		value secl.FieldValue
	}
	seen := map[fieldValue]bool{}
	for _, r := range b.Rules {
		a := secl.Approve(r.Rule.Rule, b.set.model, caps)
		if a == nil {
			out.Without = append(out.Without, r.ID)
			continue
		}
		name := a.Capability.Field
		out.By[r.ID] = name
		for _, v := range a.Values {
			if key := (fieldValue{name, v}); !seen[key] {
				seen[key] = true
				out.Fields[name] = append(out.Fields[name], v)
			}
		}
	}
	if len(out.Without) > 0 {
		out.Fields = map[string][]secl.FieldValue{}
	}
	return out
}

// discarder knows of one field whether its value alone rules out every rule.
type discarder struct {
	field    *secl.Field
	partials []*secl.Partial
}

// PrepareDiscarders names the fields whose values a kernel can hold back. Rules
// that are served by a field which only approves take no part.
func (b *Bucket) PrepareDiscarders(fields []string, caps []secl.Capability) {
	b.discarders = nil
	rules := slices.DeleteFunc(slices.Clone(b.Rules), func(r *Rule) bool {
		a := secl.Approve(r.Rule.Rule, b.set.model, caps)
		return a != nil && a.Capability.ApproverOnly
	})
	for _, name := range fields {
		f := b.set.model.Field(name)
		if f == nil || f.Event != "" && f.Event != b.Event {
			continue
		}
		d := &discarder{field: f}
		for _, r := range rules {
			d.partials = append(d.partials, secl.CompilePartial(r.Rule.Rule, f))
		}
		b.discarders = append(b.discarders, d)
	}
}

// Discard calls found for every prepared field whose value in the event rules
// out every rule: no other event with that value can match either.
func (b *Bucket) Discard(c *secl.Context, found func(*secl.Field)) {
	for _, d := range b.discarders {
		if d.discards(c) {
			found(d.field)
		}
	}
}

func (d *discarder) discards(c *secl.Context) bool {
	for _, p := range d.partials {
		if p.Verdict(c) != secl.Impossible {
			return false
		}
	}
	return len(d.partials) > 0
}

// DiscardsUnder tells whether every path in a folder is ruled out: the folder
// meets none of the paths that any rule compares the field with, and what has
// none of these can match no rule.
func (b *Bucket) DiscardsUnder(field, folder string) bool {
	f := b.set.model.Field(field)
	if f == nil || !f.Path {
		return false
	}
	capability := []secl.Capability{{Field: field, Kinds: []secl.ValueKind{secl.KindScalar, secl.KindGlob}}}
	for _, r := range b.Rules {
		if secl.Approve(r.Rule.Rule, b.set.model, capability) == nil {
			return false
		}
		for _, v := range secl.Values(r.Expr, f) {
			if meets, err := secl.GlobMeets(v.Value.Text, folder); err != nil || meets {
				return false
			}
		}
	}
	return len(b.Rules) > 0
}
