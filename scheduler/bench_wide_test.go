package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/schema"
)

// BenchmarkWideEvent evaluates one event that is in so many groups of a rule, each
// of which is a signal.
func BenchmarkWideEvent(b *testing.B) {
	for _, n := range []int{250, 1000, 2000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				w := newWorld(1)
				w.recent = NewRecent(1 << 30)
				s := schedulerOf(b, w, wideRule())
				w.give(wideEvent(n))
				b.StartTimer()
				for s.step(b.Context()) {
				}
				if len(w.signals) != n {
					b.Fatalf("%d signals, want %d", len(w.signals), n)
				}
			}
		})
	}
}

func schedulerOf(t testing.TB, w *world, rules ...schema.Rule) *Scheduler {
	t.Helper()
	s, err := New(w.deps())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		if _, err := s.RuleStore.CreateRule(t.Context(), rule); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// give lets events arrive and be stored.
func (w *world) give(events ...schema.Event) {
	for i := range events {
		events[i].Seq = uint64(len(w.events) + 1)
		w.events = append(w.events, events[i])
	}
	if w.recent != nil {
		w.recent.Add(w.events[w.stored:])
	}
	w.stored = uint64(len(w.events))
}

func wideRule() schema.Rule {
	window, day := int64(300), int64(86400)
	return schema.Rule{
		Name: "wide", IsEnabled: true,
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:wide", Aggregation: "count", GroupByFields: []string{"@ip"}}},
		Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
		Options: schema.RuleOptions{EvaluationWindow: &window, KeepAlive: &window, MaxSignalDuration: &day},
	}
}

// wideEvent has so many addresses.
func wideEvent(n int) schema.Event {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("198.18.%d.%d", i>>8, i&255)
	}
	a, err := schema.ParseAttributes(`{"ip":["` + strings.Join(addresses, `","`) + `"]}`)
	if err != nil {
		panic(err)
	}
	const at = 1_700_000_000_000
	return schema.Event{At: at, Seen: at, Source: "wide", Tags: []string{"env:prod"}, Attributes: a}
}
