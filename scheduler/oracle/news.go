package oracle

import (
	"math"
	"slices"
	"strconv"

	"nightjar/schema"
)

// This file is for new values (docs/semantics.md, "New values").

const day = 24 * 3_600_000

// tuples are the event's values of a new-value query.
func (o *evaluator) tuples(q int, e *schema.Event) []string {
	tuples := []string{""}
	for _, f := range o.rule.Queries[q].Metrics {
		var longer []string
		for _, t := range tuples {
			for _, v := range e.Values(schema.ParseField(f)) {
				longer = append(longer, t+strconv.Itoa(len(v))+":"+v)
			}
		}
		tuples = longer
	}
	return tuples
}

// judgeNews judges the events of a group one by one.
func (g *ruleGroup) judgeNews() []Match {
	var out []Match
	for q := range g.matches {
		for i := range g.o.events {
			e := &g.o.events[i]
			if !g.matches[q][i] || g.learning(q, int64(e.At)) {
				continue
			}
			for _, v := range g.o.tuples(q, e) {
				if g.knows(q, int64(e.At), v) {
					continue
				}
				h := Match{At: int64(e.At), alone: true, event: i, group: g}
				if *g.o.rule.Options.KeepAlive == 0 {
					h.value = v
				}
				out = append(out, h)
			}
		}
	}
	return out
}

// learning reports whether the group is learned in silence at this time.
func (g *ruleGroup) learning(q int, at int64) bool {
	before := 0
	for i := range g.o.events {
		if g.matches[q][i] && int64(g.o.events[i].At) < at {
			before++
		}
	}
	first, n := g.first(q), g.o.rule.Options.NewValue
	switch {
	case n.LearningMethod == "threshold":
		return int64(before) < max(1, *n.LearningThreshold)
	case *n.LearningDuration == 0:
		return at == first
	}
	return at < first+*n.LearningDuration*day
}

// first is the time of the group's first event.
func (g *ruleGroup) first(q int) int64 {
	first := int64(math.MaxInt64)
	for i := range g.o.events {
		if g.matches[q][i] {
			first = min(first, int64(g.o.events[i].At))
		}
	}
	return first
}

// knows reports whether a value was seen before this time, and not too long ago.
func (g *ruleGroup) knows(q int, at int64, value string) bool {
	for i := range g.o.events {
		e := &g.o.events[i]
		before := int64(e.At) < at && int64(e.At) >= at-*g.o.rule.Options.NewValue.ForgetAfter*day
		if before && g.matches[q][i] && slices.Contains(g.o.tuples(q, e), value) {
			return true
		}
	}
	return false
}
