package explain

import (
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// silenceNotes say what a group's rule waits for after a moment, or found to be
// missing at it.
func (e *explainer) silenceNotes(all Matches, at schema.Millis) []string {
	plan, w := e.Plan, e.Waiting
	if w == nil || plan.Low() {
		return nil
	}
	last := lastAsked(plan, all.Own, at)
	if last == nil {
		return nil
	}
	due := *last + detect.WindowOf(plan)
	waits := fmt.Sprintf("silent since %s", *last)
	if plan.Absence != nil {
		waits = fmt.Sprintf("since %s it waits for what must not follow, %s", *last, plan.Absence.Answer.Explain(nil))
	} else if len(detect.Between(all.Own, *last, due)) > 0 {
		return nil // it was heard of again in time
	}
	if due <= w.Judged {
		return []string{fmt.Sprintf("%s; that was judged at %s", waits, due)}
	}
	return []string{fmt.Sprintf("%s; would fire at %s, and is judged %s later", waits, due, w.Delay)}
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

// closingNotes say when what ended last is judged, where closed buckets are.
func (e *explainer) closingNotes(u *detect.Baseline, at schema.Millis) []string {
	if !e.Plan.Low() || e.Waiting == nil {
		return nil
	}
	ended := u.Moment(u.BucketOf(at))
	if e.Waiting.Judged >= ended {
		return nil
	}
	return []string{fmt.Sprintf("what ended at %s is judged %s later", ended, e.Waiting.Delay)}
}

// expectedNote says since when a group that was never heard of is expected.
func (e *explainer) expectedNote(group []string) string {
	if e.Waiting == nil {
		return ""
	}
	since, ok := e.Plan.ExpectedSince(group, e.Waiting.Horizon)
	if !ok {
		return ""
	}
	since = max(since, e.Plan.Began)
	return fmt.Sprintf("; table %s lists it, so it is expected since %s and is missed at %s", e.Plan.Expected.Table, since, since+detect.WindowOf(e.Plan))
}
