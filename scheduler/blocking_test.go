package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"nightjar/objects/objectstest"
	"nightjar/schema"
)

// standstill is an engine with two rules, whose store of objects stands still when
// it is told to, and so does the store of signals for what is triaged. The
// goroutine of the test is the one that evaluates: it would stand still as well if
// a change held a lock while it waits for the store, or for whoever decides.
type standstill struct {
	*testing.T
	*world
	s     *Scheduler
	table *objectstest.Table
	rules map[string]string // ids by name
}

func newStandstill(t *testing.T) *standstill {
	w := &standstill{T: t, world: newWorld(1), table: &objectstest.Table{}, rules: map[string]string{}}
	w.start()
	for _, name := range []string{"changed", "other"} {
		rule, err := w.s.RuleStore.CreateRule(t.Context(), named(name))
		if err != nil {
			t.Fatal(err)
		}
		w.rules[name] = rule.Rule().ID
	}
	w.arrives("first")
	return w
}

// named is a rule that finds every event whose source is its name, each user apart.
func named(name string) schema.Rule {
	return schema.Rule{
		Name: name, Type: "log_detection", IsEnabled: true, Tags: []string{"team:" + name},
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:" + name, Aggregation: "count", GroupByFields: []string{"@usr.id"}}},
		Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
		Options: schema.RuleOptions{EvaluationWindow: new(int64(60)), KeepAlive: new(int64(300)), MaxSignalDuration: new(int64(3600))},
	}
}

func (w *standstill) start() {
	deps := w.world.deps()
	deps.Objects = w.table
	s, err := New(deps)
	if err == nil {
		err = s.Load(context.Background())
	}
	if err != nil {
		w.Fatal(err)
	}
	w.s = s
}

// arrives lets an event of a user arrive for each rule, and evaluates what can be.
func (w *standstill) arrives(user string) {
	for _, source := range []string{"changed", "other", "new"} {
		seq := uint64(len(w.events) + 1)
		w.world.events = append(w.world.events, schema.Event{
			Seq: seq, At: schema.Millis(seq) * 1000, Seen: schema.Millis(seq) * 1000, Source: source,
			Attributes: must(schema.ParseAttributes(`{"usr":{"id":"` + user + `"}}`)),
		})
	}
	w.stored = uint64(len(w.events))
	drain(w.s)
}

// found are the signals, as "rule user", those that are withheld with a minus.
func (w *standstill) found() string {
	var out []string
	for _, sig := range standing(w.world) {
		name := w.whole[sig.ID].Signal.RuleID
		for known, id := range w.rules {
			if id == name {
				name = known
			}
		}
		if sig.Suppression != "" {
			name = "-" + name
		}
		out = append(out, name+" "+sig.Group[0])
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// answers asks for all that status and the API show without the store.
func (w *standstill) answers() {
	ctx := context.Background()
	if p := w.s.Status.Progress(); p.Rules == 0 {
		w.Errorf("progress %+v", p)
	}
	w.s.Status.Costs()
	w.s.Status.Asides()
	for id, err := range map[string]error{
		"rule":         second(w.s.RuleStore.Rule(ctx, w.rules["changed"])),
		"rules":        second(w.s.RuleStore.Rules(ctx)),
		"suppressions": second(w.s.SuppressionStore.Suppressions(ctx)),
		"coverage":     second(w.s.Status.Coverage(ctx, w.rules["changed"], 0, Interval{})),
	} {
		if err != nil {
			w.Errorf("%s: %v", id, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestNothingStandsStillWithTheStore has every change of rules and suppressions
// wait for the store, and for whoever decides about it: meanwhile the other rule is
// evaluated and status answers, and the rule that is changed is evaluated up to the
// change. It goes on with the new version or, when the change fails, with the old
// one; and after a restart from nothing finds the same.
func TestNothingStandsStillWithTheStore(t *testing.T) {
	t.Parallel()
	const before = "changed first, other first, "
	changes := map[string]struct {
		prepare func(w *standstill) (id string)
		change  func(w *standstill, id string, decide func()) error
		during  string // while it is not stored
		stored  string
		failed  string
	}{
		"create rule": {
			change: func(w *standstill, _ string, _ func()) error {
				rule, err := w.s.RuleStore.CreateRule(w.Context(), named("new"))
				w.rules["new"] = rule.Rule().ID
				return err
			},
			during: "changed first, changed second, other first, other second",
			stored: "changed first, changed second, new second, other first, other second",
			failed: "changed first, changed second, other first, other second",
		},
		"update rule": {
			change: func(w *standstill, _ string, decide func()) error {
				_, err := w.s.RuleStore.UpdateRule(w.Context(), w.rules["changed"], 0, func(r *schema.Rule) error {
					decide()
					r.Queries[0].Query = "source:new"
					return nil
				})
				return err
			},
			during: before + "other second",
			stored: "changed first, changed second, other first, other second", // of the event of the other source
			failed: "changed first, changed second, other first, other second",
		},
		"delete rule": {
			change: func(w *standstill, _ string, _ func()) error {
				return w.s.RuleStore.DeleteRule(w.Context(), w.rules["changed"])
			},
			during: before + "other second",
			stored: before + "other second",
			failed: "changed first, changed second, other first, other second",
		},
		"create suppression": {
			change: func(w *standstill, _ string, _ func()) error {
				return second(w.s.SuppressionStore.CreateSuppression(w.Context(), ofChanged()))
			},
			during: before + "other second",
			stored: "-changed second, changed first, other first, other second",
			failed: "changed first, changed second, other first, other second",
		},
		"update suppression": {
			prepare: func(w *standstill) string {
				p := ofChanged()
				p.Enabled = false
				return w.suppression(p)
			},
			change: func(w *standstill, id string, decide func()) error {
				return second(w.s.SuppressionStore.UpdateSuppression(w.Context(), id, 0, func(p *schema.Suppression) error {
					decide()
					p.Enabled = true
					return nil
				}))
			},
			during: before + "other second",
			stored: "-changed second, changed first, other first, other second",
			failed: "changed first, changed second, other first, other second",
		},
		"delete suppression": {
			prepare: func(w *standstill) string { return w.suppression(ofChanged()) },
			change: func(w *standstill, id string, _ func()) error {
				return w.s.SuppressionStore.DeleteSuppression(w.Context(), id)
			},
			during: before + "other second",
			stored: "changed first, changed second, other first, other second",
			failed: "-changed second, changed first, other first, other second",
		},
	}
	for name, c := range changes {
		for _, fails := range []error{nil, errors.New("refused in the end")} {
			t.Run(name+map[bool]string{true: ", stored", false: ", failed"}[fails == nil], func(t *testing.T) {
				w := newStandstill(t)
				id := ""
				if c.prepare != nil {
					id = c.prepare(w)
				}
				w.table.Stalls, w.table.Fail = make(chan objectstest.Stall), fails
				decided, deciding := make(chan struct{}), make(chan struct{}, 1)
				done := make(chan error)
				go func() { done <- c.change(w, id, func() { deciding <- struct{}{}; <-decided }) }()
				var stall objectstest.Stall
				select {
				case <-deciding:
					w.answers()
					drain(w.s)
					close(decided)
					stall = <-w.table.Stalls
				case stall = <-w.table.Stalls:
				}
				w.arrives("second")
				w.answers()
				w.expect("while it is not stored", c.during)
				close(stall.Go)
				if err := <-done; !errors.Is(err, fails) {
					t.Fatalf("the change: %v", err)
				}
				drain(w.s)
				want := map[bool]string{true: c.stored, false: c.failed}[fails == nil]
				w.expect("afterwards", want)
				w.table.Stalls, w.table.Fail = nil, nil
				w.through = map[string]Checkpoint{} // nothing is known to have been evaluated
				w.start()
				drain(w.s)
				w.expect("after a restart", want)
			})
		}
	}
}

func (w *standstill) expect(when, want string) {
	w.Helper()
	if got := w.found(); got != want {
		w.Errorf("%s:\n%s\nwant\n%s", when, got, want)
	}
}

func ofChanged() schema.Suppression {
	return schema.Suppression{Name: "s", Enabled: true, RuleQuery: "team:changed", SuppressionQuery: "*"}
}

func (w *standstill) suppression(p schema.Suppression) string {
	w.Helper()
	stored, err := w.s.SuppressionStore.CreateSuppression(w.Context(), p)
	if err != nil {
		w.Fatal(err)
	}
	return stored.ID
}

// stalling is a store of signals that stands still before it stores a version of a
// signal that was triaged.
type stalling struct {
	Signals
	stalls chan chan struct{}
	fail   error
}

func (s stalling) Publish(ctx context.Context, signals []Published) error {
	if signals[0].Triage.Version > 0 {
		goOn := make(chan struct{})
		s.stalls <- goOn
		<-goOn
		if s.fail != nil {
			return s.fail
		}
	}
	return s.Signals.Publish(ctx, signals)
}

// TestTriageKeepsOnlyItsRuleWaiting has a triage wait for whoever decides, and then
// for the store: the other rule is evaluated meanwhile, and the rule whose signal it
// is goes on afterwards with what was published of it.
func TestTriageKeepsOnlyItsRuleWaiting(t *testing.T) {
	t.Parallel()
	for _, fails := range []error{nil, errors.New("not stored")} {
		w := newStandstill(t)
		store := stalling{w.s.deps.Signals, make(chan chan struct{}), fails}
		w.s.deps.Signals = store
		var id string
		for known, sig := range w.signals {
			if sig.RuleID == w.rules["changed"] {
				id = known
			}
		}
		deciding, decided, done := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			_, err := w.s.Triage.Triage(t.Context(), []TriageEdit{{ID: id, Edit: func(sig *schema.Signal) error {
				deciding <- struct{}{}
				<-decided
				sig.Triage.Incidents = []int64{7}
				return nil
			}}})
			done <- err
		}()
		w.s.requests.answer(<-w.s.requests.asks)
		<-deciding
		w.arrives("second")
		w.answers()
		w.expect("while somebody decides", "changed first, other first, other second")
		close(decided)
		goOn := <-store.stalls
		w.arrives("third")
		w.answers()
		w.expect("while it is not stored", "changed first, other first, other second, other third")
		if visible := w.s.Status.LastShown(); visible != 3 {
			t.Errorf("visible through revision %d, want 3: the fourth one is being stored", visible)
		}
		close(goOn)
		if err := <-done; !errors.Is(err, fails) {
			t.Fatal(err)
		}
		w.s.requests.takePosted()
		w.s.deps.Signals = store.Signals
		w.arrives("first") // which the signal that was triaged goes on with
		w.expect("afterwards", "changed first, changed second, changed third, other first, other second, other third")
		sig := w.signals[id]
		if want := map[bool]int{true: 1, false: 0}[fails == nil]; len(sig.Triage.Incidents) != want || sig.Events != 2 {
			t.Errorf("after the triage (%v): %d events, %+v", fails, sig.Events, sig.Triage)
		}
		if visible := w.s.Status.LastShown(); visible != w.s.publishing.given() {
			t.Errorf("visible through %d of %d when nothing is being stored", visible, w.s.publishing.given())
		}
	}
}

// TestAPanicBetweenTwoStepsEndsNothingElse has something panic that was asked for
// between two steps: who asked is told, and evaluation goes on.
func TestAPanicBetweenTwoStepsEndsNothingElse(t *testing.T) {
	t.Parallel()
	w := newStandstill(t)
	var log strings.Builder
	w.s.requests.log = slog.New(slog.NewTextHandler(&log, nil))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.s.Run(ctx) }()
	err := w.s.requests.between(t.Context(), func() error { panic("what nobody expected") })
	if err == nil || !strings.Contains(err.Error(), "what nobody expected") {
		t.Errorf("who asked is told %v", err)
	}
	asked := false
	if err := w.s.requests.between(t.Context(), func() error { asked = true; return nil }); err != nil || !asked {
		t.Errorf("afterwards: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "what nobody expected") {
		t.Errorf("the log says %q", log.String())
	}
}
