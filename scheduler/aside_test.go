package scheduler

import (
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

// besideOthers is an engine with a rule that is grouped by an array and another
// one, and an event that is in a hundred groups of the first.
func besideOthers(t *testing.T, b Budget) (w *world, s *Scheduler, wide, other string) {
	t.Helper()
	w = newWorld(1)
	w.recent, w.budget = NewRecent(1<<30), b
	s = schedulerOf(t, w, wideRule(), counting("other"))
	for _, r := range must(s.RuleStore.Rules(t.Context())) {
		if r.Name == "other" {
			other = r.ID
		} else {
			wide = r.ID
		}
	}
	w.give(wideEvent(100))
	return w, s, wide, other
}

func (w *world) signalsOf(rule string) (n int) {
	for _, sig := range w.signals {
		if sig.RuleID == rule && !sig.Gone() {
			n++
		}
	}
	return n
}

// small sets the event of besideOthers aside, and does ten groups of it at a time.
var small = Budget{Event: 1000, Slice: 1100, Most: 1_000_000}

func TestAnEventThatIsTooMuchWorkStopsNobody(t *testing.T) {
	t.Parallel()
	w, s, wide, other := besideOthers(t, small)
	w.give(schema.Event{At: w.events[0].At, Seen: w.events[0].Seen, Source: "x"})
	s.step(t.Context())
	if n := w.signalsOf(other); n != 1 {
		t.Errorf("%d signals of the other rule, want 1", n)
	}
	if n := w.signalsOf(wide); n == 0 || n == 100 {
		t.Errorf("%d signals of the event that is set aside, want some and not all", n)
	}
	p, asides := s.Status.Progress(), s.Status.Asides()
	if p.CaughtUp || p.Through != 2 || len(asides) != 1 || asides[0].RuleID != wide || asides[0].Event != w.events[0].ID() || asides[0].Work < 100 || asides[0].Waits {
		t.Errorf("progress %+v, aside %+v", p, asides)
	}
	if got := s.described(t, wide); !strings.HasPrefix(got, "v1 0-1 aside; v1 1-2 evaluated; ") {
		t.Errorf("coverage %q", got)
	}
	drain(s)
	if n := w.signalsOf(wide); n != 100 || !s.Status.Progress().CaughtUp {
		t.Errorf("%d signals in the end, want 100; %+v", n, s.Status.Progress())
	}
	if got, want := s.described(t, wide), "v1 0-2 evaluated; noted aside 0-1; noted finished 0-1; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
}

// TestTheOtherEventsOfTheRuleGoOn: an event that is set aside does not blind the
// rule that it is set aside for.
func TestTheOtherEventsOfTheRuleGoOn(t *testing.T) {
	t.Parallel()
	w, s, wide, _ := besideOthers(t, small)
	e := wideEvent(1)
	e.Attributes = must(schema.ParseAttributes(`{"ip":"203.0.113.66"}`))
	w.give(e)
	s.step(t.Context())
	found := false
	for _, sig := range w.signals {
		found = found || sig.RuleID == wide && sig.Group[0] == "203.0.113.66"
	}
	if !found || w.signalsOf(wide) == 101 {
		t.Errorf("the attacker is found: %v, with %d signals", found, w.signalsOf(wide))
	}
}

func TestWhatIsSetAsideIsFinishedAfterARestart(t *testing.T) {
	t.Parallel()
	w, s, wide, _ := besideOthers(t, small)
	s.step(t.Context())
	if err := s.checkpoints.save(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	since := s.Status.Asides()[0].Since
	for range 3 { // whoever stops at once has it still
		s = restart(t, w)
		if asides := s.Status.Asides(); len(asides) != 1 || asides[0].Since != since || asides[0].RuleID != wide {
			t.Fatalf("aside after a restart: %+v, want since %s", asides, since)
		}
		if lag := s.Status.Progress().Lag; lag < time.Since(since.Time())-time.Second {
			t.Errorf("lag %s, want since %s", lag, since)
		}
		if err := s.checkpoints.save(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	drain(s)
	if err := s.checkpoints.save(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if s = restart(t, w); w.signalsOf(wide) != 100 || len(s.Status.Asides()) != 0 {
		t.Errorf("%d signals, %d aside", w.signalsOf(wide), len(s.Status.Asides()))
	}
}

func TestAnEventThatIsFarTooMuchWaitsUntilItIsAskedFor(t *testing.T) {
	t.Parallel()
	w, s, wide, _ := besideOthers(t, Budget{Event: 1000, Slice: 1000, Most: 5000})
	drain(s)
	if p, a := s.Status.Progress(), s.Status.Asides(); !p.CaughtUp || len(a) != 1 || !a[0].Waits || w.signalsOf(wide) != 0 {
		t.Fatalf("progress %+v, aside %+v, %d signals", p, a, w.signalsOf(wide))
	}
	if got := s.described(t, wide); !strings.HasPrefix(got, "v1 0-1 aside; ") {
		t.Errorf("coverage %q", got)
	}
	if err := s.checkpoints.save(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	s = restart(t, w)
	drain(s)
	if a := s.Status.Asides(); len(a) != 1 || !a[0].Waits {
		t.Fatalf("aside after a restart: %+v", a)
	}
	if _, err := s.Status.FinishAside("no-such-rule", ""); err == nil {
		t.Error("no error for a rule that there is not")
	}
	if n, err := s.Status.FinishAside(wide, "another"); n != 0 || err != nil {
		t.Errorf("%d found by another's id (%v)", n, err)
	}
	if n, err := s.Status.FinishAside(wide, w.events[0].ID()); n != 1 || err != nil {
		t.Errorf("%d found, want 1 (%v)", n, err)
	}
	drain(s)
	if n := w.signalsOf(wide); n != 100 || len(s.Status.Asides()) != 0 {
		t.Errorf("%d signals, want 100; aside %+v", n, s.Status.Asides())
	}
}

func TestDisablingARuleEndsWhatIsSetAsideForIt(t *testing.T) {
	t.Parallel()
	w, s, wide, _ := besideOthers(t, small)
	s.step(t.Context())
	_, err := s.RuleStore.UpdateRule(t.Context(), wide, 0, func(r *schema.Rule) error { r.IsEnabled = false; return nil })
	if err != nil {
		t.Fatal(err)
	}
	before := w.signalsOf(wide)
	drain(s)
	if len(s.Status.Asides()) != 0 || w.signalsOf(wide) != before || !s.Status.Progress().CaughtUp {
		t.Errorf("aside %+v, %d signals, then %d", s.Status.Asides(), before, w.signalsOf(wide))
	}
	if err := s.checkpoints.save(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	entries := must(worldEvaluationLog{w}.Entries(t.Context(), wide))
	if last := entries[len(entries)-1]; last.State != CoverageFinished || !strings.Contains(last.Reason, "disabled") {
		t.Errorf("the evaluation log says %+v", last)
	}
}
