package search

import "nightjar/schema"

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
