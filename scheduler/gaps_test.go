package scheduler

import (
	"context"
	"fmt"
	"testing"
	"time"

	"nightjar/schema"
)

// TestAGapIsEvaluatedWhenItIsFilled: what was stored late raises its signals, the
// evaluation log and the status know of it, through a restart, and it counts once.
func TestAGapIsEvaluatedWhenItIsFilled(t *testing.T) {
	t.Parallel()
	w, s, rules := watching(t, counting("a"), counting("b"))
	w.arrive(0, 30)
	w.tear(10, 20)
	drain(s)
	id := rules[0].ID
	if got, want := s.described(t, id), "v1 0-10 evaluated; v1 10-20 missing; v1 20-30 evaluated; noted missing 10-20; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
	p := s.Status.Progress()
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
	if p := s.Status.Progress(); p.CaughtUp {
		t.Error("it is said to be evaluated before that is saved")
	}
	if got, want := s.described(t, id), "v1 0-30 evaluated; noted missing 10-20; "; got[:len("v1 0-30 evaluated; ")] != want[:len("v1 0-30 evaluated; ")] {
		t.Errorf("coverage %q, want %q", got, want)
	}
	if p := s.Status.Progress(); !p.CaughtUp || len(w.gaps) != 0 || p.Lag != 0 {
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
	t.Parallel()
	w, s, rules := watching(t, counting("a"))
	w.arrive(0, 30)
	w.tear(10, 20)
	w.gaps[0].Lost = true
	drain(s)
	if p := s.Status.Progress(); p.CaughtUp || p.Lag != 0 {
		t.Errorf("with a loss: %+v", p)
	}
	if got, want := s.described(t, rules[0].ID), "v1 0-10 evaluated; v1 10-20 lost; v1 20-30 evaluated; noted lost 10-20; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
	w.gaps[0].Accepted = true
	if p := s.Status.Progress(); !p.CaughtUp {
		t.Errorf("somebody knows of the loss: %+v", p)
	}
}

// TestAGapThatTaughtARuleStaysUntilThatIsStored: a save leaves out what a rule learned while
// groups are still to be looked at again for it. The gap must be left, too, or a crash
// would take what its events taught, and signals with it.
func TestAGapThatTaughtARuleStaysUntilThatIsStored(t *testing.T) {
	t.Parallel()
	w, s, rules := watching(t, newHosts("source"))
	w.arrive(0, 30)
	for i := range w.events {
		w.events[i].Host = fmt.Sprint("h", i)
	}
	w.tear(10, 20)
	drain(s)
	w.gaps[0].Filled = true
	if !s.fill(t.Context(), time.Now()) {
		t.Fatal("there was nothing to fill")
	}
	k := s.evaluator.seen[s.inForce.runs[0].plan.Key]
	if k == nil || s.inForce.runs[0].plan.Rule.ID != rules[0].ID {
		t.Fatal("the rule learns nothing")
	}
	k.Touch(1, []string{"a"}, 0)
	for _, pending := range []bool{true, false} {
		if !pending {
			k.Evaluated()
		}
		if err := s.checkpoints.save(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if there := len(w.gaps) > 0; there != pending {
			t.Errorf("with something to look at again %t, the gap is there: %t", pending, there)
		}
	}
}

// TestWhatAnEndedRuleHasSeenIsStoredWithWhatItFinished: a crash after the evaluation log
// says that an event which was set aside is finished, and before the checkpoint says so,
// must not take what the event taught: nobody would learn it again.
func TestWhatAnEndedRuleHasSeenIsStoredWithWhatItFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(2)
	w.budget = Budget{Event: 120, Slice: 250} // an event of two users is set aside, one of one is not
	s := restart(t, w)
	created, err := s.RuleStore.CreateRule(t.Context(), newHosts("@usr.id"))
	if err != nil {
		t.Fatal(err)
	}
	w.arrive(0, 2)
	for i, who := range []string{`["a","b"]`, `"a"`} { // a's second host is new
		w.events[i].Host = fmt.Sprint("h", i)
		w.events[i].Attributes = must(schema.ParseAttributes(`{"usr":{"id":` + who + `}}`))
	}
	if _, err := s.RuleStore.UpdateRule(t.Context(), created.Rule().ID, 0, func(r *schema.Rule) error { r.Queries[0].Query = "source:y"; return nil }); err != nil {
		t.Fatal(err)
	}
	drain(s)
	s.deps.Journal = fullJournal{s.deps.Journal}
	if err := s.checkpoints.save(t.Context(), true); err == nil {
		t.Fatal("the checkpoints were saved")
	}
	s = restart(t, w)
	if s.goOn(t.Context()); len(s.Status.Asides()) != 1 {
		t.Fatalf("%d events are set aside, want 1", len(s.Status.Asides()))
	}
	if err := s.checkpoints.save(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	s = restart(t, w)
	drain(s)
	if signals := standing(w); len(signals) != 1 {
		t.Errorf("signals %v, want that of a's second host", essence(signals))
	}
}

// newHosts looks for new hosts of each group; the first one is learned.
func newHosts(by string) schema.Rule {
	rule, none, forget := counting("a"), int64(0), int64(7)
	rule.Queries[0].Aggregation, rule.Queries[0].Metrics, rule.Queries[0].GroupByFields = "new_value", []string{"host"}, []string{by}
	rule.Cases = []schema.RuleCase{{Status: "low"}}
	rule.Options.DetectionMethod, rule.Options.EvaluationWindow = "new_value", &none
	rule.Options.NewValue = &schema.NewValueOptions{ForgetAfter: &forget, LearningDuration: &none, LearningMethod: "duration"}
	return rule
}

// fullJournal stores nothing more.
type fullJournal struct{ Journal }

func (fullJournal) Save(context.Context, map[string]Checkpoint) error { return errFault }
