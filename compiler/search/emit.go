package search

import (
	"fmt"
	"strings"

	"nightjar/schema"
)

// SQL is the query as an expression over the columns that schema.Events and
// schema.Signals share. It is 0 or 1, never NULL, so it can be negated and
// combined freely. Everything the user wrote is in p: the text depends on the
// shape of the query only, and names of attributes travel as identifier
// parameters, in the safe alphabet of schema.StoredPath. (Of the three forms
// tried, `attributes.{p0:Identifier}.:String` reads the one subcolumn, as a
// name in the text does; getSubcolumn with a parameter reads the whole column.)
//
// Text in events is taken to be valid UTF-8, as the intake makes it.
func (q *Query) SQL(p *Params) (string, error) {
	e := emitter{p: p}
	sql, err := e.node(q.Root)
	if err != nil {
		return "", err
	}
	if len(sql) > MaxSQLLength {
		return "", fmt.Errorf("the query is too large: it makes %d bytes of SQL, at most %d are allowed", len(sql), MaxSQLLength)
	}
	return sql, nil
}

// MaxSQLLength keeps a query below the server's limits on text and tree size.
const MaxSQLLength = 320 << 10

type emitter struct{ p *Params }

// node writes n. Every operator is parenthesised: neither the reader of the SQL
// nor the writer of this function has to recall an order of precedence.
func (e *emitter) node(n Node) (string, error) {
	if ofAnyCase(n) {
		return e.inAnyCase(n)
	}
	switch n := n.(type) {
	case MatchAll:
		return "true", nil
	case Conjunction:
		parts, err := e.nodes(n.Nodes)
		return AllSQL(parts...), err
	case Disjunction:
		parts, err := e.disjunction(n.Nodes)
		return AnySQL(parts...), err
	case Negation:
		inner, err := e.node(n.Node)
		return NotSQL(inner), err
	case Words:
		return e.words(n), nil
	case Equals:
		return e.equals(n.Field, []string{n.Value}), nil
	case Like:
		return e.like(n.Field, []Pattern{n.Pattern}), nil
	case Range:
		return e.interval(n), nil
	case Exists:
		return e.exists(n.Field), nil
	case Network:
		return e.network(n), nil
	case Folded:
		return e.folded(n), nil
	case Regexp:
		return e.regexp(n)
	case Same:
		return e.same(n), nil
	case Measured:
		return e.measured(n), nil
	case Any:
		return e.anyElement(n)
	}
	return "", fmt.Errorf("emit: no SQL for %T", n)
}

func (e *emitter) nodes(nodes []Node) ([]string, error) { return eachNode(nodes, e.node) }

// eachNode writes every node.
func eachNode(nodes []Node, write func(Node) (string, error)) ([]string, error) {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		var err error
		if parts[i], err = write(n); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// disjunction writes alternatives; equalities of one field become one IN, and
// patterns and words are looked for together.
func (e *emitter) disjunction(nodes []Node) ([]string, error) {
	var parts []string
	var fields []schema.Field
	values := map[schema.Field][]string{}
	var patternFields []schema.Field
	patterns := map[schema.Field][]Pattern{}
	var words, everywhere []Pattern
	for _, n := range nodes {
		if ofAnyCase(n) {
			sql, err := e.inAnyCase(n)
			if err != nil {
				return nil, err
			}
			parts = append(parts, sql)
			continue
		}
		switch n := n.(type) {
		case Equals:
			if values[n.Field] == nil {
				fields = append(fields, n.Field)
			}
			values[n.Field] = append(values[n.Field], n.Value)
			continue
		case Like:
			if patterns[n.Field] == nil {
				patternFields = append(patternFields, n.Field)
			}
			patterns[n.Field] = append(patterns[n.Field], n.Pattern)
			continue
		case Words:
			if n.In == "" {
				if words = append(words, n.Pattern); n.Everywhere {
					everywhere = append(everywhere, n.Pattern)
				}
				continue
			}
		}
		sql, err := e.node(n)
		if err != nil {
			return nil, err
		}
		parts = append(parts, sql)
	}
	var merged []string
	for _, f := range fields {
		merged = append(merged, e.equals(f, values[f]))
	}
	for _, f := range patternFields {
		merged = append(merged, e.like(f, patterns[f]))
	}
	if len(words) > 0 {
		merged = append(merged, e.message(words))
	}
	if len(everywhere) > 0 {
		merged = append(merged, e.anyValue(everywhere))
	}
	return append(merged, parts...), nil
}

// AllSQL is true where all parts are; without parts it is true.
func AllSQL(parts ...string) string { return joined(parts, " AND ", "true") }

// AnySQL is true where one of the parts is; without parts it is false.
func AnySQL(parts ...string) string { return joined(parts, " OR ", "false") }

// NotSQL is true where the part is not.
func NotSQL(part string) string { return "(NOT " + part + ")" }

// joined drops the parts that decide nothing.
func joined(parts []string, operator, neutral string) string {
	var kept []string
	for _, p := range parts {
		if p != neutral {
			kept = append(kept, p)
		}
	}
	switch len(kept) {
	case 0:
		return neutral
	case 1:
		return kept[0]
	}
	return "(" + strings.Join(kept, operator) + ")"
}

// NotNullSQL makes a test of a column that may be NULL 0 there. The server's index
// analysis sees through it.
func NotNullSQL(test string) string { return "ifNull(" + test + ", false)" }
