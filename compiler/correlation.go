package compiler

import (
	"fmt"

	"nightjar/schema"
)

// ofSignals makes a query over the signals of another rule one over events: a
// signal is an event at its first seen, with its attributes, and
// correlatedByFields are what it is grouped by. A query, if there is one, is a
// search over those signals.
func (c *ruleCompiler) ofSignals(i int, q schema.RuleQuery) schema.RuleQuery {
	if q.RuleID == "" {
		q.RuleID = q.DefaultRuleID
	}
	if q.RuleID == "" {
		c.bad.Add(fmt.Sprintf("queries[%d].ruleId", i), "whose signals? name the rule by its id")
	}
	if len(q.GroupByFields) == 0 {
		q.GroupByFields = q.CorrelatedByFields
	}
	return q
}

// Correlates reports whether the plan asks for signals of the rule.
func (p *Plan) Correlates(ruleID string) bool {
	for i := range p.Labels {
		if p.OfSignals && p.Labels[i].OfRule == ruleID {
			return true
		}
	}
	return false
}

// SignalMatches are the plan's matches of a signal of a rule, given as a search
// of signals sees it.
func (p *BoundPlan) SignalMatches(ruleID string, signal *schema.Event) []Match {
	var out []Match
	for i := range p.Labels {
		if l := &p.Labels[i]; l.OfRule == ruleID && l.Match(signal) {
			matches, _ := p.Expand(i, signal)
			out = append(out, matches...)
		}
	}
	return out
}
