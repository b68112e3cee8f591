package compiler

import (
	"fmt"
	"strings"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// aggregate takes the aggregation of a query that only one method has, and reports
// whether it is one. at is where a field of the query stands in the document.
type aggregate func(l *Label, q schema.RuleQuery, at func(field string) string) bool

// The aggregations that one method has: impossible_travel and new_value.
const (
	aggregatePlaces    = "geo_data"
	aggregateNewValues = "new_value"
)

// labels makes a label of every query. aggregate, unless nil, takes the aggregations of
// one method: it reports whether a query's is one.
func (c *ruleCompiler) labels(aggregate aggregate) {
	r := &c.plan.Rule
	if len(r.Queries) == 0 && c.plan.Unsupported == "" {
		c.bad.Add("queries", "a rule needs at least one query")
	}
	filters := c.filters()
	seen := map[string]bool{}
	for i, q := range r.Queries {
		if c.plan.OfSignals {
			q = c.ofSignals(i, q)
		}
		label := c.label(i, q, aggregate)
		label.OfRule = q.RuleID
		label.Filter = append(label.Filter, filters...)
		if seen[label.Name] {
			c.bad.Add(fmt.Sprintf("queries[%d].name", i), fmt.Sprintf("two queries are named %q", label.Name))
		}
		seen[label.Name] = true
		c.plan.Labels = append(c.plan.Labels, label)
		c.plan.Arity = max(c.plan.Arity, len(label.GroupBy))
	}
	for i := range c.plan.Labels {
		l := &c.plan.Labels[i]
		l.Global = len(l.GroupBy) == 0 && c.plan.Arity > 0
	}
}

func (c *ruleCompiler) label(i int, q schema.RuleQuery, aggregate aggregate) Label {
	at := func(field string) string { return fmt.Sprintf("queries[%d].%s", i, field) }
	l := Label{Name: q.Name, Optional: q.OptionalGroupBys}
	if l.Name == "" {
		l.Name = defaultLabel(i)
	}
	if !isLabel(l.Name) {
		c.bad.Add(at("name"), fmt.Sprintf("%q is no label: want a letter, then letters, digits and _", l.Name))
	}
	if strings.TrimSpace(q.Query) == "" && !c.plan.OfSignals {
		c.bad.Add(at("query"), "Query filter cannot be empty")
	}
	if !inSQL(q) {
		l.Filter = append(l.Filter, c.search(at("query"), q.Query)...)
	}
	if q.CustomExtension != "" {
		l.Filter = append(l.Filter, c.search(at("customQueryExtension"), q.CustomExtension)...)
	}
	if len(q.GroupByFields) > MaxGroupFields {
		c.bad.Add(at("groupByFields"), fmt.Sprintf("at most %d fields, got %d", MaxGroupFields, len(q.GroupByFields)))
	}
	l.GroupBy = c.fields(at("groupByFields"), q.GroupByFields)
	if aggregate == nil || !aggregate(&l, q, at) {
		c.aggregation(&l, q, at)
	}
	return l
}

func (c *ruleCompiler) aggregation(l *Label, q schema.RuleQuery, at func(string) string) {
	switch q.Aggregation {
	case "", "count", "event_count", "none":
		l.Aggregation = AggCount
	case "cardinality":
		l.Aggregation = AggCardinality
		l.Distinct = c.fields(at("distinctFields"), q.DistinctFields)
		if len(l.Distinct) == 0 {
			c.bad.Add(at("distinctFields"), "aggregation cardinality counts distinct values: name the field")
		}
	case "sum", "max":
		l.Aggregation = AggSum
		if q.Aggregation == "max" {
			l.Aggregation = AggMax
		}
		metrics := metricsOf(q)
		if len(metrics) != 1 {
			c.bad.Add(at("metrics"), fmt.Sprintf("aggregation %s takes one numeric field, got %d", q.Aggregation, len(metrics)))
			return
		}
		l.Metric = c.fields(at("metrics"), metrics)[0]
	case aggregatePlaces, aggregateNewValues: // of one method each, which is another than the rule's
		if q.Aggregation != aggregateNewValues || c.plan.Unsupported == "" {
			c.bad.Add(at("aggregation"), fmt.Sprintf("%s does not go with detection method %s", q.Aggregation, c.plan.Rule.Options.Method()))
		}
	default:
		c.bad.Add(at("aggregation"), fmt.Sprintf("unknown aggregation %q; want count, cardinality, sum, max, new_value, geo_data, event_count or none", q.Aggregation))
	}
}

func metricsOf(q schema.RuleQuery) []string {
	if len(q.Metrics) == 0 && q.Metric != "" {
		return []string{q.Metric}
	}
	return q.Metrics
}

func (c *ruleCompiler) fields(target string, names []string) []schema.Field {
	fields := make([]schema.Field, len(names))
	for i, name := range names {
		if name == "" || name == "@" {
			c.bad.Add(fmt.Sprintf("%s[%d]", target, i), "a field's name is empty")
		}
		fields[i] = schema.ParseField(name)
	}
	return fields
}

func (c *ruleCompiler) filters() search.Filter {
	var parts search.Filter
	for i, f := range c.plan.Rule.Filters {
		target := fmt.Sprintf("filters[%d]", i)
		switch f.Action {
		case "require", "suppress":
			for _, part := range c.search(target+".query", f.Query) {
				part.Negated = f.Action == "suppress"
				parts = append(parts, part)
			}
		default:
			c.bad.Add(target+".action", fmt.Sprintf("unknown action %q; want require or suppress", f.Action))
		}
	}
	return parts
}

// inCase is the query as the rule's option says that letter case counts.
func (c *ruleCompiler) inCase(q *search.Query) *search.Query {
	if o := c.plan.Rule.Options.CaseInsensitive; o != nil && *o {
		return q.InAnyCase()
	}
	return q
}

// search parses a query; an invalid one is noted and leaves no part.
func (c *ruleCompiler) search(target, text string) search.Filter {
	q, err := search.Parse(text)
	if err != nil {
		c.bad.Add(target, err.Error())
		return nil
	}
	return search.Filter{{Query: c.inCase(q)}}
}

func (c *ruleCompiler) labelNames() []string {
	names := make([]string, len(c.plan.Labels))
	for i, l := range c.plan.Labels {
		names[i] = l.Name
	}
	return names
}

func defaultLabel(i int) string {
	if i < 26 {
		return string(rune('a' + i))
	}
	return fmt.Sprintf("%c%d", 'a'+i%26, i/26)
}

func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
