package scheduler

import (
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// silenceNotes say what a group's rule waits for after a moment, or found to be
// missing at it.
func (s *Scheduler) silenceNotes(plan *compiler.Plan, all groupMatches, at schema.Millis) []string {
	v := s.vigilOf(plan)
	if v == nil {
		return nil
	}
	judged := v.judged
	last := lastAsked(plan, all.own, at)
	if last == nil {
		return nil
	}
	due := *last + windowOf(plan)
	after := fmt.Sprintf("silent since %s (%s until then)", *last, schema.SpokenDuration(at-*last))
	what := "falls silent"
	if plan.Absence != nil {
		after = fmt.Sprintf("waits since %s for %s", *last, plan.Absence.Answer.Explain(nil))
		what = "did not follow"
	}
	switch {
	case due > judged:
		return []string{fmt.Sprintf("%s; would fire at %s, and is judged %s later", after, due, schema.SpokenDuration(schema.Millis(s.deps.Delays.Of(plan).Milliseconds())))}
	case at >= due:
		return []string{fmt.Sprintf("%s; %s was judged at %s", after, what, due)}
	}
	return nil
}

// lastAsked is the group's last event at or before a moment that begins a wait.
func lastAsked(plan *compiler.Plan, own []compiler.Match, at schema.Millis) *schema.Millis {
	for _, m := range slices.Backward(own) {
		if m.At <= at && (plan.Absence == nil || slices.Contains(plan.Absence.Asked, m.Label)) {
			return &m.At
		}
	}
	return nil
}
