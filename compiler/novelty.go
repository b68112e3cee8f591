package compiler

import (
	"fmt"
	"time"

	"nightjar/schema"
)

// Novelty says when a value of a group is new (docs/semantics.md, "New values" and
// "Usual locations").
type Novelty struct {
	// Forget is how long a value stays known after it was last seen.
	Forget time.Duration
	// First is how many of a group's first events learning waits for: what
	// happens at the time of the last of them, or before, is silent.
	First int
	// Learn is how long after a group's first event values are learned in
	// silence; the end of it is silent if LearnEnd.
	Learn    time.Duration
	LearnEnd bool
	// Before is how far back events that were stored before the rule was made
	// are learned from; 0: not at all.
	Before time.Duration
}

// travelForget is how long a common place of a traveller stays known.
const travelForget = 30 * day

const day = 24 * time.Hour

func (c *ruleCompiler) newValueOptions() {
	o := c.plan.Rule.Options.NewValue
	if o == nil {
		o = &schema.NewValueOptions{}
	}
	const target = "options.newValueOptions."
	n := &Novelty{First: 1, Forget: time.Duration(c.inRange(target+"forgetAfter", o.ForgetAfter, schema.NewValueForgetDays)) * day}
	days := time.Duration(c.inRange(target+"learningDuration", o.LearningDuration, schema.NewValueLearningDays)) * day
	switch o.LearningMethod {
	case "", "duration":
		n.Learn = days
	case "threshold":
		n.First = int(max(1, c.inRange(target+"learningThreshold", o.LearningThreshold, schema.NewValueLearningEvents)))
	default:
		c.bad.Add(target+"learningMethod", fmt.Sprintf("unknown learning method %q; want duration or threshold", o.LearningMethod))
	}
	if o.InstantaneousBaseline != nil && *o.InstantaneousBaseline {
		if n.Before = days; days == 0 {
			n.Before = n.Forget // by number of events: whatever is still known
		}
	}
	c.plan.Novelty = n
}

// inRange is an option's value, its default where it is absent or beyond its limits.
func (c *ruleCompiler) inRange(target string, value *int64, limits schema.Limits) int64 {
	switch {
	case value == nil:
		return limits.Default
	case *value < limits.Least || *value > limits.Most:
		c.bad.Add(target, fmt.Sprintf("%d is out of range: want %d to %d", *value, limits.Least, limits.Most))
		return limits.Default
	}
	return *value
}

// newValue makes the label of a query whose values may be new.
func (c *ruleCompiler) newValue(l *Label, q schema.RuleQuery, at func(string) string) {
	if c.plan.Method != MethodNewValue {
		if c.plan.Unsupported == "" {
			c.bad.Add(at("aggregation"), "new_value does not go with detection method "+string(c.plan.Rule.Options.Method()))
		}
		return
	}
	l.Aggregation = AggNewValue
	metrics := metricsOf(q)
	if len(metrics) < 1 || len(metrics) > 5 {
		c.bad.Add(at("metrics"), fmt.Sprintf("new_value takes one to five fields whose values may be new, got %d", len(metrics)))
		return
	}
	l.Distinct = c.fields(at("metrics"), metrics)
}

func metricsOf(q schema.RuleQuery) []string {
	if len(q.Metrics) == 0 && q.Metric != "" {
		return []string{q.Metric}
	}
	return q.Metrics
}

// travelBaseline makes the user's common places a matter of novelty.
func (c *ruleCompiler) travelBaseline() {
	o := c.plan.Rule.Options.ImpossibleTravel
	if o == nil || o.BaselineUserLocations == nil || !*o.BaselineUserLocations {
		return
	}
	days := c.inRange("options.impossibleTravelOptions.baselineUserLocationsDuration", o.BaselineUserLocationsDuration, schema.TravelBaselineDays)
	c.plan.Novelty = &Novelty{Forget: travelForget, First: 1, Learn: time.Duration(days) * day, LearnEnd: true}
}

// TupleSize is how many fields a value of the label is of, whose being new
// matters.
func (p *Plan) TupleSize(label int) int {
	if p.Labels[label].Aggregation == AggPlace {
		return 2 // city and country
	}
	return len(p.Labels[label].Distinct)
}

// Values are the values of a match whose being new matters: the new-value
// tuples, or the place; nil where nothing has to be new.
func (p *Plan) Values(m *Match) []string {
	switch {
	case p.Novelty == nil:
		return nil
	case p.Labels[m.Label].Aggregation == AggNewValue:
		return m.Values
	case p.Labels[m.Label].Aggregation == AggPlace:
		return m.common()
	case p.Labels[m.Label].Aggregation == AggContent:
		return []string{} // it is no value that is new or known
	}
	return nil
}
