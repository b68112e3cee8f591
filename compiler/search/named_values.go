package search

import (
	"slices"

	"nightjar/schema"
)

// namesOf are the tests of the field's values in a query, but for those of which
// it wants the contrary.
func namesOf(n Node, f schema.Field) []func(string) bool {
	var out []func(string) bool
	var nodes []Node
	switch n := n.(type) {
	case Conjunction:
		nodes = n.Nodes
	case Disjunction:
		nodes = n.Nodes
	case Equals:
		if n.Field == f {
			texts := equalTexts(f, n.Value)
			out = append(out, func(s string) bool { return slices.Contains(texts, s) })
		}
	case Like:
		if n.Field == f {
			out = append(out, newWholeText(n.Pattern).match)
		}
	case Range:
		if n.Field == f {
			v := newInterval(n, parseNumber)
			out = append(out, v.hasText)
		}
	case Network:
		if n.Field == f {
			out = append(out, n.texts())
		}
	case Folded:
		if n.Field == f {
			out = append(out, foldedTest(n.Patterns))
		}
	case Regexp:
		if n.Field == f {
			out = append(out, regexpTest(n.Expr))
		}
	case Any:
		nodes = []Node{relaxed(n)}
	}
	for _, inner := range nodes {
		out = append(out, namesOf(inner, f)...)
	}
	return out
}

// Named are the values that a search asks of a field for events to match: of
// `source:a OR source:b` both, of `-source:a` none.
func (q *Query) Named(f schema.Field) []string { return named(q.Root, f, nil) }

func named(n Node, f schema.Field, out []string) []string {
	switch n := n.(type) {
	case Conjunction:
		for _, inner := range n.Nodes {
			out = named(inner, f, out)
		}
	case Disjunction:
		for _, inner := range n.Nodes {
			out = named(inner, f, out)
		}
	case Equals:
		if n.Field == f && !slices.Contains(out, n.Value) {
			out = append(out, n.Value)
		}
	}
	return out
}
