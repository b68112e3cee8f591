package compiler

import (
	"fmt"
	"time"

	"nightjar/schema"
)

// newValueMethod finds values that a group has not had before.
type newValueMethod struct{ thresholdMethod }

func (newValueMethod) about() aboutMethod { return aboutMethod{name: schema.MethodNewValue} }

func (newValueMethod) queries(c *ruleCompiler) {
	c.newValueOptions()
	c.labels(c.newValue)
}

// durations: without a keep alive, every new value is a signal of its own.
func (newValueMethod) durations(p *Plan) { p.PerValue = p.KeepAlive == 0 }

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
			n.Before = n.Forget // by number of events: whatever still counts as seen
		}
	}
	c.plan.Novelty = n
}

// newValue makes the label of a query whose values may be new.
func (c *ruleCompiler) newValue(l *Label, q schema.RuleQuery, at func(string) string) bool {
	if q.Aggregation != aggregateNewValues {
		return false
	}
	l.Aggregation = AggNewValue
	metrics := metricsOf(q)
	if len(metrics) < 1 || len(metrics) > 5 {
		c.bad.Add(at("metrics"), fmt.Sprintf("new_value takes one to five fields whose values may be new, got %d", len(metrics)))
		return true
	}
	l.Distinct = c.fields(at("metrics"), metrics)
	return true
}
