package search

import "nightjar/schema"

// Asked is a field that a term of a query is about, and the value that it has to
// have, where the term says one.
type Asked struct {
	Field schema.Field
	Value string // of an equality
	Exact bool   // there is a value
}

// Texts are the texts of values that equal Value.
func (a Asked) Texts() []string { return equalTexts(a.Field, a.Value) }

// Asked are the fields of the query's terms, in their order, each with its value
// once. Of elements of an array they are those below the array, after it.
func (q *Query) Asked() []Asked {
	var out []Asked
	seen := map[Asked]bool{}
	add := func(a Asked) {
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	asks(q.Root, add)
	return out
}

func asks(n Node, add func(Asked)) {
	switch n := n.(type) {
	case Conjunction:
		for _, inner := range n.Nodes {
			asks(inner, add)
		}
	case Disjunction:
		for _, inner := range n.Nodes {
			asks(inner, add)
		}
	case Negation:
		asks(n.Node, add)
	case Any:
		add(Asked{Field: n.Field})
		asks(n.Node, func(a Asked) {
			a.Field.Name = n.Field.Name + "." + a.Field.Name
			add(a)
		})
	case Same:
		add(Asked{Field: n.Field})
		add(Asked{Field: n.Other})
	case Equals:
		add(Asked{n.Field, n.Value, true})
	default:
		if f, ok := FieldOf(n); ok {
			add(Asked{Field: f})
		}
	}
}

// HavingAttribute is the query for events of a source that have a value at the path or
// below it.
func HavingAttribute(source, path string) *Query {
	return &Query{Root: Conjunction{Nodes: []Node{
		Equals{Field: schema.Field{Kind: schema.FieldReserved, Name: "source"}, Value: source},
		Exists{Field: schema.Field{Kind: schema.FieldAttribute, Name: path}},
	}}}
}
