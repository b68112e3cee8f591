package search

import "nightjar/schema"

// Clause is a part of a search, as canonical text, and whether an event matches
// it. A clause with operands has them as clauses of its own.
type Clause struct {
	Text    string
	Matches bool
	Clauses []Clause
}

// Explain asks every clause of the query of an event.
func (q *Query) Explain(e *schema.Event) Clause { return explain(q.Root, e) }

func explain(n Node, e *schema.Event) Clause {
	q := Query{Root: n}
	c := Clause{Text: q.String(), Matches: q.Match(e)}
	switch n := n.(type) {
	case Conjunction:
		c.Clauses = explainAll(n.Nodes, e)
	case Disjunction:
		c.Clauses = explainAll(n.Nodes, e)
	case Negation:
		switch n.Node.(type) {
		case Conjunction, Disjunction:
			c.Clauses = []Clause{explain(n.Node, e)}
		}
	}
	return c
}

func explainAll(nodes []Node, e *schema.Event) []Clause {
	out := make([]Clause, len(nodes))
	for i, n := range nodes {
		out[i] = explain(n, e)
	}
	return out
}
