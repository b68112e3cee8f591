package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/objects"
	"nightjar/scheduler/detect"
	"nightjar/schema"
	"nightjar/testenv"
)

// live runs a rule over events that arrive in the given order, in random
// pieces, with faults and restarts, and returns the world that is left.
func live(t *testing.T, seed uint64, rule schema.Rule, events []schema.Event, faults float64, suppressions ...schema.Suppression) *world {
	t.Helper()
	rule.ID = "aaa-bbb-ccc"
	return liveRules(t, seed, []schema.Rule{rule}, events, faults, suppressions...)
}

func liveRules(t *testing.T, seed uint64, rules []schema.Rule, events []schema.Event, faults float64, suppressions ...schema.Suppression) *world {
	t.Helper()
	w := newWorld(seed)
	w.until = newest(events).Through
	return w.run(t, seed, rules, events, faults, suppressions...)
}

// run is liveRules in a world that was made for it.
func (w *world) run(t *testing.T, seed uint64, rules []schema.Rule, events []schema.Event, faults float64, suppressions ...schema.Suppression) *world {
	t.Helper()
	for _, rule := range rules {
		rule.IsEnabled, rule.Version = true, 1
		body, err := json.Marshal(storedRule{Rule: rule})
		if err != nil {
			t.Fatal(err)
		}
		w.objects = append(w.objects, objects.Object{Kind: kindRule, ID: rule.ID, Version: 1, Body: string(body)})
	}
	for _, p := range suppressions {
		body, err := json.Marshal(storedSuppression{Suppression: p})
		if err != nil {
			t.Fatal(err)
		}
		w.objects = append(w.objects, objects.Object{Kind: kindSuppression, ID: p.ID, Version: 1, Body: string(body)})
	}
	w.cached = []int{0, 1, 60}[seed%3]
	if w.budget == (Budget{}) { // from all events being set aside to none
		w.budget = []Budget{{}, {Event: 1, Slice: 1}, {Event: 120, Slice: 250}, {Event: 101, Slice: 1}, {}}[seed%5]
	}
	s := restart(t, w)
	w.faults = faults
	for len(events) > 0 {
		n := 1 + w.rand.IntN(min(len(events), 1+w.rand.IntN(len(events))))
		for _, e := range events[:n] {
			e.Seq = uint64(len(w.events) + 1)
			w.events = append(w.events, e)
		}
		if w.recent != nil {
			w.recent.Add(w.events[w.stored:])
		}
		w.mend(false)
		if before := w.stored; w.rand.IntN(4) == 0 {
			w.tear(before+w.rand.Uint64N(uint64(n)), uint64(len(w.events))-w.rand.Uint64N(uint64(n)))
		}
		w.stored = uint64(len(w.events))
		events = events[n:]
		w.lookAround(s)
		if w.rand.Float64() < 3*faults { // an end in the midst of it
			for range w.rand.IntN(8) {
				s.step(context.Background())
			}
			if w.rand.IntN(3) > 0 {
				_ = s.checkpoints.save(context.Background(), true)
			}
			s = restart(t, w)
		}
		if w.meanwhile != nil {
			s = w.meanwhile(s)
		}
		drain(s)
		relate(s, w)
		if seed%2 == 1 {
			_ = s.evaluator.rest(context.Background()) // a fault may be in the way
		}
		if w.rand.Float64() < faults {
			if w.rand.IntN(2) == 0 {
				s.checkpoints.save(context.Background(), true)
			}
			s = restart(t, w)
		}
	}
	w.mend(true)
	w.attend(s, w.until)
	drain(s)
	w.faults = 0
	drain(s)
	if err := s.checkpoints.save(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	drain(s) // silence that waited for gaps
	drain(s) // and what is correlated of it
	if p := s.Status.Progress(); !p.CaughtUp || p.Failing > 0 {
		t.Fatalf("not caught up at the end: %+v", p)
	}
	return w
}

// lookAround now and then lets time go by, to a moment at which much has not
// arrived that will.
func (w *world) lookAround(s *Scheduler) {
	end := w.until - schema.Millis(DefaultSilenceDelay.Milliseconds())
	if w.until == 0 || w.rand.IntN(3) > 0 {
		return
	}
	begin := w.events[0].At
	for _, e := range w.events {
		begin = min(begin, e.At)
	}
	if begin < end {
		w.attend(s, begin+schema.Millis(w.rand.Int64N(int64(end-begin))))
	}
}

// relate is an analyst who relates a signal to ever higher incidents, and notes
// what was confirmed.
func relate(s *Scheduler, w *world) {
	ids := slices.Sorted(maps.Keys(w.signals))
	if len(ids) == 0 || w.rand.IntN(2) == 0 {
		return
	}
	id := ids[w.rand.IntN(len(ids))]
	w.incident++
	incident := w.incident
	meant := w.rand // what happens to an edit is of chance apart, so that seeds stay what they were
	w.rand = rand.New(rand.NewPCG(uint64(incident), uint64(len(w.events))))
	defer func() { w.rand = meant }()
	_, err := s.edit(TriageEdit{ID: id, Edit: func(sig *schema.Signal) error {
		for range w.rand.IntN(3) { // evaluation goes on meanwhile
			s.step(context.Background())
			s.silenceWatch.judge(context.Background())
		}
		sig.Triage.Incidents = []int64{incident}
		return nil
	}})
	if err == nil {
		w.related[id] = incident
	}
}

// retryNow has everything that failed tried again at once.
func retryNow(s *Scheduler) {
	for _, w := range s.inForce.runs {
		w.retryAt, w.judgeAt = time.Time{}, time.Time{}
	}
	for _, a := range s.asides.list {
		a.retryAt = time.Time{}
	}
	for _, f := range s.fillings.byGap {
		f.retryAt = time.Time{}
	}
}

// drain runs steps until there is nothing to do, retrying failures at once.
func drain(s *Scheduler) {
	for range 10_000 {
		retryNow(s)
		if s.step(context.Background()) || s.silenceWatch.judge(context.Background()) {
			continue
		}
		if !slices.ContainsFunc(s.inForce.runs, func(w *ruleRun) bool { return w.judgeFailures > 0 }) {
			return
		}
	}
	panic("no end of steps")
}

func restart(t *testing.T, w *world) *Scheduler {
	t.Helper()
	w.recent = nil
	if w.rand.IntN(3) > 0 {
		w.recent = NewRecent(1 + w.rand.IntN(100_000))
	}
	for {
		s, err := New(w.deps())
		if err != nil {
			t.Fatal(err)
		}
		err = s.Load(context.Background())
		if err == nil {
			return s
		}
		if !errors.Is(err, errFault) { // that of a store which does not answer: it is started again
			t.Fatal(err)
		}
	}
}

// standing are the signals that were neither merged nor retracted, in the
// order of a backtest.
func standing(w *world) []schema.Signal {
	out := []schema.Signal{}
	for _, sig := range w.signals {
		if !sig.Gone() {
			out = append(out, sig)
		}
	}
	sort.Slice(out, func(i, j int) bool { return detect.SignalLess(&out[i], &out[j]) })
	return out
}

// essence is what live evaluation and backtest must agree on.
func essence(signals []schema.Signal) []string {
	out := []string{}
	for _, s := range signals {
		var samples []string
		for _, e := range schema.ReadSamples(s.Samples) {
			samples = append(samples, e.EventID)
		}
		sort.Strings(samples) // those of one moment have no order
		out = append(out, fmt.Sprintf("case %d group %q from %d to %d events %d tags %q values %q suppressed %q silence %s samples %d %q",
			s.Case, s.Group, s.FirstSeen, s.LastSeen, s.Events, s.EventTags, s.Values, s.Suppression, s.Silence.Text(), len(samples), samples))
	}
	return out
}

// mustAgree compares what live evaluation left with a replay of the same
// events, and checks what must hold on the way.
func mustAgree(t *testing.T, w *world, plan *compiler.BoundPlan, events []schema.Event) {
	t.Helper()
	var matches []compiler.Match
	for i := range events {
		e := events[i]
		e.Seq = uint64(i + 1)
		matches = append(matches, plan.Matches(&e)...)
	}
	rendered, err := ReplayRendered(plan, matches, detect.Over(detect.Always, w.until), worldEvents{w}.fetch)
	if err != nil {
		t.Fatal(err)
	}
	replayed := make([]schema.Signal, len(rendered))
	for i, p := range rendered {
		replayed[i] = p.Signal
	}
	if diff := cmp.Diff(essence(replayed), essence(standing(w))); diff != "" {
		t.Errorf("live differs from replay (-replay +live):\n%s", diff)
	}
	for id, incident := range w.related {
		p := w.whole[id]
		if len(p.Triage.Incidents) != 1 || p.Triage.Incidents[0] < incident {
			t.Errorf("signal %s was related to incident %d, and is to %v", id, incident, p.Triage.Incidents)
		} else if shown := p.Attributes.Lookup("workflow.triage.incidentIds"); len(shown) != 1 || shown[0].Text() != fmt.Sprint(p.Triage.Incidents[0]) {
			t.Errorf("signal %s shows incidents %v, and has %v", id, shown, p.Triage.Incidents)
		}
	}
	for id, versions := range w.versions {
		for i := 1; i < len(versions); i++ {
			if a, b := versions[i-1], versions[i]; a.Case != b.Case || !slices.Equal(a.Group, b.Group) {
				t.Errorf("signal %s changed what it is about: %+v, then %+v", id, a, b)
			}
		}
	}
}

func shuffled(events []schema.Event, seed uint64) []schema.Event {
	out := slices.Clone(events)
	rand.New(rand.NewPCG(seed, 2)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// TestLiveEvaluationEqualsReplayInAnyOrderAndThroughFaults has the events of the
// independent evaluator's cases: a selection, and all others where they lie.
func TestLiveEvaluationEqualsReplayInAnyOrderAndThroughFaults(t *testing.T) {
	t.Parallel()
	t.Run("selection", func(t *testing.T) { liveIsReplay(t, selectedCases(t), func(string) bool { return true }) })
	t.Run("shared", func(t *testing.T) { liveIsReplay(t, conformanceCases(t, testenv.Shared(t, "conformance")), isOther) })
}

func liveIsReplay(t *testing.T, dirs []string, wanted func(dir string) bool) {
	for n, dir := range dirs {
		if !wanted(dir) {
			continue
		}
		liveOf(t, dir, uint64(10*n), 3)
	}
}

// liveOf evaluates a case as its events arrive, as often as there are seeds.
func liveOf(t *testing.T, dir string, first, seeds uint64) {
	plan, events, _ := readCase(t, dir)
	if plan.Unsupported != "" {
		return
	}
	t.Run(caseName(dir), func(t *testing.T) {
		t.Parallel()
		until := readHorizon(t, dir, events).Through
		inOrder := slices.Clone(events)
		sort.SliceStable(inOrder, func(i, j int) bool { return inOrder[i].At < inOrder[j].At })
		for seed := first; seed < first+seeds; seed++ {
			arrived, faults := inOrder, 0.0
			if seed%10 > 0 {
				arrived = shuffled(events, seed)
			}
			if seed%10 > 1 {
				faults = 0.1
			}
			w := newWorld(seed)
			w.until = until
			rule := plan.Rule
			rule.ID = "aaa-bbb-ccc"
			mustAgree(t, w.run(t, seed, []schema.Rule{rule}, arrived, faults), plan, arrived)
		}
	})
}

// TestWhatIsKnownSurvivesFaults has values that are forgotten within a day and seen in
// any order, so that what is known of them comes apart and grows together, while every
// call fails now and then: before its effect, after it, or halfway.
func TestWhatIsKnownSurvivesFaults(t *testing.T) {
	t.Parallel()
	liveOf(t, "testdata/conformance/signals/0117", 0, 300)
}
