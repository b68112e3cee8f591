package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// world is what is seen and stored.
type world struct {
	seen, stored map[string][]string // attributes by source
	err          error
	asked        int
}

func (w *world) HasSource(s string) bool                        { return w.seen[s] != nil }
func (w *world) HasAttribute(s, path string) bool               { return slices.Contains(w.seen[s], path) }
func (w *world) Attributes([]string) []string                   { return []string{"usr.name"} }
func (w *world) Sources() (out []string)                        { return nil }
func (w *world) Missing([]compiler.TableColumn) (none []string) { return nil }
func (w *world) StoredSources(context.Context) ([]string, error) {
	var out []string
	for s := range w.stored {
		out = append(out, s)
	}
	return out, w.err
}

func (w *world) HasEvent(_ context.Context, q *search.Query) (bool, error) {
	w.asked++
	has := false
	for source, paths := range w.stored {
		for _, path := range paths {
			e := schema.Event{Source: source}
			e.Leaves = []schema.Leaf{{Path: path, Kind: schema.KindInt}}
			has = has || q.Match(&e)
		}
	}
	return has, w.err
}

func finder(w *world) *Finder {
	var c schema.Catalogue
	for _, paths := range w.stored {
		for _, p := range paths {
			c.Add([]schema.PathShapes{{Path: p, Shapes: schema.OneString}}, false, false)
		}
	}
	c.Complete()
	return New(Deps{Catalogue: &c, Seen: w, Store: w, Tables: w, Now: time.Now})
}

func rule(t *testing.T, id, query string) schema.Rule {
	t.Helper()
	return schema.Rule{
		ID: id, Version: 1, Name: id, IsEnabled: true, Type: "log_detection", Queries: []schema.RuleQuery{{Name: "a", Query: query, Aggregation: "count"}},
		Cases:   []schema.RuleCase{{Status: "high", Condition: "a > 0"}},
		Options: schema.RuleOptions{DetectionMethod: "threshold", EvaluationWindow: new(int64(300)), KeepAlive: new(int64(300)), MaxSignalDuration: new(int64(300))},
	}
}

func look(t *testing.T, f *Finder, query string) string {
	t.Helper()
	plan, _, err := compiler.Compile(rule(t, "r", query))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(f.Look(context.Background(), plan).Warnings, "; ")
}

func TestNothingIsSaidThatIsNotKnown(t *testing.T) {
	w := &world{stored: map[string][]string{"okta": {"usr.id"}, "sshd": {"usr.name"}}}
	f := finder(w)
	for query, want := range map[string]string{
		"source:okta @usr.id:x":   "",
		"source:okta @usr.name:x": "this rule can't fire yet: no event of source:okta has @usr.name; did you mean @usr.name?",
		"@usr.name:x":             "",
		"@none:x":                 "this rule can't fire yet: no event has @none",
		"source:zeek":             "this rule can't fire yet: no event has source:zeek",
	} {
		if got := look(t, f, query); got != want && !(strings.Contains(want, "did you mean") && strings.HasPrefix(want, got) && got != "") {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	before := w.asked
	if look(t, f, "source:okta @usr.name:x"); w.asked != before {
		t.Error("what is known is asked again")
	}
	w.err = errors.New("too slow")
	if got := look(t, f, "source:sshd @usr.id:x"); got != "" {
		t.Errorf("the store does not answer, and said is %q", got)
	}
	if got := look(t, finder(&world{}), "source:zeek"); got != "" {
		t.Errorf("nothing is stored, and said is %q", got)
	}
}

func TestAPassAsksABoundedNumberOfQuestionsAndTheNextGoesOn(t *testing.T) {
	w := &world{stored: map[string][]string{"okta": {"usr.id"}}}
	var plans []*compiler.Plan
	for i := range questions + 10 {
		path := fmt.Sprintf("p%d", i)
		w.stored["sshd"] = append(w.stored["sshd"], path)
		plan, _, err := compiler.Compile(rule(t, path, "source:okta @"+path+":x"))
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, plan)
	}
	f := finder(w)
	watcher := f.Watch(func() []*compiler.Plan { return plans })
	for _, want := range []int{questions, questions + 10} {
		watcher.Pass(context.Background())
		if got := len(watcher.Idles()); got != want || w.asked > want {
			t.Errorf("%d rules can't fire after %d questions, want %d", got, w.asked, want)
		}
	}
	plans = plans[1:]
	if watcher.Pass(context.Background()); len(watcher.Idles()) != questions+9 {
		t.Errorf("one was disabled, and %d can't fire", len(watcher.Idles()))
	}
}

// TestAnAnswerThatNobodyWaitedForIsAskedForAgain: a request's time was up before the store
// answered.
func TestAnAnswerThatNobodyWaitedForIsAskedForAgain(t *testing.T) {
	w := &world{stored: map[string][]string{"sshd": {"usr.name"}, "other": {"no.such"}}}
	f := finder(w)
	plan, _, err := compiler.Compile(rule(t, "r", "source:sshd @no.such:x"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if found := f.Look(t.Context(), plan); len(found.Warnings) != 1 {
		t.Fatalf("%+v", found)
	}
	f = finder(w)
	cancel()
	w.err = context.Canceled
	f.sources.until = f.deps.Now().Add(time.Hour)
	f.sources.value = map[string]bool{"sshd": true}
	if found := f.Look(ctx, plan); len(found.Warnings) != 0 {
		t.Errorf("what is not known is told: %+v", found)
	}
	w.err = nil
	if found := f.Look(t.Context(), plan); len(found.Warnings) != 1 {
		t.Errorf("asked again there is %+v", found)
	}
}
