package scheduler

import (
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// silenceNotes say what a group's rule waits for after a moment, or found to be
// missing at it.
func (s *Scheduler) silenceNotes(plan *compiler.BoundPlan, all groupMatches, at schema.Millis) []string {
	v := s.vigils[plan.Key]
	if v == nil || plan.Low() {
		return nil
	}
	last := lastAsked(plan, all.own, at)
	if last == nil {
		return nil
	}
	due := *last + detect.WindowOf(plan)
	waits := fmt.Sprintf("silent since %s", *last)
	if plan.Absence != nil {
		waits = fmt.Sprintf("since %s it waits for what must not follow, %s", *last, plan.Absence.Answer.Explain(nil))
	} else if len(detect.Between(all.own, *last, due)) > 0 {
		return nil // it was heard of again in time
	}
	if due <= v.judged {
		return []string{fmt.Sprintf("%s; that was judged at %s", waits, due)}
	}
	return []string{fmt.Sprintf("%s; would fire at %s, and is judged %s later", waits, due, s.deps.Delays.Of(plan))}
}

// lastAsked is the group's last event at or before a moment that begins a wait.
func lastAsked(plan *compiler.BoundPlan, own []compiler.Match, at schema.Millis) *schema.Millis {
	for _, m := range slices.Backward(own) {
		if m.At <= at && (plan.Absence == nil || slices.Contains(plan.Absence.Asked, m.Label)) {
			return &m.At
		}
	}
	return nil
}

// expectedNote says since when a group that was never heard of is expected.
func (s *Scheduler) expectedNote(plan *compiler.BoundPlan, group []string) string {
	v := s.vigils[plan.Key]
	if v == nil {
		return ""
	}
	since, ok := plan.ExpectedSince(group, v.horizon.Through)
	if !ok {
		return ""
	}
	since = max(since, plan.Began)
	return fmt.Sprintf("; table %s lists it, so it is expected since %s and is missed at %s", plan.Expected.Table, since, since+detect.WindowOf(plan))
}
