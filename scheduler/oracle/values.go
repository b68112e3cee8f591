package oracle

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"nightjar/schema"
)

// This file is for aggregations (docs/semantics.md, "Aggregations").

// over are the labels' values over the events that `inside` says are in it.
func (g *ruleGroup) over(inside func(i int) bool) []float64 {
	values := make([]float64, len(g.matches))
	for q := range g.matches {
		var events []*schema.Event
		for i := range g.o.events {
			if g.matches[q][i] && inside(i) {
				events = append(events, &g.o.events[i])
			}
		}
		values[q] = aggregateOf(g.o.rule.Queries[q], events)
	}
	return values
}

// between are the labels' values over the events in (after, through].
func (g *ruleGroup) between(after, through int64) []float64 {
	return g.over(func(i int) bool {
		at := int64(g.o.events[i].At)
		return at > after && at <= through
	})
}

// alone are the labels' values of one event.
func (g *ruleGroup) alone(i int) []float64 { return g.over(func(j int) bool { return i == j }) }

func aggregateOf(q schema.RuleQuery, inside []*schema.Event) float64 {
	switch q.Aggregation {
	case "cardinality":
		return cardinalityOf(q.DistinctFields, inside)
	case "sum":
		return sumOf(q.Metrics[0], inside)
	case "max":
		return maxOf(q.Metrics[0], inside)
	}
	return float64(len(inside))
}

// cardinalityOf is the number of distinct tuples of the fields.
func cardinalityOf(fields []string, inside []*schema.Event) float64 {
	seen := map[string]bool{}
	for _, e := range inside {
		tuples := []string{""}
		for _, f := range fields {
			var longer []string
			for _, t := range tuples {
				for _, v := range e.Values(schema.ParseField(f)) {
					longer = append(longer, t+"\x1f"+v)
				}
			}
			tuples = longer
		}
		for _, t := range tuples {
			seen[t] = true
		}
	}
	return float64(len(seen))
}

// sumOf adds exactly. The numeric value of a list is one number too: what it
// adds up to.
func sumOf(metric string, inside []*schema.Event) float64 {
	sum := new(big.Rat)
	for _, e := range inside {
		own := 0.0
		for _, n := range numbers(metric, e) {
			own += n
		}
		sum.Add(sum, new(big.Rat).SetFloat64(own))
	}
	f, _ := sum.Float64()
	return f
}

func maxOf(metric string, inside []*schema.Event) float64 {
	greatest, some := 0.0, false
	for _, e := range inside {
		for _, n := range numbers(metric, e) {
			if !some || n > greatest {
				greatest, some = n, true
			}
		}
	}
	return greatest
}

// numbers are an event's numbers at a field.
func numbers(field string, e *schema.Event) []float64 {
	var out []float64
	for _, l := range e.Lookup(strings.TrimPrefix(field, "@")) {
		if n, ok := Number(l); ok {
			out = append(out, n)
		}
	}
	return out
}

var numericText = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// Number is the number that a leaf is, or that its text is the form of.
func Number(l schema.Leaf) (float64, bool) {
	switch v := l.Value().(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		if numericText.MatchString(v) && !strings.HasSuffix(v, "\n") {
			return must(strconv.ParseFloat(v, 64)), true
		}
	}
	return 0, false
}
