package scheduler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/oracle"
	"nightjar/schema"
)

// series are rules that look for anomalies and weeks of events in which there
// are some, which arrive up to an hour late.
func (w worlds) anomalies(users ...string) (schema.Rule, []schema.Event) {
	bucket, learn, zero, day := []int64{3600, 10800}[w.IntN(2)], []int64{6, 24, 48}[w.IntN(3)], int64(0), int64(86400)
	tolerance := []int64{1, 1, 2, 5}[w.IntN(4)]
	rule := schema.Rule{
		ID: "aaa-bbb-ccc", Name: "unusual", IsEnabled: true, Type: "log_detection",
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:x", Aggregation: w.pick("count", "count", "sum", "cardinality"), GroupByFields: []string{"@usr.id"}}},
		Cases:   []schema.RuleCase{{Status: "high", Condition: "a > 0.9999"}, {Status: "low", Condition: "a > 0.995"}},
		Options: schema.RuleOptions{
			DetectionMethod: "anomaly_detection", EvaluationWindow: &zero, KeepAlive: []*int64{&zero, &bucket}[w.IntN(2)], MaxSignalDuration: &day,
			Anomaly: &schema.AnomalyOptions{BucketDuration: &bucket, LearningDuration: &learn, DetectionTolerance: &tolerance},
		},
	}
	if w.IntN(3) == 0 {
		most := int64(9)
		rule.Options.Anomaly.LearningPeriodBaseline = &most
	}
	busy := 0
	if w.IntN(2) == 0 {
		busy = 8
		rule.Cases = slices.Insert(rule.Cases, w.IntN(3), schema.RuleCase{Status: "info", Condition: w.pick("a < 0.005", "a <= 0.002", "a < 0.0001 || a > 0.9999")})
	}
	if w.IntN(3) == 0 {
		rule.Queries[0].GroupByFields = []string{"@usr.id", "service"}
		rule.GroupSignalsBy = []string{"@usr.id"}
	}
	switch q := &rule.Queries[0]; q.Aggregation {
	case "sum":
		q.Metrics = []string{"@bytes"}
	case "cardinality":
		q.DistinctFields = []string{"host"}
	}
	var events []schema.Event
	out := map[string]int{}
	for b := range int64(10 * 86400 / 3600) {
		for _, user := range users {
			n := busy + w.IntN(3)
			if w.IntN(60) == 0 {
				n += 25
			}
			if busy > 0 && w.IntN(40) == 0 {
				out[user] = 1 + w.IntN(5) // hours without events
			}
			if out[user]--; out[user] >= 0 {
				n = 0
			}
			for range n {
				at := 1_700_000_000_000 + b*3_600_000 + w.Int64N(3_600_000)
				events = append(events, schema.Event{
					At: schema.Millis(at), Seen: schema.Millis(at + w.Int64N(3_500_000)*w.Int64N(2)), Source: "x", Service: w.pick("s1", "s2"), Host: fmt.Sprint("h", w.IntN(40)), Tags: w.tags(),
					Attributes: must(schema.ParseAttributes(fmt.Sprintf(`{"usr":{"id":%q},"bytes":%d}`, user, 1+w.IntN(3)))),
				})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b schema.Event) int { return int(a.Seen - b.Seen) })
	for i := range events {
		events[i].Seq = uint64(i + 1)
	}
	return rule, events
}

// TestNewGroupsAreJudgedByTheirPeersThroughFaults lets groups come new all the time,
// some of them with far more than the others have.
func TestNewGroupsAreJudgedByTheirPeersThroughFaults(t *testing.T) {
	t.Parallel()
	found, bursts := 0, 0
	for seed := range uint64(6) {
		g := worlds{rand.New(rand.NewPCG(seed, 4))}
		rule, events := g.anomalies("u1", "u2", "u3", "u4", "u5")
		yes, learn := true, []int64{6, 12, 24}[g.IntN(3)]
		rule.Options.Anomaly.PeerBaseline, rule.Options.Anomaly.LearningDuration, rule.Options.Anomaly.LearningPeriodBaseline = &yes, &learn, nil
		for n := range 60 {
			at := 1_700_000_000_000 + g.Int64N(10*dayMillis)
			count := 1 + g.IntN(8)
			if g.IntN(10) == 0 {
				count += 60
			}
			for range count {
				at += g.Int64N(20_000)
				events = append(events, schema.Event{
					At: schema.Millis(at), Seen: schema.Millis(at + g.Int64N(3_500_000)*g.Int64N(2)), Source: "x", Service: "s1", Host: fmt.Sprint("h", g.IntN(400)),
					Attributes: must(schema.ParseAttributes(fmt.Sprintf(`{"usr":{"id":"new%d"},"bytes":%d}`, n, 1+g.IntN(3)))),
				})
			}
		}
		slices.SortStableFunc(events, func(a, b schema.Event) int { return int(a.Seen - b.Seen) })
		for i := range events {
			events[i].Seq = uint64(i + 1)
		}
		compiled, _, err := compiler.Compile(rule)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		plan := compiled.Bind()
		w := newWorld(seed)
		w.lateness, w.until = time.Hour, schema.Millis(oracle.Newest(events))
		w.run(t, seed, []schema.Rule{rule}, events, 0.1*float64(seed%2))
		mustAgree(t, w, plan, events)
		if seed%4 == 0 { // it is slow
			agreesWithOracle(t, rule, plan, events, w.until)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, rule.Options)
		}
		for _, sig := range standing(w) {
			if strings.HasPrefix(sig.Group[0], "new") {
				found++
				if sig.Events > 20 {
					bursts++
				}
			}
		}
	}
	t.Logf("%d signals of new groups, %d of bursts", found, bursts)
	if found < 20 || bursts < 3 {
		t.Errorf("%d signals of new groups were found, %d of bursts: too little happens", found, bursts)
	}
}

// TestAnomaliesAreThoseOfReplayThroughFaults lets models settle, be stored and
// be read again, on the way.
func TestAnomaliesAreThoseOfReplayThroughFaults(t *testing.T) {
	t.Parallel()
	var found, settled, low atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(24) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				w, plan := anomaliesAreThoseOfReplay(t, seed)
				for _, sig := range standing(w) {
					if plan.Cases[sig.Case].Low {
						low.Add(1)
					}
				}
				found.Add(int64(len(standing(w))))
				settled.Add(int64(len(w.models)))
			})
		}
	})
	t.Logf("%d signals, %d on the low side, the models of %d rules stored", found.Load(), low.Load(), settled.Load())
	if found.Load() < 100 || settled.Load() < 3 || low.Load() < 10 {
		t.Errorf("%d signals were found, %d on the low side, and the models of %d rules stored: too little happens", found.Load(), low.Load(), settled.Load())
	}
}

// anomaliesAreThoseOfReplay evaluates the rule and the events of a seed as they arrive, and
// returns what is left.
func anomaliesAreThoseOfReplay(t *testing.T, seed uint64) (*world, *compiler.BoundPlan) {
	t.Helper()
	g := worlds{rand.New(rand.NewPCG(seed, 3))}
	rule, events := g.anomalies("u1", "u2")
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	w := newWorld(seed)
	w.lateness = time.Hour
	w.until = schema.Millis(oracle.Newest(events)) + schema.Millis(g.Int64N(2*dayMillis))
	w.run(t, seed, []schema.Rule{rule}, events, 0.1*float64(seed%2))
	mustAgree(t, w, plan, events)
	if seed%3 == 0 { // it is slow
		agreesWithOracle(t, rule, plan, events, w.until)
	}
	if t.Failed() {
		t.Fatalf("budget %v: %+v", w.budget, rule.Options)
	}
	return w, plan
}

func agreesWithOracle(t *testing.T, rule schema.Rule, plan *compiler.BoundPlan, events []schema.Event, until schema.Millis) {
	t.Helper()
	want := wanted(oracle.Signals(rule, events, oracle.Given{Horizon: int64(until), Meanings: meanings}))
	if diff := differ(want, outline(plan, backtested(t, plan, events, detect.Over(detect.Always, until)))); diff != "" {
		t.Errorf("replay differs from the oracle (-want +got), horizon %d:\n%s", until, diff)
	}
}
