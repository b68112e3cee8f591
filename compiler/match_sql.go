package compiler

import (
	"fmt"
	"strings"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// MatchStatement reads the events of an interval of arrivals once and says
// which labels of which plans each of them matches. Its text depends on the
// plans only: from, to and lateness are parameters, so it fits any interval.
//
// Result columns: seq, at and arrived (ms), source, service, host, status, message, tags,
// raw, hits (indexes into LabelsOf). Events that match nothing are left out, as are
// those older at their arrival than the lateness allowance.
type MatchStatement struct {
	Plans  []*BoundPlan
	SQL    string
	Params *search.Params
	// LabelsOf says, for each number of a filter in column hits, which labels it stands for.
	// Labels that ask the same share one.
	LabelsOf [][]LabelRef
}

// LabelRef is a label of one of the plans that a statement was made of.
type LabelRef struct{ Plan, Label int }

// MatchSQL makes the statement for the plans. The caller binds {from:UInt64}
// (exclusive), {to:UInt64} (inclusive) and {late:Int64} (ms) beside Params.
//
// shapes is Params.Shapes: of a catalogue's Snapshot, taken after `to` was, or
// nil. A statement that is kept is good for as long as the catalogue's version
// is the snapshot's.
func MatchSQL(plans []*BoundPlan, shapes func(path string) schema.Shapes) (*MatchStatement, error) {
	st := &MatchStatement{Plans: plans, Params: &search.Params{Shapes: shapes}}
	var predicates []string
	var err error
	if predicates, st.LabelsOf, err = predicatesOf(plans, st.Params); err != nil {
		return nil, err
	}
	st.SQL = matchSelect(wholeEvent, predicates, within, inTime) + "\nORDER BY seq"
	return st, nil
}

// predicatesOf are the predicates of the plans' labels; labels that ask the same
// share one.
func predicatesOf(plans []*BoundPlan, p *search.Params) (predicates []string, refs [][]LabelRef, err error) {
	labels, refs := distinctLabels(plans)
	predicates = make([]string, len(labels))
	for n, l := range labels {
		if predicates[n], err = l.Filter.SQL(p); err != nil {
			return nil, nil, fmt.Errorf("compile query %s of rule %s: %w", l.Name, plans[refs[n][0].Plan].Rule.ID, err)
		}
	}
	return predicates, refs, nil
}

// fewPredicates is up to how many predicates are written twice.
const fewPredicates = 8

// wholeEvent are the columns of an event as it is shown.
const wholeEvent = "seq, toUnixTimestamp64Milli(timestamp) AS at, toUnixTimestamp64Milli(seen) AS arrived, source, service, host, status, message, tags, raw"

// matchSelect says which predicates each event passes that fulfils two conditions,
// the first of which is cheap to check. Few predicates are first of all a filter:
// it prunes by indexes, and the wide columns are read of what passed. Many
// together prune little, and planning them costs more than reading does, so they
// are written once.
func matchSelect(columns string, predicates []string, first, second string) string {
	passed := "[" + strings.Join(predicates, ",\n        ") + "]"
	numbers := fmt.Sprintf("CAST(range(%d), 'Array(Int32)')", len(predicates))
	if len(predicates) <= fewPredicates {
		return `SELECT ` + columns + `,
       arrayFilter((hit, ok) -> ok, ` + numbers + `, ` + passed + `) AS hits
FROM events
PREWHERE ` + first + `
WHERE ` + second + `
  AND (` + strings.Join(predicates, "\n    OR ") + `)`
	}
	return `SELECT * EXCEPT passed, arrayFilter((hit, ok) -> ok, ` + numbers + `, passed) AS hits
FROM (
    SELECT ` + columns + `,
        ` + passed + ` AS passed
    FROM events
    PREWHERE ` + first + `
    WHERE ` + second + `
)
WHERE has(passed, true)`
}

const (
	within = `seq > {from:UInt64} AND seq <= {to:UInt64}`
	inTime = `toUnixTimestamp64Milli(seen) - toUnixTimestamp64Milli(timestamp) <= {late:Int64}`
)
