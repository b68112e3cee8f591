package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nightjar/compiler"
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
		return must(compiler.ParseQuery(c.Query)).Match(e)
	})
}

// severity is a case's.
func (o *oracleRule) severity(caseAt int) string {
	switch {
	case o.rule.Options.DetectionMethod != "third_party":
		return o.rule.Cases[caseAt].Status
	case caseAt < 0:
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
		for q := range o.queries {
			for _, g := range o.tuplesOf(q, e) {
				key := strings.Join(g, "\x1f")
				if len(g) == 0 {
					key = fmt.Sprint("event ", e.Seq)
				}
				if o.in(q, e, g) && !slices.Contains(events[key], e) {
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
			out = append(out, oracleLife{caseAt: grade, group: group, first: int64(e.At)})
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

// alertRule is a third-party rule.
func (w worlds) alertRule() schema.Rule {
	window, longest := []int64{0, 60}[w.IntN(2)], int64(300)
	rule := schema.Rule{Name: "generated", IsEnabled: true, Type: "log_detection", Options: schema.RuleOptions{
		DetectionMethod: "third_party", EvaluationWindow: &window, KeepAlive: &window, MaxSignalDuration: &longest, // they play no part
		ThirdParty: &schema.ThirdPartyOptions{DefaultStatus: w.pick("info", "medium")},
	}}
	query := func() string {
		return w.pick("*", "source:x", "@roles:admin", "@bytes:>0", "service:web -@usr.id:u3", "host:h1")
	}
	for range 1 + w.IntN(2) {
		rule.Options.ThirdParty.RootQueries = append(rule.Options.ThirdParty.RootQueries, schema.RootQuery{
			Query: query(), GroupByFields: [][]string{{"@usr.id"}, {"@roles"}, {"@usr.id", "host"}, {"service"}, {}}[w.IntN(5)],
		})
	}
	paired := w.IntN(3) == 0
	for i := range w.IntN(4) {
		name, status := fmt.Sprint("g", i), w.pick("low", "high", "critical")
		if paired {
			rule.Queries = append(rule.Queries, schema.RuleQuery{Query: query()})
			rule.Cases = append(rule.Cases, schema.RuleCase{Name: name, Status: status})
		} else {
			rule.ThirdPartyCases = append(rule.ThirdPartyCases, schema.ThirdPartyCase{Name: name, Status: status, Query: query()})
		}
	}
	if w.IntN(4) == 0 {
		rule.Filters = []schema.RuleFilter{{Action: w.pick("suppress", "require"), Query: w.pick("service:web", "@bytes:*")}}
	}
	return rule
}
