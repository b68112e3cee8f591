package search

import "nightjar/schema"

// Sources are the sources that the query confines its events to; none: it does not.
func (q *Query) Sources() []string { return sourcesOf(q.Root) }

// sourcesOf are the sources that the query confines its events to; nil: it does
// not.
func sourcesOf(n Node) []string {
	switch n := n.(type) {
	case Equals:
		if n.Field.Kind == schema.FieldReserved && n.Field.Name == "source" {
			return []string{n.Value}
		}
	case Folded:
		if n.Field.Kind == schema.FieldReserved && n.Field.Name == "source" {
			return literals(n.Patterns)
		}
	case Conjunction:
		for _, part := range n.Nodes {
			if named := sourcesOf(part); named != nil {
				return named
			}
		}
	case Disjunction:
		var out []string
		for _, part := range n.Nodes {
			named := sourcesOf(part)
			if named == nil {
				return nil
			}
			out = append(out, named...)
		}
		return out
	}
	return nil
}

// literals are the texts of patterns without wildcards; nil, when one has some.
func literals(patterns []Pattern) []string {
	var out []string
	for _, p := range patterns {
		text, ok := p.Literal()
		if !ok {
			return nil
		}
		out = append(out, text)
	}
	return out
}
