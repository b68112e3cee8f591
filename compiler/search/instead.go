package search

import (
	"regexp"

	"nightjar/schema"
)

// Grouped is a query in which AND and OR stand side by side as it would be if OR went first:
// what whoever wrote `a b OR c` may have meant, `a (b OR c)`. It is false where there is
// nothing to choose.
func (q *Query) Grouped() (*Query, bool) {
	root := orFirst(q.Root)
	_, was := q.Reading()
	return &Query{Root: root, Insensitive: q.Insensitive}, was
}

// orFirst takes the last clause before an OR, and the first after it, as what it joins.
func orFirst(n Node) Node {
	switch n := n.(type) {
	case Negation:
		return negate(n.At, orFirst(n.Node))
	case Conjunction:
		return conjoined(n.At, each(n.Nodes))
	case Disjunction:
		var clauses, run []Node
		for _, inner := range n.Nodes {
			list := clausesOf(inner)
			run = append(run, list[0])
			if last := len(list) - 1; last > 0 {
				clauses = append(append(clauses, anyOfThese(run)), list[1:last]...)
				run = []Node{list[last]}
			}
		}
		return conjoined(n.At, append(clauses, anyOfThese(run)))
	}
	return n
}

// clausesOf are the clauses that stand side by side, each read with OR first.
func clausesOf(n Node) []Node {
	if c, ok := n.(Conjunction); ok {
		if _, shared := sharedField(c.Nodes); !shared {
			return each(c.Nodes)
		}
	}
	return []Node{orFirst(n)}
}

func each(nodes []Node) []Node {
	out := make([]Node, len(nodes))
	for i, n := range nodes {
		out[i] = orFirst(n)
	}
	return out
}

func conjoined(at At, nodes []Node) Node {
	out := Conjunction{At: at}
	for _, n := range nodes {
		if c, ok := n.(Conjunction); ok {
			out.Nodes = append(out.Nodes, c.Nodes...)
		} else {
			out.Nodes = append(out.Nodes, n)
		}
	}
	if len(out.Nodes) == 1 {
		return out.Nodes[0]
	}
	return out
}

func anyOfThese(nodes []Node) Node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	return anyOf(At(nodes[0].Pos()), nodes...)
}

// Instead is the query that asks meant where it asked a: of another field or, where a has a
// value, for another value. As much of the text stays as it was as can.
func (q *Query) Instead(text string, a, meant Asked) string {
	changed := &Query{Insensitive: q.Insensitive, Root: rewrite(q.Root, func(n Node) Node {
		f, ok := FieldOf(n)
		if !ok || f != a.Field {
			return n
		}
		if e, equals := n.(Equals); equals && a.Exact {
			if e.Value != a.Value {
				return n
			}
			e.Value = meant.Value
			n = e
		}
		return asked(n, meant.Field)
	})}
	if a.Exact {
		return changed.String()
	}
	// The name alone changes: the rest of the text may stay.
	if kept := nameIn(a.Field).ReplaceAllString(text, "${1}"+escapeDollar(FieldText(meant.Field))+"${2}"); kept != text {
		if again, err := Parse(kept); err == nil && again.String() == changed.String() {
			return kept
		}
	}
	return changed.String()
}

// nameIn finds the name of a field in a query; it may find it in quotes, too.
func nameIn(f schema.Field) *regexp.Regexp {
	return regexp.MustCompile(`(^|[\s(:,!+-])` + regexp.QuoteMeta(FieldText(f)) + `([:,)\s]|$)`)
}

func escapeDollar(text string) string { return regexp.MustCompile(`\$`).ReplaceAllString(text, "$$$$") }

// Place is where in its text a query first asks something, in bytes.
func (q *Query) Place(text string, a Asked) int {
	at := -1
	rewrite(q.Root, func(n Node) Node {
		f, named := FieldOf(n)
		e, equals := n.(Equals)
		if at < 0 && named && f == a.Field && (!a.Exact || equals && e.Value == a.Value) {
			at = n.Pos()
		}
		return n
	})
	if found := nameIn(a.Field).FindStringSubmatchIndex(text); found != nil && !a.Exact {
		return found[3] // a group's values stand behind the name
	}
	return max(at, 0)
}

// LeavesOut reports whether a query asks a field only in what it leaves out.
func (q *Query) LeavesOut(f schema.Field) bool {
	within, outside := false, false
	var walk func(n Node, negated bool)
	walk = func(n Node, negated bool) {
		switch n := n.(type) {
		case Conjunction:
			for _, inner := range n.Nodes {
				walk(inner, negated)
			}
		case Disjunction:
			for _, inner := range n.Nodes {
				walk(inner, negated)
			}
		case Negation:
			walk(n.Node, !negated)
		default:
			if asked, ok := FieldOf(n); ok && asked == f {
				within, outside = within || negated, outside || !negated
			}
		}
	}
	walk(q.Root, false)
	return within && !outside
}
