package compiler

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// Stored tells what there is among the events that are stored.
type Stored interface {
	// HasSource reports whether some event is of the source.
	HasSource(source string) bool
	// HasAttribute reports whether an event of one of the sources has a value at the
	// path or below it; of any source, where there are none.
	HasAttribute(sources []string, path string) bool
}

// Unmet is something that a rule's query asks for, and that no stored event has.
type Unmet struct {
	Query string // name of the query; empty: of a rule over one
	// Source is one that no event is of. Where it is empty, no event of the Sources (of
	// any, where there are none) has the Attribute.
	Source    string
	Attribute string
	Sources   []string
	// Needed says that the query finds nothing without it.
	Needed bool
}

// String is what is missing, in words.
func (u Unmet) String() string {
	at := ""
	if u.Query != "" {
		at = "query " + u.Query + ": "
	}
	switch {
	case u.Source != "":
		return at + "no event has source:" + u.Source
	case len(u.Sources) == 0:
		return at + "no event has @" + u.Attribute
	}
	return at + "no event of source:" + strings.Join(u.Sources, ", source:") + " has @" + u.Attribute
}

// Reach is what a rule asks for in vain.
type Reach struct {
	Unmet []Unmet
	// NeverFires says that the rule can't make a signal before such events come.
	NeverFires bool
}

// Reach compares what the plan's queries and groups ask for with what is stored. A
// plan over signals, and one that is not evaluated, asks for no events.
func (p *Plan) Reach(stored Stored) Reach {
	if p.OfSignals || p.Unsupported != "" {
		return Reach{}
	}
	var out Reach
	finds := make([]bool, len(p.Labels))
	for i := range p.Labels {
		r := reacher{stored: stored, label: &p.Labels[i]}
		if len(p.Labels) > 1 {
			r.name = r.label.Name
		}
		finds[i] = r.reach()
		out.Unmet = append(out.Unmet, r.unmet...)
	}
	out.NeverFires = p.neverFires(finds)
	return out
}

// neverFires reports whether no case can hold when only these labels find events.
func (p *Plan) neverFires(finds []bool) bool {
	if !slices.Contains(finds, true) {
		return len(finds) > 0 && p.Expected == nil
	}
	known := map[int]float64{}
	for i, f := range finds {
		if !f {
			known[i] = 0
		}
	}
	never := func(c *Condition) bool {
		return c != nil && slices.ContainsFunc(c.Parts, func(n CondNode) bool {
			holds, _ := outcomes(n, known)
			return !holds
		})
	}
	if len(p.Steps) > 0 {
		return slices.ContainsFunc(p.Steps, func(s Step) bool { return never(s.Condition) })
	}
	return len(p.Cases) > 0 && !slices.ContainsFunc(p.Cases, func(c Case) bool { return !never(c.Condition) })
}

// reacher looks at one label.
type reacher struct {
	stored  Stored
	label   *Label
	name    string
	sources []string
	unmet   []Unmet
}

// reach reports whether the label can find events.
func (r *reacher) reach() bool {
	finds := true
	for _, s := range r.label.Filter.Sources() {
		if r.stored.HasSource(s) {
			r.sources = append(r.sources, s)
		} else {
			r.add(Unmet{Source: s, Needed: len(r.label.Filter.Sources()) == 1})
		}
	}
	if len(r.unmet) > 0 && len(r.sources) == 0 {
		return false // what events of these would have, nobody knows
	}
	for _, part := range r.label.Filter {
		if !part.Negated && !r.holds(part.Query.Root, true) {
			finds = false
		}
	}
	for _, f := range r.required() {
		if !r.has(f, true) {
			finds = false
		}
	}
	return finds
}

// required are the fields without which an event that matches does not count.
func (r *reacher) required() []schema.Field {
	var out []schema.Field
	if !r.label.Optional {
		out = append(out, r.label.GroupBy...)
	}
	out = append(out, r.label.Distinct...)
	if r.label.Metric.Name != "" {
		out = append(out, r.label.Metric)
	}
	return out
}

// holds reports whether some event may match the node. needed: the query finds
// nothing where the node does not hold.
func (r *reacher) holds(n search.Node, needed bool) bool {
	switch n := n.(type) {
	case search.Conjunction:
		all := true
		for _, inner := range n.Nodes {
			all = r.holds(inner, needed) && all
		}
		return all
	case search.Disjunction:
		some, before := false, len(r.unmet)
		for _, inner := range n.Nodes {
			some = r.holds(inner, false) || some
		}
		for i := before; i < len(r.unmet) && !some; i++ {
			r.unmet[i].Needed = needed
		}
		return some
	case search.Any:
		if !r.has(n.Field, needed) {
			return false
		}
		for _, a := range (&search.Query{Root: n.Node}).Asked() {
			a.Field.Name = n.Field.Name + "." + a.Field.Name
			r.has(a.Field, false)
		}
		return true
	case search.Same:
		return r.has(n.Field, needed) && r.has(n.Other, needed)
	case search.Measured:
		if n.Holds(0) && n.Measure == search.MeasureCount {
			return true
		}
		return r.has(n.Field, needed)
	}
	if f, ok := search.FieldOf(n); ok {
		return r.has(f, needed)
	}
	return true
}

// has reports whether events have the attribute; of other fields it is not known.
func (r *reacher) has(f schema.Field, needed bool) bool {
	if f.Kind != schema.FieldAttribute || f.AnyCase || r.stored.HasAttribute(r.sources, f.Name) {
		return true
	}
	r.add(Unmet{Attribute: f.Name, Sources: r.sources, Needed: needed})
	return false
}

func (r *reacher) add(u Unmet) {
	u.Query = r.name
	same := func(o Unmet) bool { return o.Source == u.Source && o.Attribute == u.Attribute }
	if i := slices.IndexFunc(r.unmet, same); i >= 0 {
		r.unmet[i].Needed = r.unmet[i].Needed || u.Needed
		return
	}
	r.unmet = append(r.unmet, u)
}

// Warning is what is told of a rule that asks for this in vain.
func (u Unmet) Warning(neverFires bool, near string) string {
	text := u.String()
	if near != "" {
		text += "; did you mean " + near + "?"
	}
	if neverFires && u.Needed {
		return fmt.Sprintf("this rule can't fire yet: %s", text)
	}
	return text
}
