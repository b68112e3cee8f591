package detect

import (
	"nightjar/compiler"
	"nightjar/schema"
)

// threshold compares what the matches in a window come to with numbers. Every match
// counts, and other methods do as it does unless they say otherwise.
type threshold struct{}

func (threshold) counting(_ *compiler.BoundPlan, matches []compiler.Match, _ schema.Millis) []compiler.Match {
	return matches
}

func (threshold) detections(gs *GroupState, group fullGroup, globals []compiler.Match, from schema.Millis) []detection {
	if gs.Plan.Window == 0 {
		return eventDetections(gs.Plan, group.matches, globals, from)
	}
	return windowDetections(gs.Plan, group, globals, from, gs.Horizon)
}

func (threshold) explain(m *Moment, s *Standing) {
	values := valuesAt(m)
	s.setValues(m.Plan, values)
	for i, c := range m.Plan.Cases {
		standing := caseStanding(i, c, c.Condition.Explain(values), c.Condition.Holds(values))
		for _, compared := range c.Condition.Comparisons() {
			standing.Compared = append(standing.Compared, Comparison{compared, values[compared.Label], compared.Holds(values)})
		}
		s.Cases = append(s.Cases, standing)
	}
}

func (threshold) reachesFurther([]compiler.Match, schema.Millis, schema.Millis) bool { return false }

func (threshold) opens(*episode, *compiler.Match) {}

func (threshold) asksPast() bool { return false }

func (threshold) hasDefault() bool { return false }

func (threshold) describe(plan *compiler.BoundPlan, values []string) Description {
	return describeNewValues(plan, values)
}

func (threshold) recipients(rule *schema.Rule, caseAt int) []string {
	if caseAt < 0 || caseAt >= len(rule.Cases) {
		return nil
	}
	return rule.Cases[caseAt].Notifications
}
