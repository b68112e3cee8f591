package compiler

import (
	"fmt"
	"strings"

	"nightjar/schema"
)

// MatchStatement reads the events of an interval of arrivals once and says
// which labels of which plans each of them matches. Its text depends on the
// plans only: from, to and lateness are parameters, so it fits any interval.
//
// Result columns: seq, at (ms), source, service, host, status, message, tags,
// raw, hits (indexes into Hits). Events that match nothing are left out, as are
// those older at their arrival than the lateness allowance.
type MatchStatement struct {
	Plans  []*Plan
	SQL    string
	Params *Params
	// Hits says, for each number in column hits, which labels it stands for.
	// Labels that ask the same share one.
	Hits [][]LabelRef
}

// LabelRef is a label of one of the plans that a statement was made of.
type LabelRef struct{ Plan, Label int }

// MatchSQL makes the statement for the plans. The caller binds {from:UInt64}
// (exclusive), {to:UInt64} (inclusive) and {late:Int64} (ms) beside Params.
//
// shapes is Params.Shapes: of a catalogue's Snapshot, taken after `to` was, or
// nil. A statement that is kept is good for as long as the catalogue's version
// is the snapshot's.
func MatchSQL(plans []*Plan, shapes func(path string) schema.Shapes) (*MatchStatement, error) {
	labels, refs := distinctLabels(plans)
	st := &MatchStatement{Plans: plans, Params: &Params{Shapes: shapes}, Hits: refs}
	predicates := make([]string, len(labels))
	for n, l := range labels {
		sql, err := l.sql(st.Params)
		if err != nil {
			return nil, fmt.Errorf("compile query %s of rule %s: %w", l.Name, plans[refs[n][0].Plan].Rule.ID, err)
		}
		predicates[n] = sql
	}
	st.SQL = matchSelect(predicates)
	return st, nil
}

// matchSelect filters before the wide columns are read, and asks only what
// passed which predicate it was.
func matchSelect(predicates []string) string {
	hits := make([]string, len(predicates))
	for i, p := range predicates {
		hits[i] = fmt.Sprintf("if(%s, %d, -1)", p, i)
	}
	return `SELECT seq, toUnixTimestamp64Milli(timestamp) AS at, source, service, host, status, message, tags, raw,
       arrayFilter(hit -> hit >= 0, [` + strings.Join(hits, ",\n           ") + `]) AS hits
FROM events
PREWHERE seq > {from:UInt64} AND seq <= {to:UInt64}
WHERE toUnixTimestamp64Milli(seen) - toUnixTimestamp64Milli(timestamp) <= {late:Int64}
  AND (` + strings.Join(predicates, "\n    OR ") + `)
ORDER BY seq`
}

// sql is the label's predicate.
func (l *Label) sql(p *Params) (string, error) {
	parts := make([]string, len(l.Parts))
	for i, part := range l.Parts {
		sql, err := part.Query.SQL(p)
		if err != nil {
			return "", err
		}
		if part.Negated {
			sql = "NOT (" + sql + ")"
		}
		parts[i] = "(" + sql + ")"
	}
	return "(" + strings.Join(parts, " AND ") + ")", nil
}

// text is equal for labels that ask the same.
func (l *Label) text() string {
	var b strings.Builder
	for _, part := range l.Parts {
		fmt.Fprintf(&b, "%t %s\n", part.Negated, part.Query)
	}
	return b.String()
}
