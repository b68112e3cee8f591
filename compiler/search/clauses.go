package search

import "nightjar/schema"

// Clauses are the parts of a query that stand side by side, outermost, in their order, each
// as a query of its own. All of them have to hold; of alternatives one is enough.
func (q *Query) Clauses() (parts []*Query, alternatives bool) {
	nodes := []Node{q.Root}
	switch n := q.Root.(type) {
	case Conjunction:
		nodes = n.Nodes
	case Disjunction:
		nodes, alternatives = n.Nodes, true
	}
	for _, n := range nodes {
		parts = append(parts, &Query{Root: n, Insensitive: q.Insensitive})
	}
	return parts, alternatives
}

// Having is the query for what has a field.
func Having(f schema.Field) *Query { return &Query{Root: Exists{Field: f}} }
