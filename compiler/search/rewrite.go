package search

import "nightjar/schema"

// rewrite is the tree with every leaf replaced.
func rewrite(n Node, leaf func(Node) Node) Node {
	each := func(nodes []Node) []Node {
		out := make([]Node, len(nodes))
		for i, n := range nodes {
			out[i] = rewrite(n, leaf)
		}
		return out
	}
	switch n := n.(type) {
	case Conjunction:
		return Conjunction{n.At, each(n.Nodes)}
	case Disjunction:
		return anyOf(n.At, each(n.Nodes)...)
	case Negation:
		inner := rewrite(n.Node, leaf)
		if double, ok := inner.(Negation); ok {
			return double.Node
		}
		return Negation{n.At, inner}
	}
	return leaf(n)
}

// anyOf joins nodes, so that no Disjunction is in another.
func anyOf(at At, nodes ...Node) Node {
	out := Disjunction{At: at}
	for _, n := range nodes {
		if inner, ok := n.(Disjunction); ok {
			out.Nodes = append(out.Nodes, inner.Nodes...)
		} else {
			out.Nodes = append(out.Nodes, n)
		}
	}
	return out
}

// FieldOf is the field that a leaf asks.
func FieldOf(n Node) (schema.Field, bool) {
	switch n := n.(type) {
	case Equals:
		return n.Field, true
	case Like:
		return n.Field, true
	case Range:
		return n.Field, true
	case Exists:
		return n.Field, true
	case Network:
		return n.Field, true
	case Folded:
		return n.Field, true
	case Regexp:
		return n.Field, true
	case Measured:
		return n.Field, true
	}
	return schema.Field{}, false
}

// asked is the leaf, asked of another field.
func asked(n Node, f schema.Field) Node {
	switch n := n.(type) {
	case Equals:
		n.Field = f
		return n
	case Like:
		n.Field = f
		return n
	case Range:
		n.Field = f
		return n
	case Exists:
		n.Field = f
		return n
	case Network:
		n.Field = f
		return n
	case Folded:
		n.Field = f
		return n
	case Regexp:
		n.Field = f
		return n
	case Measured:
		n.Field = f
		return n
	}
	return n
}

// Renamed is the query asked of other fields: of each that it names, those that rename
// gives. Within ANY, terms are about an element of an array, and keep their names.
func (q *Query) Renamed(rename func(schema.Field) schema.Field) *Query {
	return &Query{Insensitive: q.Insensitive, Root: rewrite(q.Root, func(n Node) Node {
		switch n := n.(type) {
		case Same:
			n.Field, n.Other = rename(n.Field), rename(n.Other)
			return n
		case Any:
			n.Field = rename(n.Field)
			return n
		}
		if f, ok := FieldOf(n); ok {
			return asked(n, rename(f))
		}
		return n
	})}
}
