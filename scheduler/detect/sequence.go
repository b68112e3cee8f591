package detect

import (
	"iter"
	"math"
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// sequence asks for steps, one after the other.
type sequence struct{ threshold }

func (sequence) detections(gs *GroupState, group fullGroup, globals []compiler.Match, from schema.Millis) []detection {
	return sequenceDetections(gs.Plan, group.matches, globals, from, gs.Horizon)
}

// sequenceDetections finds the moments at which a sequence is complete: its last step
// holds, and the steps before it held before it, in order and near enough.
// Every moment of the group is a candidate for every step, and for as many of
// them as the group has events there. Where something must not follow, it is
// complete when that has stayed away for as long as the window.
func sequenceDetections(plan *compiler.BoundPlan, group, globals []compiler.Match, from schema.Millis, h Horizon) []detection {
	if plan.Absence != nil {
		return absenceDetections(plan, group, globals, from, h)
	}
	var out []detection
	for t := range completions(plan, group, globals) {
		if t >= from {
			out = append(out, detection{at: t})
		}
	}
	return out
}

// completions are the moments at which the steps of the plan are complete.
func completions(plan *compiler.BoundPlan, group, globals []compiler.Match) iter.Seq[schema.Millis] {
	return func(yield func(schema.Millis) bool) {
		holds := newStepper(plan, group, globals)
		walk := newWalk(plan)
		for t, events := range ties(group, len(plan.Steps)) {
			if walk.to(t, events, holds.at(t)) && !yield(t) {
				return
			}
		}
	}
}

// ties are the distinct times of matches, which are sorted, each with the number
// of distinct events at it, which is counted up to most.
func ties(group []compiler.Match, most int) iter.Seq2[schema.Millis, int] {
	return func(yield func(schema.Millis, int) bool) {
		var seqs []uint64
		for i := 0; i < len(group); {
			t := group[i].At
			for seqs = seqs[:0]; i < len(group) && group[i].At == t; i++ {
				if len(seqs) < most && !slices.Contains(seqs, group[i].Seq) {
					seqs = append(seqs, group[i].Seq)
				}
			}
			if !yield(t, len(seqs)) {
				return
			}
		}
	}
}

// stepper tells which steps hold at a moment, each over a window of its own.
type stepper struct {
	plan    *compiler.BoundPlan
	windows map[time.Duration]*slider
	alone   []oneEvent // by time; when a step has window 0
	next    int
	out     []bool
	now     map[time.Duration][]float64 // what each window came to when it was asked last
	single  []oneEvent                  // those of alone that were asked last
}

func newStepper(plan *compiler.BoundPlan, group, globals []compiler.Match) *stepper {
	s := &stepper{plan: plan, windows: map[time.Duration]*slider{}, out: make([]bool, len(plan.Steps))}
	all := mergeByTime(group, globals)
	for _, step := range plan.Steps {
		if step.Window > 0 && s.windows[step.Window] == nil {
			s.windows[step.Window] = newSlider(plan, all, step.Window)
		}
		if step.Window == 0 && s.alone == nil {
			for e := range events(group, globals) {
				s.alone = append(s.alone, e)
			}
		}
	}
	return s
}

// at is asked for moments in order.
func (s *stepper) at(t schema.Millis) []bool {
	s.now = map[time.Duration][]float64{}
	for width, w := range s.windows {
		s.now[width] = w.to(t)
	}
	first := s.next
	for s.next < len(s.alone) && s.alone[s.next].at == t {
		s.next++
	}
	s.single = s.alone[first:s.next]
	for i, step := range s.plan.Steps {
		if step.Window > 0 {
			s.out[i] = step.Condition.Holds(s.now[step.Window])
			continue
		}
		s.out[i] = false
		for _, e := range s.single {
			s.out[i] = s.out[i] || step.Condition.Holds(e.values(s.plan))
		}
	}
	return s.out
}

// values are what a step's condition was asked of at the last moment: its window, or of
// window 0 the event that makes it true, else the first; nil: there was none.
func (s *stepper) values(i int) []float64 {
	step := s.plan.Steps[i]
	if step.Window > 0 {
		return s.now[step.Window]
	}
	var first []float64
	for _, e := range s.single {
		values := e.values(s.plan)
		if step.Condition.Holds(values) {
			return values
		}
		if first == nil {
			first = values
		}
	}
	return first
}

// walk follows a sequence through time.
//
// For a step that must follow the one before it within a time, the latest moment
// at which that one was reached is the best to have come from. Where the whole
// must lie within a window (`then`), it is the way with the latest beginning.
type walk struct {
	plan   *compiler.BoundPlan
	whole  schema.Millis   // the window of all; 0 where each step has its own
	latest []schema.Millis // per step: the latest moment reached, or the latest beginning
}

// nowhere is before any moment that a sequence could go on from.
const nowhere = schema.Millis(math.MinInt64 / 4)

func newWalk(plan *compiler.BoundPlan) *walk {
	w := &walk{plan: plan, latest: make([]schema.Millis, len(plan.Steps))}
	for i := range w.latest {
		w.latest[i] = nowhere
	}
	if plan.Then() {
		w.whole = WindowOf(plan)
	}
	return w
}

// to moves to a moment with so many events, at which these steps hold, and tells
// whether the last step is reached there.
func (w *walk) to(t schema.Millis, events int, holds []bool) (complete bool) {
	if w.plan.Then() && w.whole == 0 {
		return false // nothing lies within a window of 0
	}
	for i := len(holds) - 1; i >= 0; i-- { // backwards, so that latest is of before t
		if reached := w.reach(i, t, events, holds); reached > nowhere {
			w.latest[i] = max(w.latest[i], reached)
			complete = complete || i == len(holds)-1
		}
	}
	return complete
}

// reach is what a step that is reached at t is reached with: t, or the beginning
// of the way; nowhere, when it is not. The steps j to i stand at t together, for
// the j that there are events for; the one before them was reached earlier.
func (w *walk) reach(i int, t schema.Millis, events int, holds []bool) schema.Millis {
	best := nowhere
	for j := i; j >= 0 && i-j < events && holds[j]; j-- {
		switch {
		case j == 0:
			return t
		case w.whole > 0:
			if begun := w.latest[j-1]; begun > t-w.whole {
				best = max(best, begun)
			}
		case t-w.latest[j-1] <= schema.Millis(w.plan.Steps[j].Within.Milliseconds()):
			return t
		}
	}
	return best
}
