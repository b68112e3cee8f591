package scheduler

import (
	"fmt"
	"runtime"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// nowhereStore takes what evaluation writes and forgets it: what is measured is
// the engine's own work on events in order.
type nowhereStore struct{ *world }

func (nowhereStore) deps(w *world) Deps {
	d := w.deps()
	d.Windows, d.Signals = forgetful{worldWindows{w}}, forgetfulSignals{worldSignals{w}}
	d.Journal = worldJournal{w}
	return d
}

type forgetful struct{ worldWindows }

type forgetfulSignals struct{ worldSignals }

// BenchmarkLiveEvaluation evaluates a stream of matching events in order, one
// second of it at a time, for each aggregation. Every event is in a window of
// five minutes with 25 others of its group.
func BenchmarkLiveEvaluation(b *testing.B) {
	for _, aggregation := range []string{"count", "cardinality", "sum", "max"} {
		b.Run(aggregation, func(b *testing.B) {
			w := newWorld(1)
			w.recent = NewRecent(1 << 30)
			s, plan := benchScheduler(b, w, aggregation)
			_ = plan
			at := schema.Millis(1_700_000_000_000)
			n := 0
			b.ReportAllocs()
			b.ResetTimer()
			for n < b.N {
				size := min(4000, b.N-n)
				b.StopTimer()
				w.events = w.events[:0]
				first := w.stored
				var batch []schema.Event
				for i := range size {
					batch = append(batch, benchEvent(first+uint64(i)+1, at, (n+i)%46_000))
				}
				at += 1000
				w.recent.Add(batch)
				w.stored = first + uint64(size)
				w.matches = map[uint64][]StoredMatch{}
				s.evaluator.unstored.matches = s.evaluator.unstored.matches[:0]
				b.StartTimer()
				for s.step(b.Context()) {
				}
				n += size
			}
		})
	}
}

// BenchmarkMillionGroups holds so many live groups, with one match each, and
// reports the memory of one.
func BenchmarkMillionGroups(b *testing.B) {
	const groups = 1_000_000
	for range b.N {
		before := heapAlloc()
		w := newWorld(1)
		w.recent = NewRecent(64 << 20)
		s, _ := benchScheduler(b, w, "count")
		for i := 0; i < groups; i += 10_000 {
			var batch []schema.Event
			for j := range 10_000 {
				batch = append(batch, benchEvent(w.stored+uint64(j)+1, 1_700_000_000_000+schema.Millis(i/1000), i+j))
			}
			w.recent.Add(batch)
			w.stored += 10_000
			for s.step(b.Context()) {
			}
			s.evaluator.unstored.matches = nil
			w.events = nil
		}
		b.ReportMetric(float64(heapAlloc()-before)/(1<<20), "MB")
		b.ReportMetric(float64(heapAlloc()-before)/groups, "B/group")
		if n := s.evaluator.cache.matches; n != groups {
			b.Fatalf("%d matches are held, want %d", n, groups)
		}
		runtime.KeepAlive(s)
	}
}

func heapAlloc() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func benchScheduler(b *testing.B, w *world, aggregation string) (*Scheduler, *compiler.BoundPlan) {
	b.Helper()
	window, day := int64(300), int64(86400)
	s, err := New(nowhereStore{w}.deps(w))
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	rule := schema.Rule{
		Name: aggregation, IsEnabled: true,
		Queries: []schema.RuleQuery{{
			Name: "a", Query: "source:auth @evt.outcome:failure", Aggregation: aggregation,
			GroupByFields: []string{"@network.client.ip"}, DistinctFields: []string{"@usr.id"}, Metrics: []string{"@bytes"},
		}},
		Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 1000000"}},
		Options: schema.RuleOptions{EvaluationWindow: &window, KeepAlive: &window, MaxSignalDuration: &day},
	}
	if _, err := s.RuleStore.CreateRule(b.Context(), rule); err != nil {
		b.Fatal(err)
	}
	return s, s.inForce.runs[0].plan
}

func benchEvent(seq uint64, at schema.Millis, group int) schema.Event {
	ip := fmt.Sprintf("10.%d.%d.%d", group>>16, group>>8&255, group&255)
	a, err := schema.ParseAttributes(fmt.Sprintf(`{"evt":{"outcome":"failure"},"usr":{"id":"user-%d"},"network":{"client":{"ip":%q}},"bytes":%d}`, seq%977, ip, seq%4001))
	if err != nil {
		panic(err)
	}
	return schema.Event{Seq: seq, At: at, Seen: at, Source: "auth", Tags: []string{"env:prod"}, Attributes: a}
}
