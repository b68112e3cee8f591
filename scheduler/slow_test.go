package scheduler

import (
	"fmt"
	"testing"

	"nightjar/schema"
)

// TestARuleThatIsTooMuchWorkIsEvaluatedByItself: four hundred events, each in a
// group of its own, are more than a turn holds that a rule shares with another.
func TestARuleThatIsTooMuchWorkIsEvaluatedByItself(t *testing.T) {
	t.Parallel()
	const n = 400
	w := newWorld(1)
	w.recent, w.budget = NewRecent(1<<30), Budget{Event: 6000, Slice: 1000}
	s := schedulerOf(t, w, wideRule(), counting("other"))
	flood := func() {
		for range n {
			e := wideEvent(1)
			e.Attributes = must(schema.ParseAttributes(fmt.Sprintf(`{"ip":"203.0.%d"}`, len(w.events))))
			w.give(e)
		}
		w.give(schema.Event{At: w.events[0].At, Seen: w.events[0].Seen, Source: "x"})
	}
	found := func() (wide, other int) {
		for _, sig := range w.signals {
			if len(sig.Group) > 0 {
				wide++
			} else {
				other++
			}
		}
		return wide, other
	}
	flood()
	s.step(t.Context())
	if wide, other := found(); other != 1 || wide == n {
		t.Errorf("%d signals of the other rule, %d of the flood", other, wide)
	}
	if p := s.Status.Progress(); p.CaughtUp || p.Through > n {
		t.Errorf("progress %+v", p)
	}
	for range 3 {
		s.step(t.Context())
	}
	flood() // while it is behind
	s.step(t.Context())
	if _, other := found(); other != 1 || s.signalEvents(w) != 2 {
		t.Errorf("the other rule stands still: %d signals of %d events", other, s.signalEvents(w))
	}
	drain(s)
	if wide, _ := found(); wide != 2*n || !s.Status.Progress().CaughtUp {
		t.Errorf("%d signals, want %d; %+v", wide, 2*n, s.Status.Progress())
	}
	for _, watch := range s.inForce.runs {
		if watch.slow {
			t.Error("the rule has caught up and is still evaluated by itself")
		}
	}
}

// signalEvents is how many events the one signal without a group has.
func (s *Scheduler) signalEvents(w *world) (n uint64) {
	for _, sig := range w.signals {
		if len(sig.Group) == 0 {
			n = sig.Events
		}
	}
	return n
}
