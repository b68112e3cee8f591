package search

import "nightjar/schema"

// MayMatcher prepares the question whether the query may match an event whose reserved
// fields and tags are known, and whose attributes are not.
func (q *Query) MayMatcher() func(*schema.Event) bool {
	p := possible(q.Root, func(f schema.Field) bool { return f.Kind != schema.FieldAttribute })
	return func(e *schema.Event) bool {
		holds, _ := p(e)
		return holds
	}
}

// MayBeOf reports whether the query may match an event of this source: false only where
// its conditions on the source alone exclude it.
func (q *Query) MayBeOf(source string) bool {
	holds, _ := possible(q.Root, isSource)(&schema.Event{Source: source})
	return holds
}

// Attributes are the paths of the attributes that the query looks at, at or below
// them; all: it may look at any.
func (q *Query) Attributes() (paths []string, all bool) {
	for _, a := range q.Asked() {
		if a.Field.Kind == schema.FieldAttribute {
			paths = append(paths, a.Field.Name)
			all = all || a.Field.AnyCase
		}
	}
	for _, w := range wordsOf(q.Root, nil) {
		if all = all || w.Everywhere; w.In != "" {
			paths = append(paths, w.In)
		}
	}
	return paths, all
}

func wordsOf(n Node, out []Words) []Words {
	switch n := n.(type) {
	case Words:
		return append(out, n)
	case Negation:
		return wordsOf(n.Node, out)
	case Conjunction:
		for _, inner := range n.Nodes {
			out = wordsOf(inner, out)
		}
	case Disjunction:
		for _, inner := range n.Nodes {
			out = wordsOf(inner, out)
		}
	}
	return out
}

func isSource(f schema.Field) bool { return f.Kind == schema.FieldReserved && f.Name == "source" }

// possibility is the outcomes that a condition can have for an event of which some
// fields are known.
type possibility func(*schema.Event) (holds, fails bool)

func either(*schema.Event) (holds, fails bool) { return true, true }

// possible prepares the outcomes of a condition: known says which fields are.
func possible(n Node, known func(schema.Field) bool) possibility {
	switch n := n.(type) {
	case MatchAll:
		return func(*schema.Event) (holds, fails bool) { return true, false }
	case Negation:
		inner := possible(n.Node, known)
		return func(e *schema.Event) (holds, fails bool) {
			holds, fails = inner(e)
			return fails, holds
		}
	case Conjunction:
		return possibleAll(n.Nodes, known)
	case Disjunction:
		return possibleAny(n.Nodes, known)
	case Words:
		if n.Everywhere || n.In != "" {
			return either
		}
		return certain(n, schema.ParseField("message"), known)
	}
	if f, ok := FieldOf(n); ok {
		return certain(n, f, known)
	}
	return either
}

func possibilities(nodes []Node, known func(schema.Field) bool) []possibility {
	out := make([]possibility, len(nodes))
	for i, n := range nodes {
		out[i] = possible(n, known)
	}
	return out
}

func possibleAll(nodes []Node, known func(schema.Field) bool) possibility {
	parts := possibilities(nodes, known)
	return func(e *schema.Event) (holds, fails bool) {
		holds = true
		for _, part := range parts {
			h, f := part(e)
			holds, fails = holds && h, fails || f
		}
		return holds, fails
	}
}

func possibleAny(nodes []Node, known func(schema.Field) bool) possibility {
	parts := possibilities(nodes, known)
	return func(e *schema.Event) (holds, fails bool) {
		fails = true
		for _, part := range parts {
			h, f := part(e)
			holds, fails = holds || h, fails && f
		}
		return holds, fails
	}
}

// certain is the one outcome of a condition on a known field; any other can have both.
func certain(n Node, f schema.Field, known func(schema.Field) bool) possibility {
	if !known(f) {
		return either
	}
	match := matcher(n, nil)
	return func(e *schema.Event) (holds, fails bool) {
		holds = match(e)
		return holds, !holds
	}
}
