package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// This file is the oracle's part for the alerts of vendors.

// rootQueries are a third-party rule's, as queries.
func rootQueries(rule schema.Rule) []schema.RuleQuery {
	var out []schema.RuleQuery
	for i, root := range rule.Options.ThirdParty.RootQueries {
		out = append(out, schema.RuleQuery{Name: string(rune('a' + i)), Query: root.Query, GroupByFields: root.GroupByFields})
	}
	return out
}

// grades are the cases of a third-party rule: its own ones, or its queries with
// the cases beside them.
func (o *oracleRule) grades(rule schema.Rule) []schema.ThirdPartyCase {
	if len(rule.ThirdPartyCases) > 0 {
		return rule.ThirdPartyCases
	}
	var out []schema.ThirdPartyCase
	for i, c := range rule.Cases {
		out = append(out, schema.ThirdPartyCase{Status: c.Status, Query: o.paired[i]})
	}
	return out
}

func (o *oracleRule) grade(e *schema.Event) int {
	return slices.IndexFunc(o.grades(o.rule), func(c schema.ThirdPartyCase) bool {
		return matchesQuery(c.Query, e)
	})
}

// graded is the severity of a case.
func (o *oracleRule) graded(caseAt int) string {
	if caseAt < 0 {
		return o.rule.Options.ThirdParty.DefaultStatus
	}
	return o.grades(o.rule)[caseAt].Status
}

// alerts are the signals of a third-party rule: for each key and grade, a signal
// takes in what comes within a day of its first alert.
func (o *oracleRule) alerts() []oracleLife {
	events, groups := map[string][]*schema.Event{}, map[string][]string{}
	for i := range o.events {
		e := &o.events[i]
		for q := range o.rule.Queries {
			if !o.candidate(q, e) {
				continue
			}
			for _, g := range o.tuplesOf(q, e) {
				key := strings.Join(g, "\x1f")
				if len(g) == 0 {
					key = fmt.Sprint("event ", e.Seq)
				}
				if !slices.Contains(events[key], e) {
					events[key], groups[key] = append(events[key], e), g
				}
			}
		}
	}
	var out []oracleLife
	for key, list := range events {
		slices.SortFunc(list, func(a, b *schema.Event) int { return cmp.Compare(a.At, b.At) })
		for grade := -1; grade < len(o.grades(o.rule)); grade++ {
			out = append(out, o.rollUp(groups[key], grade, list)...)
		}
	}
	return out
}

func (o *oracleRule) rollUp(group []string, grade int, list []*schema.Event) []oracleLife {
	var out []oracleLife
	for _, e := range list {
		if o.grade(e) != grade {
			continue
		}
		if n := len(out); n == 0 || int64(e.At) > out[n-1].first+24*3_600_000 {
			out = append(out, oracleLife{caseAt: grade, group: group, first: int64(e.At), severity: o.graded(grade)})
		}
		out[len(out)-1].last = int64(e.At)
	}
	for i := range out {
		for _, e := range list {
			if int64(e.At) >= out[i].first && int64(e.At) <= out[i].last {
				out[i].events++
			}
		}
	}
	return out
}
