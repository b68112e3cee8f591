package detect

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// detection is a moment at which a case of a rule matched.
type detection struct {
	at     schema.Millis
	caseAt int
	// quiet is what was not there, of a detection at a silence point, of an absence or of a
	// bucket that was too low.
	quiet *quiet
}

// detections finds the moments, from `from` on, at which cases of the plan match, in
// the matches of the signal group: an exact sliding window, at every distinct
// event time, and where events stay away up to the horizon. The matches must
// reach back to from − Lookback, sorted by time; globals are those of the plan's
// labels without group-by fields.
func (gs *GroupState) detections(matches, globals []compiler.Match, from schema.Millis) []detection {
	var out []detection
	for _, group := range gs.groups(matches) {
		out = append(out, methodOf(gs.Plan).detections(gs, group, globals, from)...)
	}
	out = append(out, gs.lowDetections(matches, from)...)
	sort.Slice(out, func(i, j int) bool { return compareDetections(out[i], out[j]) < 0 })
	return slices.CompactFunc(out, func(a, b detection) bool { return compareDetections(a, b) == 0 })
}

// fullGroup is one full group with its matches.
type fullGroup struct {
	values  []string
	matches []compiler.Match
	// expected is since when it is expected to be heard of; 0: it is not.
	expected schema.Millis
}

// groups splits the group's matches by full group. A group that is expected is
// there without any.
func (gs *GroupState) groups(matches []compiler.Match) []fullGroup {
	var out []fullGroup
	for _, group := range ByGroup(matches) {
		out = append(out, fullGroup{values: group[0].Group, matches: group, expected: gs.Expected})
	}
	if len(out) == 0 && gs.Expected != 0 {
		out = append(out, fullGroup{values: gs.Group, expected: gs.Expected})
	}
	return out
}

// compareDetections orders detections by time and case; of those, events come before what
// did not happen.
func compareDetections(a, b detection) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.caseAt, b.caseAt), a.quiet.compare(b.quiet))
}

// windowDetections slides (t − W, t] over the group's own event times, and over the
// moments at which its window has run empty.
func windowDetections(plan *compiler.BoundPlan, group fullGroup, globals []compiler.Match, from schema.Millis, h Horizon) []detection {
	w := newSlider(plan, mergeByTime(group.matches, globals), plan.Window)
	var out []detection
	for p := range points(plan, group, h) {
		values := w.to(p.at)
		if p.at < from {
			continue
		}
		c := firstCase(plan, values)
		if p.quiet != nil {
			c = silentCase(plan, values)
		}
		if c >= 0 {
			out = append(out, detection{at: p.at, caseAt: c, quiet: p.quiet})
		}
	}
	return out
}

// slider moves a window over matches, forward.
type slider struct {
	*window
	all            []compiler.Match
	width          schema.Millis
	added, removed int
}

func newSlider(plan *compiler.BoundPlan, all []compiler.Match, width time.Duration) *slider {
	return &slider{window: newWindow(plan), all: all, width: schema.Millis(width.Milliseconds())}
}

// to moves the window to (t − W, t] and reads the labels' values.
func (s *slider) to(t schema.Millis) []float64 {
	for ; s.added < len(s.all) && s.all[s.added].At <= t; s.added++ {
		s.add(&s.all[s.added])
	}
	for ; s.removed < s.added && s.all[s.removed].At <= t-s.width; s.removed++ {
		s.remove(&s.all[s.removed])
	}
	return s.values()
}

// eventDetections judges every event by itself, for rules with window 0.
func eventDetections(plan *compiler.BoundPlan, group, globals []compiler.Match, from schema.Millis) []detection {
	var out []detection
	for e := range events(group, globals) {
		if e.at < from {
			continue
		}
		if c := firstCase(plan, e.values(plan)); c >= 0 {
			out = append(out, detection{at: e.at, caseAt: c})
		}
	}
	return out
}

// firstCase is the first case that holds; −1: none does.
func firstCase(plan *compiler.BoundPlan, values []float64) int {
	return slices.IndexFunc(plan.Cases, func(c compiler.Case) bool { return c.Condition.Holds(values) })
}

// silentCase is the first case that holds at a silence point; −1: none does.
func silentCase(plan *compiler.BoundPlan, values []float64) int {
	return slices.IndexFunc(plan.Cases, func(c compiler.Case) bool { return c.Condition.HoldsInSilence(values) })
}
