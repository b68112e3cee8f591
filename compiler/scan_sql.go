package compiler

import (
	"slices"
	"strings"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// ScanStatement reads stored events by their own time and says which labels of
// one plan they match: a MatchStatement for history. Where the plan asks no more
// of an event than values of fields, events with equal values come as one row, so
// that what a backtest costs is hardly more than counting does.
type ScanStatement struct {
	Plan   *BoundPlan
	SQL    string
	Params *search.Params
	// Whole says that every row is an event, with the columns of MatchStatement.
	// Otherwise a row is the events that are alike: hits, values (of each field a
	// list), tags, ats (ms) and seqs.
	Whole bool

	hits   [][]LabelRef
	fields []schema.Field
}

// Scanned is one row of a ScanStatement.
type Scanned struct {
	Filters []int32
	Event   schema.Event // when Whole

	Values [][]string // by field of the statement
	Tags   []string
	Ats    []int64
	Seqs   []uint64
}

// ScanSQL makes the statement for the plan. The caller binds {from:Int64} and
// {to:Int64} (event time in ms, inclusive), {after:UInt64} and {through:UInt64} (the
// arrivals after one and up to another)
// beside Params. shapes is as for MatchSQL, taken after `through` was.
func ScanSQL(plan *BoundPlan, shapes func(path string) schema.Shapes) (*ScanStatement, error) {
	st := &ScanStatement{Plan: plan, Params: &search.Params{Shapes: shapes}, Whole: needsWhole(plan)}
	predicates, refs, err := predicatesOf([]*BoundPlan{plan}, st.Params)
	if err != nil {
		return nil, err
	}
	st.hits = refs
	if st.Whole {
		st.SQL = matchSelect(wholeEvent, predicates, happened, stored)
		return st, nil
	}
	st.fields = fieldsOf(plan)
	lists := make([]string, len(st.fields))
	for i, f := range st.fields {
		lists[i] = search.ValuesSQL(f, st.Params)
	}
	values := "CAST([" + strings.Join(lists, ", ") + "], 'Array(Array(String))') AS values"
	columns := "toUnixTimestamp64Milli(timestamp) AS at, seq, " + tagsSQL + " AS with_origin, " + values
	st.SQL = `SELECT hits, values, with_origin AS tags, groupArray(at) AS ats, groupArray(seq) AS seqs FROM (
` + matchSelect(columns, predicates, happened, stored) + `
)
GROUP BY hits, values, with_origin`
	return st, nil
}

const (
	happened = `timestamp >= fromUnixTimestamp64Milli({from:Int64}) AND timestamp <= fromUnixTimestamp64Milli({to:Int64})`
	stored   = `seq > {after:UInt64} AND seq <= {through:UInt64}`
)

// needsWhole reports whether the plan asks more of an event than values of fields.
func needsWhole(plan *BoundPlan) bool {
	if slices.ContainsFunc(plan.Suppressions, func(f InForce) bool { return f.excludes != nil }) {
		return true
	}
	return slices.ContainsFunc(plan.Labels, func(l Label) bool {
		return !slices.Contains([]Aggregation{AggCount, AggCardinality, AggNewValue}, l.Aggregation) || len(l.Tables) > 0
	})
}

// fieldsOf are the fields whose values make groups and tuples, each once.
func fieldsOf(plan *BoundPlan) []schema.Field {
	var fields []schema.Field
	for i := range plan.Labels {
		for _, f := range append(slices.Clone(plan.Labels[i].GroupBy), plan.Labels[i].Distinct...) {
			if !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// Matches are the plan's matches of a row, those that Plan.Matches finds of its
// events. What MaxTuples leaves out of them is counted.
func (st *ScanStatement) Matches(row *Scanned, out *LeftOut) []Match {
	var matches []Match
	left := 0
	for _, hit := range row.Filters {
		for _, ref := range st.hits[hit] {
			if st.Whole {
				found, more := st.Plan.Expand(ref.Label, &row.Event)
				matches, left = append(matches, found...), sum(left, more)
				continue
			}
			found, more := st.expand(ref.Label, row)
			left = sum(left, more)
			matches = slices.Grow(matches, len(found)*len(row.Ats))
			for _, m := range found {
				for i, at := range row.Ats {
					m.At, m.Seq = schema.Millis(at), row.Seqs[i]
					matches = append(matches, m)
				}
			}
		}
	}
	switch {
	case left == 0:
	case st.Whole:
		out.Add(row.Event.ID(), left)
	default:
		for i, at := range row.Ats {
			out.Add(schema.EventID(schema.Millis(at), row.Seqs[i]), left)
		}
	}
	return matches
}

// expand is Plan.Expand of events that are alike: their matches but for time and
// sequence.
func (st *ScanStatement) expand(label int, row *Scanned) (matches []Match, left int) {
	l := &st.Plan.Labels[label]
	values := func(f schema.Field) []string { return slices.Clone(row.Values[slices.Index(st.fields, f)]) }
	base := Match{Label: label, Tags: row.Tags}
	switch l.Aggregation {
	case AggCardinality, AggNewValue:
		base.Values, left = l.tuples(values)
		if l.Aggregation == AggNewValue && len(base.Values) == 0 {
			return nil, 0
		}
	}
	matches, more := l.inGroups(base, values)
	return matches, sum(left, more)
}
