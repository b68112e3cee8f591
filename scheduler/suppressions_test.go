package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/objects"
	"nightjar/schema"
)

// suppressed is a world with one rule, that every event of source x matches,
// each with a signal of its own per user.
type suppressed struct {
	*testing.T
	*world
	s *Scheduler
}

func newSuppressed(t *testing.T) *suppressed {
	w := newWorld(1)
	s := restart(t, w)
	rule := schema.Rule{
		Name: "seen", Type: "log_detection", IsEnabled: true, Message: "{{@usr.id}} was seen", Tags: []string{"team:red", "source:x"},
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:x", Aggregation: "count", GroupByFields: []string{"@usr.id"}}},
		Cases:   []schema.RuleCase{{Name: "one", Status: "low", Condition: "a > 0"}},
	}
	if _, err := s.RuleStore.CreateRule(context.Background(), rule); err != nil {
		t.Fatal(err)
	}
	return &suppressed{t, w, s}
}

// sees lets an event of a user arrive.
func (w *suppressed) sees(user string, minute int) {
	w.Helper()
	seq := uint64(len(w.events) + 1)
	w.world.events = append(w.world.events, schema.Event{
		Seq: seq, At: schema.Millis(minute * 60_000), Seen: schema.Millis(minute * 60_000), Source: "x", Host: "h" + user,
		Attributes: must(schema.ParseAttributes(fmt.Sprintf(`{"usr":{"id":%q},"tool":"scanner-%d"}`, user, seq))),
	})
	w.stored = seq
	drain(w.s)
}

// lines are the signals: who, how many events, and what withholds them.
func (w *suppressed) lines() []string {
	out := []string{}
	for _, sig := range standing(w.world) {
		state, reason := sig.Standing()
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %d %s %s %s", sig.Group[0], sig.Events, state, reason, sig.Suppression)))
	}
	return out
}

func (w *suppressed) want(lines ...string) {
	w.Helper()
	if diff := cmp.Diff(lines, w.lines()); diff != "" {
		w.Errorf("signals (-want +got):\n%s", diff)
	}
}

func (w *suppressed) create(p schema.Suppression) schema.Suppression {
	w.Helper()
	p.Name, p.Enabled = "s", true
	stored, err := w.s.SuppressionStore.CreateSuppression(context.Background(), p)
	if err != nil {
		w.Fatal(err)
	}
	return stored
}

func TestASuppressionWithholdsSignalsOpenedWhileItIsInForce(t *testing.T) {
	t.Parallel()
	w := newSuppressed(t)
	w.sees("before", 1)
	p := w.create(schema.Suppression{RuleQuery: "type:log_detection team:red", SuppressionQuery: `@usr.id:(during OR before) @tool:scanner*`})
	w.sees("during", 2)
	w.sees("other", 3)
	w.sees("before", 1) // the signal was out before
	if err := w.s.SuppressionStore.DeleteSuppression(context.Background(), p.ID); err != nil {
		t.Fatal(err)
	}
	w.sees("during", 2) // opened while it was in force
	w.sees("during", 4)
	want := []string{"before 2 open", "during 2 suppressed suppressed " + p.ID, "other 1 open", "during 1 open"}
	w.want(want...)
	w.s = restart(t, w.world)
	w.sees("during", 4)
	want[3] = "during 2 open"
	w.want(want...)
}

func TestAnExcludedEventIsNoInputWhileTheExclusionIsInForce(t *testing.T) {
	t.Parallel()
	w := newSuppressed(t)
	w.sees("u", 1)
	end := schema.Millis(4 * 60_000)
	p := w.create(schema.Suppression{RuleQuery: "source:x", DataExclusionQuery: "host:hu", ExpirationDate: &end})
	w.sees("u", 2)
	w.sees("v", 3)
	w.s = restart(t, w.world)
	w.sees("u", 3)
	w.sees("u", 4) // expired by then
	w.want("u 1 open", "v 1 open", "u 1 open")
	stored, err := w.s.SuppressionStore.UpdateSuppression(context.Background(), p.ID, 1, func(p *schema.Suppression) error {
		p.ExpirationDate = nil
		return nil
	})
	if err != nil || stored.Version != 2 {
		t.Fatalf("update: %v, version %d", err, stored.Version)
	}
	w.sees("u", 5)
	w.want("u 1 open", "v 1 open", "u 1 open")
	var conflict *schema.ConflictError
	if _, err := w.s.SuppressionStore.UpdateSuppression(context.Background(), p.ID, 1, func(*schema.Suppression) error { return nil }); !errors.As(err, &conflict) {
		t.Errorf("a change of an old version: %v, want a conflict", err)
	}
}

func TestASuppressionOfOtherRulesChangesNothing(t *testing.T) {
	t.Parallel()
	w := newSuppressed(t)
	w.create(schema.Suppression{RuleQuery: "team:blue", SuppressionQuery: "*"})
	w.create(schema.Suppression{RuleQuery: "severity:critical", DataExclusionQuery: "*"})
	w.sees("u", 1)
	w.want("u 1 open")
}

func TestWhatIsWrongWithASuppressionIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	w := newSuppressed(t)
	start, end := schema.Millis(2), schema.Millis(1)
	for want, p := range map[string]schema.Suppression{
		"name: ":                     {RuleQuery: "*", SuppressionQuery: "*"},
		"rule_query: ":               {Name: "n", SuppressionQuery: "*"},
		"suppression_query: ":        {Name: "n", RuleQuery: "*"},
		"rule_query: 1:":             {Name: "n", RuleQuery: "a:(", SuppressionQuery: "*"},
		"data_exclusion_query: 1:":   {Name: "n", RuleQuery: "*", DataExclusionQuery: `"`},
		"expiration_date: a suppres": {Name: "n", RuleQuery: "*", SuppressionQuery: "*", StartDate: &start, ExpirationDate: &end},
	} {
		_, err := w.s.SuppressionStore.CreateSuppression(context.Background(), p)
		var invalid *schema.InvalidError
		if !errors.As(err, &invalid) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want it to begin with %q", p, err, want)
		}
	}
}

// TestSuppressionsOfRulesOverSignalsCountByWhatThoseSee has many more arrivals
// than signals: the numbers of the one say nothing about the other.
func TestSuppressionsOfRulesOverSignalsCountByWhatThoseSee(t *testing.T) {
	t.Parallel()
	w := newSuppressed(t)
	rules, err := w.s.RuleStore.Rules(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	over := schema.Rule{
		Name: "over", Type: "signal_correlation", IsEnabled: true,
		Queries: []schema.RuleQuery{{RuleID: rules[0].ID, Aggregation: "event_count", CorrelatedByFields: []string{"@usr.id"}}},
		Cases:   []schema.RuleCase{{Status: "high", Condition: "a > 0"}},
	}
	if _, err := w.s.RuleStore.CreateRule(context.Background(), over); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		w.world.events = append(w.world.events, schema.Event{Seq: uint64(len(w.events) + 1), Source: "other"})
	}
	w.sees("before", 1)
	p := w.create(schema.Suppression{RuleQuery: "type:signal_correlation", SuppressionQuery: "*"})
	w.sees("during", 2)
	w.s = restart(t, w.world)
	w.sees("during", 2)
	if err := w.s.SuppressionStore.DeleteSuppression(context.Background(), p.ID); err != nil {
		t.Fatal(err)
	}
	w.sees("after", 3)
	drain(w.s)
	var got []string
	for _, sig := range standing(w.world) {
		if sig.RuleID != rules[0].ID {
			got = append(got, strings.TrimSpace(sig.Group[0]+" "+sig.Suppression))
		}
	}
	if diff := cmp.Diff([]string{"before", "during " + p.ID, "after"}, got); diff != "" {
		t.Errorf("signals over signals (-want +got):\n%s", diff)
	}
}

// thenLocks are objects that have something done after a version is stored, before it is
// put into force.
type thenLocks struct {
	worldObjects
	lock func()
}

func (o thenLocks) Append(ctx context.Context, version objects.Object) error {
	err := o.worldObjects.Append(ctx, version)
	o.lock()
	return err
}

// TestASuppressionThatIsListedHasVersions asks for the versions of a suppression that is
// stored, and therefore listed, and is not in force yet.
func TestASuppressionThatIsListedHasVersions(t *testing.T) {
	t.Parallel()
	ctx, w := t.Context(), newWorld(1)
	var s *Scheduler
	deps := w.deps()
	deps.Objects = thenLocks{worldObjects{w}, func() { s.inForce.mu.Lock() }}
	s, err := New(deps)
	if err == nil {
		err = s.Load(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	created := make(chan error, 1)
	go func() {
		_, err := s.SuppressionStore.CreateSuppression(ctx, schema.Suppression{Name: "new", RuleQuery: "*", SuppressionQuery: "@usr.id:a"})
		created <- err
	}()
	var listed []schema.Suppression
	for len(listed) == 0 {
		listed, _ = s.SuppressionStore.Suppressions(ctx)
		runtime.Gosched()
	}
	read := make(chan []schema.Suppression, 1)
	go func() {
		versions, err := s.SuppressionStore.SuppressionVersions(ctx, listed[0].ID)
		if err != nil {
			t.Error(err)
		}
		read <- versions
	}()
	select {
	case versions := <-read:
		if len(versions) != 1 || versions[0].Name != "new" {
			t.Errorf("the versions are %v", versions)
		}
	case <-time.After(time.Minute):
		t.Error("its versions are not told before it is in force")
	}
	s.inForce.mu.Unlock()
	if err := <-created; err != nil {
		t.Error(err)
	}
}
