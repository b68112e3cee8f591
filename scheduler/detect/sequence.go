package detect

import (
	"iter"
	"math"
	"slices"
	"strconv"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// sequence asks for steps, one after the other.
type sequence struct{ threshold }

func (sequence) detections(gs *GroupState, group fullGroup, globals []compiler.Match, from schema.Millis) []detection {
	return sequenceDetections(gs.Plan, group.matches, globals, from, gs.Horizon)
}

// explain follows the sequence up to the moment.
func (sequence) explain(m *Moment, s *Standing) {
	s.Steps = make([]StepStanding, len(m.Plan.Steps))
	for i, st := range m.Plan.Steps {
		s.Steps[i] = StepStanding{Name: st.Name, Condition: st.Condition.Explain(nil)}
		if st.Name == "" {
			s.Steps[i].Name = strconv.Itoa(i + 1)
		}
	}
	complete := followSteps(m, s.Steps)
	for i, c := range m.Plan.Cases {
		s.Cases = append(s.Cases, caseStanding(i, c, "the sequence is complete", complete))
	}
}

// followSteps notes how far the sequence got at the moment, and reports whether it is
// complete there.
func followSteps(m *Moment, steps []StepStanding) (complete bool) {
	holds, walk := newStepper(m.Plan, m.counted, m.Globals), newWalk(m.Plan)
	for t, events := range ties(m.counted, len(m.Plan.Steps)) {
		if t > m.At {
			break
		}
		held := holds.at(t)
		before := slices.Clone(walk.latest)
		complete = walk.to(t, events, held) && t == m.At
		for i := range steps {
			if walk.latest[i] != before[i] {
				steps[i].Reached = &t
			}
			steps[i].Holds = held[i] && t == m.At
		}
	}
	return complete
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
	values := map[time.Duration][]float64{}
	for width, w := range s.windows {
		values[width] = w.to(t)
	}
	first := s.next
	for s.next < len(s.alone) && s.alone[s.next].at == t {
		s.next++
	}
	for i, step := range s.plan.Steps {
		if step.Window > 0 {
			s.out[i] = step.Condition.Holds(values[step.Window])
			continue
		}
		s.out[i] = false
		for _, e := range s.alone[first:s.next] {
			s.out[i] = s.out[i] || step.Condition.Holds(e.values(s.plan))
		}
	}
	return s.out
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
