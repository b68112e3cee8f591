package detect

import (
	"cmp"
	"slices"
	"strconv"

	"nightjar/compiler"
	"nightjar/schema"
)

// explain follows the sequence up to the moment. What must not follow is asked for a window
// before it: then the steps were complete, and since then nothing came.
func (sequence) explain(m *Moment, s *Standing) {
	end := m.At
	if m.Plan.Absence != nil {
		end -= WindowOf(m.Plan)
	}
	f := follow(m, end)
	complete := f.complete && stayedAway(m)
	if !f.complete && end != m.At {
		f, end = follow(m, m.At), m.At
	}
	s.Steps = f.standings(m, end)
	for i, c := range m.Plan.Cases {
		s.Cases = append(s.Cases, caseStanding(i, c, "the sequence is complete", complete))
	}
}

// stayedAway reports whether what must not follow did not, up to the moment.
func stayedAway(m *Moment) bool {
	if m.Plan.Absence == nil {
		return true
	}
	found := absenceDetections(m.Plan, m.counted, m.Globals, m.At, Horizon{After: Always, Through: m.At})
	return slices.ContainsFunc(found, func(d detection) bool { return d.at == m.At })
}

// visit is a moment at which a step was reached; begun is the latest beginning of the ways
// that lead there.
type visit struct{ at, begun schema.Millis }

// followed is how a sequence went up to a moment.
type followed struct {
	visits   [][]visit // by step, in the order of time
	holds    []bool    // at the moment
	complete bool      // there
}

// follow keeps every moment at which a step was reached.
func follow(m *Moment, end schema.Millis) followed {
	n := len(m.Plan.Steps)
	out := followed{visits: make([][]visit, n), holds: make([]bool, n)}
	holds, walk := newStepper(m.Plan, m.counted, m.Globals), newWalk(m.Plan)
	for t, events := range ties(m.counted, n) {
		if t > end {
			break
		}
		held := holds.at(t)
		for i := range held { // before the walk moves on: what was reached before t counts
			if begun := walk.reach(i, t, events, held); begun > nowhere {
				out.visits[i] = append(out.visits[i], visit{t, begun})
			}
		}
		if complete := walk.to(t, events, held); t == end {
			out.complete = complete
			copy(out.holds, held)
		}
	}
	return out
}

// standings say when each step was reached, and what it came to.
func (f *followed) standings(m *Moment, end schema.Millis) []StepStanding {
	out := make([]StepStanding, len(m.Plan.Steps))
	for i, st := range m.Plan.Steps {
		out[i] = StepStanding{
			Name: StepName(st, i), Condition: st.Condition.Parts[0].String(), Holds: f.holds[i],
			Window: schema.Millis(st.Window.Milliseconds()), Within: schema.Millis(st.Within.Milliseconds()),
		}
		if n := len(f.visits[i]); n > 0 {
			out[i].Reached = &f.visits[i][n-1].at
		}
	}
	if f.complete {
		for i, at := range f.wayBack(m.Plan, end) {
			out[i].Reached = &at
		}
	}
	measureSteps(m, out, end)
	return out
}

// wayBack are moments of the steps up to the last, which is reached at the end: each is the
// earliest that the one after it allows, so that a step that goes on holding is told with
// when it began to.
func (f *followed) wayBack(plan *compiler.BoundPlan, end schema.Millis) []schema.Millis {
	out := make([]schema.Millis, len(plan.Steps))
	at := end
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = at
		if i == 0 {
			break
		}
		for _, v := range f.visits[i-1] {
			if v.at >= at {
				break // both stand at one moment
			}
			if near(plan, i, v, at, end) {
				at = v.at
				break
			}
		}
	}
	return out
}

// near reports whether step i can be reached at a moment from the step before it.
func near(plan *compiler.BoundPlan, i int, before visit, at, end schema.Millis) bool {
	if plan.Then() {
		return before.begun > end-WindowOf(plan)
	}
	return at-before.at <= schema.Millis(plan.Steps[i].Within.Milliseconds())
}

// measureSteps says what the steps came to when they were reached, and at most until the next one
// was; of a step that never was, at the end.
func measureSteps(m *Moment, steps []StepStanding, end schema.Millis) {
	holds := newStepper(m.Plan, m.counted, m.Globals)
	last := nowhere
	for t := range ties(m.counted, 1) {
		if t > end {
			break
		}
		last = t
		holds.at(t)
		for i := range steps {
			if from, to := steps[i].span(steps, i, end); t >= from && t <= to {
				steps[i].compare(m.Plan.Steps[i].Condition, holds.values(i))
			}
		}
	}
	if last != end {
		holds.at(end)
	}
	for i := range steps {
		if steps[i].Reached == nil {
			steps[i].compare(m.Plan.Steps[i].Condition, holds.values(i))
		}
	}
}

// span is from when a step was reached to when the next one was; of one that never was it is
// empty.
func (s *StepStanding) span(steps []StepStanding, i int, end schema.Millis) (from, to schema.Millis) {
	switch {
	case s.Reached == nil:
		return end + 1, end
	case i+1 < len(steps) && steps[i+1].Reached != nil && *steps[i+1].Reached >= *s.Reached:
		return *s.Reached, *steps[i+1].Reached
	}
	return *s.Reached, *s.Reached
}

// compare notes what the step's condition compares; after the first time only the highest
// values.
func (s *StepStanding) compare(c *compiler.Condition, values []float64) {
	if values == nil {
		values = make([]float64, s.labels(c))
	}
	first := len(s.Compared) == 0
	for i, compared := range c.Comparisons() {
		if first {
			s.Compared = append(s.Compared, StepComparison{Comparison: Comparison{compared, values[compared.Label], compared.Holds(values)}, Most: values[compared.Label]})
			continue
		}
		s.Compared[i].Most = max(s.Compared[i].Most, values[compared.Label])
	}
}

// labels is how many values the condition asks for.
func (*StepStanding) labels(c *compiler.Condition) (n int) {
	for _, compared := range c.Comparisons() {
		n = max(n, compared.Label+1)
	}
	return n
}

// StepName is what a step is called; of `then` its number, from 1.
func StepName(st compiler.Step, i int) string { return cmp.Or(st.Name, strconv.Itoa(i+1)) }
