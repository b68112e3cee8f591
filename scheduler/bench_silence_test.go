package scheduler

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// BenchmarkSilence rule runs a million groups over a window of an hour, at 1,000
// events a second, for an hour and more of event time: what an event costs, and
// what is held, for a rule that waits for nothing, for one that misses groups, and
// for one that misses what must not follow. Then every group falls silent within
// the seconds in which it was heard last, and all is told (`told-s`, with a store
// that takes no time).
func BenchmarkSilence(b *testing.B) {
	for _, c := range []struct{ name, condition string }{
		{"nothing", "a > 1000000"},
		{"silence", "a < 1"},
		{"absence", "a > 0 then not b > 0"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				benchSilence(b, c.condition)
			}
		})
	}
}

const (
	silentGroups  = 1_000_000
	silentRate    = 1000 // events a second
	silentSeconds = 3700 // that are measured
)

func benchSilence(b *testing.B, condition string) {
	before := heapAlloc()
	w := newWorld(1)
	w.recent = NewRecent(16 << 20)
	told := 0
	s := silenceScheduler(b, w, condition, &told)
	at := schema.Millis(1_700_000_000_000)
	w.clock = at.Time()
	pass := func(d time.Duration) { // awake
		for ; d > 0; d -= lookEvery {
			w.clock, w.mono = w.clock.Add(lookEvery), w.mono+lookEvery
			s.attention.prove(w.mono)
		}
	}
	n, spent := 0, time.Duration(0)
	second := func(events int) {
		batch := make([]schema.Event, events)
		for i := range batch {
			batch[i] = benchEvent(w.stored+uint64(i)+1, at+schema.Millis(i*1000/events), n%silentGroups)
			n++
		}
		w.recent.Add(batch)
		w.stored += uint64(events)
		began := cpuTime()
		for s.step(b.Context()) || s.silenceWatch.judge(b.Context()) {
		}
		spent += cpuTime() - began
		s.evaluator.unstored.matches, s.inForce.evaluationLog.entries = nil, nil
		at += 1000
		pass(time.Second)
	}
	for n < silentGroups { // all are heard of within a minute
		second(silentGroups / 60)
	}
	n, spent = 0, 0
	for range silentSeconds {
		second(silentRate)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/event")
	b.ReportMetric(float64(spent.Microseconds())/silentSeconds/1e6, "cores")
	b.ReportMetric(float64(heapAlloc()-before)/(1<<20), "MB")
	if condition == "a > 1000000" {
		return
	}
	for n = 0; n < silentGroups; {
		second(silentGroups / 60)
	}
	spent = 0
	told = 0
	for last := at; w.clock.Before(last.Time().Add(time.Hour + DefaultSilenceDelay + time.Second)); {
		pass(time.Second)
		began := cpuTime()
		for s.step(b.Context()) || s.silenceWatch.judge(b.Context()) {
		}
		spent += cpuTime() - began
	}
	b.ReportMetric(spent.Seconds(), "told-s")
	if told < silentGroups {
		b.Fatalf("%d groups were told of, want all %d", told, silentGroups)
	}
	runtime.KeepAlive(s)
}

func silenceScheduler(b *testing.B, w *world, condition string, told *int) *Scheduler {
	b.Helper()
	hour, day := int64(3600), int64(86400)
	deps := w.deps()
	deps.MaxCached = 10_000_000 // all of the hour and of the last minute
	deps.Events, deps.Windows, deps.Signals = goneEvents{worldEvents{w}}, withoutMatches{worldWindows{w}}, countedSignals{worldSignals{w}, told}
	s, err := New(deps)
	if err == nil {
		err = s.Load(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	rule := schema.Rule{
		Name: condition, IsEnabled: true,
		Queries: []schema.RuleQuery{
			{Name: "a", Query: "source:auth @evt.outcome:failure", GroupByFields: []string{"@network.client.ip"}},
			{Name: "b", Query: "source:auth @evt.outcome:success", GroupByFields: []string{"@network.client.ip"}},
		},
		Cases:   []schema.RuleCase{{Status: "low", Condition: condition}},
		Options: schema.RuleOptions{EvaluationWindow: &hour, KeepAlive: &hour, MaxSignalDuration: &day},
	}
	if _, err := s.RuleStore.CreateRule(b.Context(), rule); err != nil {
		b.Fatal(err)
	}
	return s
}

// goneEvents has let go of every event.
type goneEvents struct{ worldEvents }

func (goneEvents) Fetch(context.Context, []compiler.Match) ([]schema.Event, error) { return nil, nil }

// withoutMatches keeps no matches: those that are asked for are in memory.
type withoutMatches struct{ worldWindows }

func (withoutMatches) Append(context.Context, []StoredMatch) error { return nil }

// countedSignals counts the signals that are published, and keeps none.
type countedSignals struct {
	worldSignals
	n *int
}

func (c countedSignals) Publish(_ context.Context, list []Published) error {
	*c.n += len(list)
	return nil
}

// cpuTime is what this process has used of processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
