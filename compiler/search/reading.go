package search

import "nightjar/schema"

// Reading is the query with a parenthesis around whatever belongs together, and whether it
// needed that: where AND and OR (or a blank, which is AND) stand side by side, AND goes
// first, which not everybody expects. Parsing it gives the same tree, positions aside.
func (q *Query) Reading() (text string, mixed bool) {
	r := reader{}
	r.node(q.Root, outermost)
	return r.b.String(), r.mixed
}

type reader struct {
	formatter
	mixed bool
}

// standing is whether a node stands within another.
type standing bool

const (
	outermost standing = false
	within    standing = true
)

func (r *reader) node(n Node, s standing) {
	switch n := n.(type) {
	case Conjunction:
		r.list(n.Nodes, " AND ", s)
	case Disjunction:
		r.list(n.Nodes, " OR ", s)
		for _, inner := range n.Nodes {
			if c, ok := inner.(Conjunction); ok {
				if _, shared := sharedField(c.Nodes); !shared {
					r.mixed = true
				}
			}
		}
	case Negation:
		r.b.WriteString("NOT ")
		r.node(n.Node, within)
	default:
		r.formatter.node(n, levelClause)
	}
}

// list writes nodes in a row; values of one field stay beside its name.
func (r *reader) list(nodes []Node, operator string, s standing) {
	if _, shared := sharedField(nodes); shared {
		r.formatter.list(nodes, operator, levelClause, levelClause)
		return
	}
	if s == within {
		r.b.WriteByte('(')
		defer r.b.WriteByte(')')
	}
	for i, n := range nodes {
		if i > 0 {
			r.b.WriteString(operator)
		}
		r.node(n, within)
	}
}

// FieldText is a field as it is written in a search, escaped where that is needed.
func FieldText(f schema.Field) string {
	var out formatter
	out.field(f)
	return out.b.String()
}

// ValueText is a value as it is written in a search, quoted where that is needed.
func ValueText(value string) string {
	var out formatter
	out.text(value)
	return out.b.String()
}
