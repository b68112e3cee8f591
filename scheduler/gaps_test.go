package scheduler

import (
	"testing"
	"time"
)

// TestAGapIsEvaluatedWhenItIsFilled: what was stored late raises its signals, the
// ledger and the status know of it, through a restart, and it counts once.
func TestAGapIsEvaluatedWhenItIsFilled(t *testing.T) {
	w, s, rules := watching(t, counting("a"), counting("b"))
	w.arrive(0, 30)
	w.tear(10, 20)
	drain(s)
	id := rules[0].ID
	if got, want := s.described(t, id), "v1 0-10 evaluated; v1 10-20 missing; v1 20-30 evaluated; noted missing 10-20; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
	p := s.Progress()
	if lag := time.Since(w.events[10].Seen.Time()); p.CaughtUp || p.Through != 30 || p.Lag < lag-time.Hour {
		t.Errorf("with a gap: %+v, want a lag of %s", p, lag)
	}
	if n := w.eventsOf(id); n != 20 {
		t.Errorf("%d events are in signals, want the 20 that are there", n)
	}
	for filled := range 2 {
		s = restart(t, w)
		w.gaps[0].Filled = filled > 0
		drain(s)
	}
	if n := w.eventsOf(id); n != 30 {
		t.Errorf("%d events are in signals, want 30", n)
	}
	if p := s.Progress(); p.CaughtUp {
		t.Error("it is said to be evaluated before that is saved")
	}
	if got, want := s.described(t, id), "v1 0-30 evaluated; noted missing 10-20; "; got[:len("v1 0-30 evaluated; ")] != want[:len("v1 0-30 evaluated; ")] {
		t.Errorf("coverage %q, want %q", got, want)
	}
	if p := s.Progress(); !p.CaughtUp || len(w.gaps) != 0 || p.Lag != 0 {
		t.Errorf("filled and evaluated: %+v, gaps %+v", p, w.gaps)
	}
	if got := s.described(t, id); got[len(got)-len("noted filled 10-20; "):] != "noted filled 10-20; " {
		t.Errorf("coverage %q", got)
	}
}

// eventsOf is how many events the standing signals of a rule have.
func (w *world) eventsOf(rule string) (n int) {
	for _, sig := range w.signals {
		if sig.RuleID == rule && !sig.Gone() {
			n += int(sig.Events)
		}
	}
	return n
}

// TestALossIsAGapUntilItIsAccepted: nothing waits for what will never be there.
func TestALossIsAGapUntilItIsAccepted(t *testing.T) {
	w, s, rules := watching(t, counting("a"))
	w.arrive(0, 30)
	w.tear(10, 20)
	w.gaps[0].Lost = true
	drain(s)
	if p := s.Progress(); p.CaughtUp || p.Lag != 0 {
		t.Errorf("with a loss: %+v", p)
	}
	if got, want := s.described(t, rules[0].ID), "v1 0-10 evaluated; v1 10-20 lost; v1 20-30 evaluated; noted lost 10-20; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
	w.gaps[0].Accepted = true
	if p := s.Progress(); !p.CaughtUp {
		t.Errorf("somebody knows of the loss: %+v", p)
	}
}
