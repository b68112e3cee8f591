package scheduler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// series are rules that look for anomalies and weeks of events in which there
// are some, which arrive up to an hour late.
func (w worlds) anomalies() (schema.Rule, []schema.Event) {
	bucket, learn, zero, day := []int64{3600, 10800}[w.IntN(2)], []int64{6, 24, 48}[w.IntN(3)], int64(0), int64(86400)
	rule := schema.Rule{
		ID: "aaa-bbb-ccc", Name: "unusual", IsEnabled: true, Type: "log_detection",
		Queries: []schema.RuleQuery{{Name: "a", Query: "source:x", Aggregation: w.pick("count", "count", "sum", "cardinality"), GroupByFields: []string{"@usr.id"}}},
		Cases:   []schema.RuleCase{{Status: "high", Condition: "a > 0.9999"}, {Status: "low", Condition: "a > 0.995"}},
		Options: schema.RuleOptions{
			DetectionMethod: "anomaly_detection", EvaluationWindow: &zero, KeepAlive: []*int64{&zero, &bucket}[w.IntN(2)], MaxSignalDuration: &day,
			Anomaly: &schema.AnomalyOptions{BucketDuration: &bucket, LearningDuration: &learn},
		},
	}
	if w.IntN(3) == 0 {
		most := int64(9)
		rule.Options.Anomaly.LearningPeriodBaseline = &most
	}
	switch q := &rule.Queries[0]; q.Aggregation {
	case "sum":
		q.Metrics = []string{"@bytes"}
	case "cardinality":
		q.DistinctFields = []string{"host"}
	}
	var events []schema.Event
	for b := range int64(10 * 86400 / 3600) {
		for _, user := range []string{"u1", "u2"} {
			n := w.IntN(3)
			if w.IntN(60) == 0 {
				n += 25
			}
			for range n {
				at := 1_700_000_000_000 + b*3_600_000 + w.Int64N(3_600_000)
				events = append(events, schema.Event{
					At: schema.Millis(at), Seen: schema.Millis(at + w.Int64N(3_500_000)*w.Int64N(2)), Source: "x", Host: fmt.Sprint("h", w.IntN(40)),
					Attributes: must(schema.ParseAttributes(fmt.Sprintf(`{"usr":{"id":%q},"bytes":%d}`, user, 1+w.IntN(3)))),
				})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b schema.Event) int { return int(a.Seen - b.Seen) })
	return rule, events
}

// TestAnomaliesAreThoseOfReplayThroughFaults lets models settle, be stored and
// be read again, on the way.
func TestAnomaliesAreThoseOfReplayThroughFaults(t *testing.T) {
	found, settled := 0, 0
	for seed := range uint64(24) {
		g := worlds{rand.New(rand.NewPCG(seed, 3))}
		rule, events := g.anomalies()
		plan, _, err := compiler.Compile(rule)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w := newWorld(seed)
		w.lateness = time.Hour
		w.run(t, seed, []schema.Rule{rule}, events, 0.1*float64(seed%2))
		mustAgree(t, w, plan, events)
		if t.Failed() {
			t.Fatalf("seed %d budget %v: %+v", seed, w.budget, rule.Options)
		}
		found += len(standing(w))
		settled += len(w.models)
	}
	if found < 100 || settled < 4 {
		t.Errorf("%d signals were found, and the models of %d rules stored: too little happens", found, settled)
	}
}

// TestBucketsBefore1970AreBuckets counts events of clocks that are far behind.
func TestBucketsBefore1970AreBuckets(t *testing.T) {
	plan, _, err := compiler.Compile(schema.Rule{
		Name: "r", Queries: []schema.RuleQuery{{Query: "*", Aggregation: "count"}}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0.995"}},
		Options: schema.RuleOptions{DetectionMethod: "anomaly_detection"},
	})
	if err != nil {
		t.Fatal(err)
	}
	u := newUsual(plan)
	for _, at := range []schema.Millis{-1, -600_000, -299_999, 0, -2} {
		u.count(&compiler.Match{At: at})
	}
	s := u.of(0, nil)
	if got := []float64{s.value(-2), s.value(-1), s.value(0)}; got[0] != 1 || got[1] != 3 || got[2] != 1 {
		t.Errorf("buckets −2, −1 and 0 hold %v, want 1, 3 and 1", got)
	}
}
