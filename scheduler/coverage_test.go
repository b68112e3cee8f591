package scheduler

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// watching is a scheduler over a world, with the rules that were created.
func watching(t *testing.T, rules ...schema.Rule) (*world, *Scheduler, []schema.Rule) {
	t.Helper()
	w := newWorld(2) // without Recent: everything is found in the store
	s, err := New(w.deps())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var created []schema.Rule
	for _, r := range rules {
		c, err := s.RuleStore.CreateRule(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		created = append(created, c.Rule())
	}
	return w, s, created
}

func counting(name string) schema.Rule {
	window, day := int64(60), int64(86400)
	return schema.Rule{
		Name: name, IsEnabled: true,
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:x", Aggregation: "count"}},
		Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
		Options: schema.RuleOptions{EvaluationWindow: &window, KeepAlive: &window, MaxSignalDuration: &day},
	}
}

// arrive stores n events of a source, a minute apart from start on.
func (w *world) arrive(start time.Duration, n int) {
	for i := range n {
		at := schema.Millis(1_700_000_000_000).Add(start + time.Duration(i)*time.Minute)
		w.events = append(w.events, schema.Event{Seq: uint64(len(w.events) + 1), At: at, Seen: at, Source: "x"})
	}
	w.stored = uint64(len(w.events))
}

func (s *Scheduler) described(t *testing.T, id string) string {
	t.Helper()
	if err := s.checkpoints.save(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	c, err := s.Status.Coverage(t.Context(), id, 0, Interval{})
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, st := range c.Stretches {
		out += fmt.Sprintf("v%d %d-%d %s; ", st.Version, st.In.From, st.In.To, st.State)
	}
	for _, e := range c.Entries {
		out += fmt.Sprintf("noted %s %d-%d; ", e.State, e.In.From, e.In.To)
	}
	return out
}

func TestAFailingRuleStopsOnlyItselfAndIsCaughtUp(t *testing.T) {
	t.Parallel()
	w, s, rules := watching(t, counting("well"), counting("broken"))
	// The broken one asks something else, so that the two share no label.
	if _, err := s.RuleStore.UpdateRule(t.Context(), rules[1].ID, 0, func(r *schema.Rule) error {
		r.Queries[0].Query = "source:(x OR z)"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.broken = rules[1].ID
	w.arrive(0, 10)
	for range 5 {
		s.step(t.Context())
	}
	if n := len(standing(w)); n != 1 {
		t.Fatalf("%d signals while one rule is broken, want the other's", n)
	}
	if p := s.Status.Progress(); p.Failing != 1 || p.CaughtUp {
		t.Errorf("progress %+v, want one failing rule and not caught up", p)
	}
	if got := failingRules(s); !slices.Equal(got, []string{rules[1].ID}) {
		t.Errorf("costs tell that %v fail, want the broken one", got)
	}
	if got, want := s.described(t, rules[1].ID), "v2 0-10 failed; noted failed 0-10; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
	w.broken = ""
	w.arrive(time.Hour, 10)
	drain(s)
	if got, want := s.described(t, rules[1].ID), "v2 0-20 evaluated; noted failed 0-10; noted recovered 0-10; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
	if got := failingRules(s); len(got) > 0 {
		t.Errorf("costs tell that %v fail in the end", got)
	}
	if n := len(standing(w)); n != 4 {
		t.Errorf("%d signals in the end, want 2 of each rule", n)
	}
}

// failingRules are the rules that costs tell of as failing, each with its reason.
func failingRules(s *Scheduler) (ids []string) {
	for _, c := range s.Status.Costs() {
		if c.Failing != "" {
			ids = append(ids, c.RuleID)
		}
	}
	return ids
}

func TestCoverageKnowsVersionsLateEventsAndWhatIsNotEvaluated(t *testing.T) {
	t.Parallel()
	unbuilt := counting("unbuilt")
	unbuilt.Options.DetectionMethod = "hardcoded"
	w, s, rules := watching(t, counting("well"), unbuilt)
	w.arrive(0, 10)
	drain(s)
	w.arrive(-time.Hour, 3) // late
	drain(s)
	edit := func(enabled bool) {
		t.Helper()
		if _, err := s.RuleStore.UpdateRule(t.Context(), rules[0].ID, 0, func(r *schema.Rule) error { r.IsEnabled = enabled; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	edit(false)
	w.arrive(time.Hour, 4)
	drain(s)
	edit(true)
	w.arrive(2*time.Hour, 5)
	for id, want := range map[string]string{
		rules[0].ID: "v1 0-13 evaluated; v2 13-17 disabled; v3 17-22 pending; noted reopened 10-13; ",
		rules[1].ID: "v1 0-22 unsupported; ",
	} {
		if got := s.described(t, id); got != want {
			t.Errorf("coverage %q, want %q", got, want)
		}
	}
	drain(s)
	if err := s.checkpoints.save(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	again, err := New(w.deps())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{rules[0].ID, rules[1].ID} {
		if before, after := s.described(t, id), again.described(t, id); before != after {
			t.Errorf("coverage after a restart %q, before %q", after, before)
		}
	}
}

func TestAnEventInTooManyGroupsIsNoted(t *testing.T) {
	t.Parallel()
	rule := counting("product")
	rule.Queries[0].GroupByFields = []string{"@a", "@b"}
	w, s, rules := watching(t, rule)
	w.arrive(0, 1)
	list := "[0"
	for i := range 200 {
		list += fmt.Sprintf(",%d", i+1)
	}
	w.events[0].Attributes = must(schema.ParseAttributes(`{"a":` + list + `],"b":` + list + `]}`))
	drain(s)
	if n := len(standing(w)); n != compiler.MaxTuples {
		t.Errorf("%d signals, want %d", n, compiler.MaxTuples)
	}
	if got, want := s.described(t, rules[0].ID), "v1 0-1 evaluated; noted aside 0-1; noted capped 0-1; noted finished 0-1; "; got != want {
		t.Errorf("coverage %q, want %q", got, want)
	}
}

func TestLagIsHowLongTheOldestEventWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	w.recent = NewRecent(1 << 20)
	s := must(New(w.deps()))
	if err := s.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	rule := schema.Rule{
		Name: "r", Type: "log_detection", IsEnabled: true, Queries: []schema.RuleQuery{{Query: "*"}},
		Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
	}
	if _, err := s.RuleStore.CreateRule(context.Background(), rule); err != nil {
		t.Fatal(err)
	}
	ago := schema.MillisOf(time.Now().Add(-time.Minute))
	w.events = []schema.Event{{Seq: 1, At: ago, Seen: ago}, {Seq: 2, At: ago + 1, Seen: ago + 1}}
	w.recent.Add(w.events)
	w.stored = 2
	if lag := s.Status.Progress().Lag; lag < time.Minute || lag > 2*time.Minute {
		t.Errorf("lag %s, want about a minute", lag)
	}
	drain(s)
	if p := s.Status.Progress(); p.Lag != 0 || !p.CaughtUp {
		t.Errorf("after catching up: %+v", p)
	}
}
