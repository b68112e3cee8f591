package oracle

import (
	"slices"
	"strings"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// This file is for groups (docs/semantics.md, "Groups").

// ruleGroup is one group of a rule, with what each event is to it.
type ruleGroup struct {
	o   *evaluator
	key []string
	// matches tells of each query and event whether it matches in this group.
	// Every group holds the events of a query that has no group-by fields.
	matches [][]bool
}

// says reports whether an event matches a query of the search language.
func (o *evaluator) says(text string, e *schema.Event) bool {
	if meaning, ok := o.Meanings[text]; ok {
		return meaning(e)
	}
	if o.parsed[text] == nil {
		o.parsed[text] = must(search.Parse(text))
	}
	return o.parsed[text].Match(e)
}

// candidate reports whether an event matches query q in whatever group.
func (o *evaluator) candidate(q int, e *schema.Event) bool {
	query := o.rule.Queries[q]
	if !o.says(query.Query, e) {
		return false
	}
	switch query.Aggregation {
	case "new_value":
		if len(o.tuples(q, e)) == 0 {
			return false
		}
	case "geo_data":
		if _, ok := o.located(q, e); !ok {
			return false
		}
	}
	for _, f := range o.rule.Filters {
		if o.says(f.Query, e) != (f.Action == "require") {
			return false
		}
	}
	return o.passesTables(q, e)
}

// groups are all groups that occur.
func (o *evaluator) groups() []*ruleGroup {
	seen := map[string]*ruleGroup{}
	tuples := make([][][][]string, len(o.rule.Queries)) // by query and event
	for q := range o.rule.Queries {
		tuples[q] = make([][][]string, len(o.events))
		for i := range o.events {
			if !o.candidate(q, &o.events[i]) {
				continue
			}
			tuples[q][i] = o.tuplesOf(q, &o.events[i])
			for _, key := range tuples[q][i] {
				if !o.isGlobal(q) {
					seen[strings.Join(key, "\x1f")] = &ruleGroup{o: o, key: key}
				}
			}
		}
	}
	for value := range o.expected() {
		if seen[value] == nil {
			seen[value] = &ruleGroup{o: o, key: []string{value}}
		}
	}
	var out []*ruleGroup
	for _, g := range seen {
		g.matches = make([][]bool, len(tuples))
		for q := range tuples {
			g.matches[q] = make([]bool, len(o.events))
			for i := range tuples[q] {
				g.matches[q][i] = slices.ContainsFunc(tuples[q][i], func(key []string) bool {
					return o.isGlobal(q) || slices.Equal(key, g.key)
				})
			}
		}
		out = append(out, g)
	}
	return out
}

// tuplesOf are the event's values of a query's group-by fields, in every
// combination.
func (o *evaluator) tuplesOf(q int, e *schema.Event) [][]string {
	tuples := [][]string{{}}
	for _, f := range o.rule.Queries[q].GroupByFields {
		values := e.Values(schema.ParseField(f))
		if len(values) == 0 && o.rule.Queries[q].OptionalGroupBys {
			values = []string{"N/A"}
		}
		var longer [][]string
		for _, t := range tuples {
			for _, v := range values {
				longer = append(longer, append(slices.Clone(t), v))
			}
		}
		tuples = longer
	}
	return tuples
}

func (o *evaluator) isGlobal(q int) bool {
	return o.arity > 0 && len(o.rule.Queries[q].GroupByFields) == 0
}

// coarse keeps of a group what signals are grouped by.
func (o *evaluator) coarse(g []string) []string {
	if len(o.rule.GroupSignalsBy) == 0 {
		return g
	}
	out := []string{}
	for position := range g {
		for _, q := range o.rule.Queries {
			if position < len(q.GroupByFields) && slices.Contains(o.rule.GroupSignalsBy, q.GroupByFields[position]) {
				out = append(out, g[position])
				break
			}
		}
	}
	return out
}

// own reports whether an event is one of the group's: it matches one of its
// grouped queries.
func (g *ruleGroup) own(i int) bool {
	for q := range g.matches {
		if !g.o.isGlobal(q) && g.matches[q][i] {
			return true
		}
	}
	return false
}

// points are the evaluation points of the group: the times of its events.
func (g *ruleGroup) points() []int64 {
	var out []int64
	for i := range g.o.events {
		if g.own(i) {
			out = append(out, int64(g.o.events[i].At))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// distinct is how many events the group has at a time.
func (g *ruleGroup) distinct(t int64) int { return len(g.at(t)) }

// expected are the groups that a table lists at the horizon, and since when.
func (o *evaluator) expected() map[string]schema.Millis {
	e := o.rule.Options.ExpectedGroups
	if e == nil || o.Tables == nil {
		return nil
	}
	return o.Tables.Listed(e.Table, e.Column, schema.Millis(o.Horizon))
}

// expectedSince is when a group began to be listed.
func (o *evaluator) expectedSince(key []string) (int64, bool) {
	if len(key) != 1 {
		return 0, false
	}
	since, ok := o.expected()[key[0]]
	return int64(since), ok
}

// passesTables reports whether an event is in and not in the tables as the rule
// wants, as those were when it arrived.
func (o *evaluator) passesTables(q int, e *schema.Event) bool {
	for _, c := range o.rule.ReferenceTables {
		if c.RuleQueryName != "" && c.RuleQueryName != o.rule.Queries[q].Name {
			continue
		}
		in := false
		for _, v := range e.Values(schema.ParseField(c.LogFieldPath)) {
			in = in || o.Tables.Lists(c.TableName, c.ColumnName, v, e.Seen)
		}
		if in != c.CheckPresence {
			return false
		}
	}
	return true
}
