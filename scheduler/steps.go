package scheduler

import (
	"math"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// stepHits finds the moments at which a sequence is complete: its last step
// holds, and the steps before it held at earlier moments, in order and near
// enough. Every moment of the group is a candidate for every step.
func stepHits(plan *compiler.Plan, group, globals []compiler.Match, from schema.Millis) []hit {
	holds := newStepper(plan, group, globals)
	walk := newWalk(plan)
	var out []hit
	for t := range moments(group) {
		if walk.to(t, holds.at(t)) && t >= from {
			out = append(out, hit{t, 0})
		}
	}
	return out
}

// stepper tells which steps hold at a moment, each over a window of its own.
type stepper struct {
	plan    *compiler.Plan
	windows map[time.Duration]*slider
	alone   []oneEvent // by time; when a step has window 0
	next    int
	out     []bool
}

func newStepper(plan *compiler.Plan, group, globals []compiler.Match) *stepper {
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
	plan   *compiler.Plan
	whole  schema.Millis   // the window of all; 0 where each step has its own
	latest []schema.Millis // per step: the latest moment reached, or the latest beginning
}

// nowhere is before any moment that a sequence could go on from.
const nowhere = schema.Millis(math.MinInt64 / 4)

func newWalk(plan *compiler.Plan) *walk {
	w := &walk{plan: plan, latest: make([]schema.Millis, len(plan.Steps))}
	for i := range w.latest {
		w.latest[i] = nowhere
	}
	if plan.Then() {
		w.whole = schema.Millis(plan.Window.Milliseconds())
	}
	return w
}

// to moves to a moment, at which these steps hold, and tells whether the last
// step is reached there. What is reached at a moment counts from the next on.
func (w *walk) to(t schema.Millis, holds []bool) (complete bool) {
	for i := len(holds) - 1; i >= 0; i-- {
		if !holds[i] {
			continue
		}
		reached := t
		switch {
		case i == 0:
		case w.whole > 0:
			if reached = w.latest[i-1]; reached <= t-w.whole {
				continue
			}
		default:
			if t-w.latest[i-1] > schema.Millis(w.plan.Steps[i].Within.Milliseconds()) {
				continue
			}
		}
		w.latest[i] = max(w.latest[i], reached)
		complete = complete || i == len(holds)-1
	}
	return complete
}
