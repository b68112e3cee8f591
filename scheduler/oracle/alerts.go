package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// This file is for the alerts of vendors (docs/semantics.md, "Alerts of others").

// RootQueries are a third-party rule's, as queries.
func RootQueries(rule schema.Rule) []schema.RuleQuery {
	var out []schema.RuleQuery
	for i, root := range rule.Options.ThirdParty.RootQueries {
		out = append(out, schema.RuleQuery{Name: string(rune('a' + i)), Query: root.Query, GroupByFields: root.GroupByFields})
	}
	return out
}

// grades are the cases of a third-party rule: its own ones, or its queries with
// the cases beside them.
func (o *evaluator) grades(rule schema.Rule) []schema.ThirdPartyCase {
	if len(rule.ThirdPartyCases) > 0 {
		return rule.ThirdPartyCases
	}
	var out []schema.ThirdPartyCase
	for i, c := range rule.Cases {
		out = append(out, schema.ThirdPartyCase{Status: c.Status, Query: o.paired[i]})
	}
	return out
}

func (o *evaluator) grade(e *schema.Event) int {
	return slices.IndexFunc(o.grades(o.rule), func(c schema.ThirdPartyCase) bool {
		return o.says(c.Query, e)
	})
}

// graded is the severity of a case.
func (o *evaluator) graded(at int) string {
	if at < 0 {
		return string(o.rule.Options.ThirdParty.DefaultStatus)
	}
	return string(o.grades(o.rule)[at].Status)
}

// alerts are the signals of a third-party rule: for each key and grade, a signal
// takes in what comes within a day of its first alert.
func (o *evaluator) alerts() []Signal {
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
	var out []Signal
	for key, list := range events {
		slices.SortFunc(list, func(a, b *schema.Event) int { return cmp.Compare(a.At, b.At) })
		for grade := -1; grade < len(o.grades(o.rule)); grade++ {
			out = append(out, o.rollUp(groups[key], grade, list)...)
		}
	}
	return out
}

func (o *evaluator) rollUp(group []string, grade int, list []*schema.Event) []Signal {
	var out []Signal
	for _, e := range list {
		if o.grade(e) != grade {
			continue
		}
		if n := len(out); n == 0 || int64(e.At) > out[n-1].First+24*3_600_000 {
			out = append(out, Signal{Case: grade, Group: group, First: int64(e.At), Severity: o.graded(grade)})
		}
		out[len(out)-1].Last = int64(e.At)
	}
	for i := range out {
		for _, e := range list {
			if int64(e.At) >= out[i].First && int64(e.At) <= out[i].Last {
				out[i].Events++
			}
		}
	}
	return out
}
