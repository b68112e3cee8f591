package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"nightjar/objects"
	"nightjar/schema"
)

// triageWorld is an engine that has found one signal, of two failures in a
// minute. The rule is `a > 1 && b < 1`, so that a late event can retract it.
func triageWorld(t *testing.T) (*world, *Scheduler, string) {
	t.Helper()
	w := newWorld(1)
	rule := schema.Rule{
		ID: "aaa-bbb-ccc", Name: "n", Version: 1, IsEnabled: true,
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:a", Aggregation: "count"}, {Name: "b", Query: "source:b", Aggregation: "count"}},
		Cases:   []schema.RuleCase{{Status: "high", Condition: "a > 1 && b < 1"}},
		Options: schema.RuleOptions{EvaluationWindow: new(int64(60)), KeepAlive: new(int64(300)), MaxSignalDuration: new(int64(3600))},
	}
	body, err := json.Marshal(storedRule{Rule: rule})
	if err != nil {
		t.Fatal(err)
	}
	w.objects = []objects.Object{{Kind: kindRule, ID: rule.ID, Version: 1, Body: string(body)}}
	s := restart(t, w)
	w.happen(s, "a", 100_000, 101_000)
	if len(w.signals) != 1 {
		t.Fatalf("%d signals, want 1", len(w.signals))
	}
	for id := range w.signals {
		return w, s, id
	}
	return nil, nil, ""
}

// happen lets events of a source come in, at times in milliseconds.
func (w *world) happen(s *Scheduler, source string, at ...schema.Millis) {
	for _, t := range at {
		w.events = append(w.events, schema.Event{Seq: uint64(len(w.events) + 1), At: t, Source: source})
	}
	if w.recent != nil {
		w.recent.Add(w.events[w.stored:])
	}
	w.stored = uint64(len(w.events))
	drain(s)
}

// edit carries out edits, and is the goroutine that evaluates meanwhile.
func (s *Scheduler) edit(edits ...TriageEdit) (out []schema.Signal, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, err = s.Triage.Triage(context.Background(), edits)
	}()
	for {
		select {
		case ask := <-s.requests.asks:
			s.requests.answer(ask)
		case <-done:
			s.requests.takePosted()
			return out, err
		}
	}
}

func archive(id string) TriageEdit {
	return TriageEdit{ID: id, Edit: func(sig *schema.Signal) error {
		sig.Triage.Assignee = schema.User{UUID: "u", Name: "Ann"}
		return sig.Triage.SetState(schema.StateArchived, "false_positive", "a drill", "ada", 5)
	}}
}

// shows compares what the document of the signal says at a path.
func (w *world) shows(t *testing.T, id, path, want string) {
	t.Helper()
	p := w.whole[id]
	got := ""
	for _, l := range p.Attributes.Lookup(path) {
		got += l.Text()
	}
	if got != want {
		t.Errorf("%s: got %q, want %q", path, got, want)
	}
}

func TestTriageGoesThroughEverythingThatTheEngineDoesLater(t *testing.T) {
	t.Parallel()
	w, s, id := triageWorld(t)
	done, err := s.edit(archive(id))
	if err != nil || len(done) != 1 || done[0].Triage.Version != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	standing := func(state, reason string) {
		t.Helper()
		w.shows(t, id, "nightjar.state", state)
		w.shows(t, id, "nightjar.reason", reason)
		w.shows(t, id, "workflow.triage.state", state)
		w.shows(t, id, "workflow.triage.archiveComment", "a drill")
		w.shows(t, id, "workflow.triage.assignee.name", "Ann")
	}
	standing("archived", "false_positive")

	w.happen(s, "a", 102_000) // extends it
	standing("archived", "false_positive")
	w.shows(t, id, "nightjar.events", "3")

	s = restart(t, w)
	w.happen(s, "a", 99_500) // late: it began earlier
	standing("archived", "false_positive")
	w.shows(t, id, "nightjar.events", "4")

	w.happen(s, "b", 90_000) // and now it never was
	standing("archived", "retracted")
	if triage := w.signals[id].Triage; triage.Reason != "false_positive" || triage.Assignee.UUID != "u" {
		t.Errorf("withdrawn, it lost its triage: %+v", triage)
	}
}

func TestTriageIsAllOrNothing(t *testing.T) {
	t.Parallel()
	w, s, id := triageWorld(t)
	if _, err := s.edit(archive(id), archive("no such")); !errors.As(err, new(*schema.NotFoundError)) {
		t.Errorf("got %v", err)
	}
	w.shows(t, id, "nightjar.state", "open")
	if _, err := s.edit(archive(id)); err != nil {
		t.Fatal(err)
	}
	stale := archive(id)
	stale.IfVersion = new(uint64(0))
	if _, err := s.edit(stale); !errors.As(err, new(*schema.ConflictError)) {
		t.Errorf("got %v", err)
	}
	if v := w.signals[id].Triage.Version; v != 1 {
		t.Errorf("version %d after a refused edit, want 1", v)
	}
}

// An edit is not left waiting while there is nothing to evaluate.
func TestTriageIsCarriedOutByARunningScheduler(t *testing.T) {
	t.Parallel()
	w, s, id := triageWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	signals, err := s.Triage.Triage(t.Context(), []TriageEdit{archive(id), archive(id)})
	stop()
	if ended := <-done; err != nil || ended != nil || len(signals) != 2 {
		t.Fatalf("%v, %v, %v", signals, err, ended)
	}
	if v := w.signals[id].Triage.Version; v != 2 {
		t.Errorf("version %d, want 2", v)
	}
}
