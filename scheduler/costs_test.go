package scheduler

import (
	"testing"
	"time"

	"nightjar/schema"
)

// TestADearRuleFallsBehindByItself has a clock by which a rule costs twice as much as
// another, and more than a rule may that is evaluated with others.
func TestADearRuleFallsBehindByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	w.recent, w.budget = NewRecent(1<<30), Budget{Slice: 1000, Match: 1500 * time.Microsecond}
	s := schedulerOf(t, w, wideRule(), counting("other"))
	now := int64(0)
	s.deps.CPU = func() int64 { now += int64(time.Millisecond); return now }
	later := schema.Millis(0)
	burst := func() {
		for range 3000 {
			e := wideEvent(1)
			e.At, e.Seen = e.At+later, e.Seen+later
			w.give(e)
		}
		w.give(schema.Event{At: w.events[0].At + later, Seen: w.events[0].Seen + later, Source: "x"})
	}
	burst()
	s.step(t.Context())
	costs := s.Status.Costs()
	if len(costs) != 2 || !costs[0].Dear || !costs[0].Alone || costs[1].Alone || costs[0].CPU <= costs[1].CPU {
		t.Fatalf("costs %+v", costs)
	}
	burst()
	s.step(t.Context())
	if costs = s.Status.Costs(); costs[0].Behind == 0 || costs[1].Behind != 0 {
		t.Errorf("the dear rule is %d arrivals behind, the other %d", costs[0].Behind, costs[1].Behind)
	}
	if p := s.Status.Progress(); p.CaughtUp || p.Through != costs[0].Through {
		t.Errorf("progress %+v beside %+v", p, costs[0])
	}
	drain(s)
	if costs = s.Status.Costs(); costs[0].Behind != 0 || !costs[0].Alone || costs[0].Matches != 6000 || s.signalEvents(w) != 2 {
		t.Errorf("in the end %+v, %d events of the other", costs[0], s.signalEvents(w))
	}
	s.deps.CPU = func() int64 { return 0 } // it is dear no more
	s.inForce.plans.forget()
	for n := 0; n < 60 && (costs[0].Alone || costs[1].Alone); n++ {
		later += 24 * hour // no window holds those from before
		burst()
		drain(s)
		costs = s.Status.Costs()
	}
	if costs[0].Alone || costs[1].Alone {
		t.Errorf("a rule that is cheap again is still evaluated by itself: %+v", costs)
	}
}

// TestWaitingCostsARuleNothing has a processor that does nothing, whatever the clock
// on the wall says.
func TestWaitingCostsARuleNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	w.recent = NewRecent(1 << 30)
	s := schedulerOf(t, w, wideRule())
	s.deps.CPU = func() int64 { return 0 }
	for range 3000 {
		w.give(wideEvent(5))
	}
	drain(s)
	if costs := s.Status.Costs(); len(costs) != 1 || !costs[0].CPUKnown || costs[0].CPU != 0 || costs[0].Matches != 3000 {
		t.Errorf("costs %+v", costs)
	}
}

// TestNewRulesJoinATurnAndSeeNothingFromBefore makes rules between the events of one turn, all
// of which are evaluated in it.
func TestNewRulesJoinATurnAndSeeNothingFromBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	w.recent = NewRecent(1 << 30)
	s := schedulerOf(t, w, counting("first"))
	for i := range 5 {
		w.give(schema.Event{At: 1_700_000_000_000, Seen: 1_700_000_000_000, Source: "x"})
		if _, err := s.RuleStore.CreateRule(t.Context(), counting("later")); err != nil {
			t.Fatal(i, err)
		}
	}
	w.give(schema.Event{At: 1_700_000_000_000, Seen: 1_700_000_000_000, Source: "x"})
	s.step(t.Context())
	if p := s.Status.Progress(); !p.CaughtUp {
		t.Errorf("after one turn: %+v", p)
	}
	events := map[uint64]int{}
	for _, sig := range w.signals {
		events[sig.Events]++
	}
	for n := uint64(1); n <= 6; n++ {
		if events[n] != 1 {
			t.Errorf("signals by how many events they have: %v; want one of each number up to six", events)
			break
		}
	}
}
