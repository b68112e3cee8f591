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
// Result columns: seq, at and arrived (ms), source, service, host, status, message, tags,
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

// fewPredicates is up to how many predicates are written twice.
const fewPredicates = 8

// matchSelect says which predicates each event passes. Few are first of all a
// filter: it prunes by indexes, and the wide columns are read of what passed.
// Many together prune little, and planning them costs more than reading does, so
// they are written once.
func matchSelect(predicates []string) string {
	columns := "seq, toUnixTimestamp64Milli(timestamp) AS at, toUnixTimestamp64Milli(seen) AS arrived, source, service, host, status, message, tags, raw"
	passed := "[" + strings.Join(predicates, ",\n        ") + "]"
	numbers := fmt.Sprintf("CAST(range(%d), 'Array(Int32)')", len(predicates))
	if len(predicates) <= fewPredicates {
		return `SELECT ` + columns + `,
       arrayFilter((hit, ok) -> ok, ` + numbers + `, ` + passed + `) AS hits
FROM events
PREWHERE ` + within + `
WHERE ` + inTime + `
  AND (` + strings.Join(predicates, "\n    OR ") + `)
ORDER BY seq`
	}
	return `SELECT * EXCEPT passed, arrayFilter((hit, ok) -> ok, ` + numbers + `, passed) AS hits
FROM (
    SELECT ` + columns + `,
        ` + passed + ` AS passed
    FROM events
    PREWHERE ` + within + `
    WHERE ` + inTime + `
)
WHERE has(passed, true)
ORDER BY seq`
}

const (
	within = `seq > {from:UInt64} AND seq <= {to:UInt64}`
	inTime = `toUnixTimestamp64Milli(seen) - toUnixTimestamp64Milli(timestamp) <= {late:Int64}`
)

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
