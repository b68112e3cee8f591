package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"nightjar/anomaly"
	"nightjar/compiler"
	"nightjar/schema"
)

// BenchmarkLiveGroups is what 100,000 groups of an anomaly rule take in memory: five
// weeks of 5-minute buckets with a weekly season behind them, of which those of the
// last four days and six hours may still change, and an event in every one of them.
// B/group is what is live, MB what the process has of the system with GOGC=200 and a
// memory limit of 1.5 GB, as `nightjar up` sets them.
func BenchmarkLiveGroups(b *testing.B) {
	const groups = 100_000
	compiled, _, err := compiler.Compile(schema.Rule{
		Name: "r", Queries: []schema.RuleQuery{{Query: "*", Aggregation: "count", GroupByFields: []string{"host"}}},
		Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 0.995"}},
		Options: schema.RuleOptions{DetectionMethod: "anomaly_detection"},
	})
	if err != nil {
		b.Fatal(err)
	}
	plan := compiled.Bind()
	kept := int64((24*time.Hour + settled + settleEvery*time.Hour) / plan.Anomaly.Bucket)
	states, values := learnedWeeks(b, plan, kept)
	for b.Loop() {
		runtime.GC()
		before := liveBytes()
		bl := NewBaseline(plan, 0)
		for g := range groups {
			s := bl.of(0, []string{fmt.Sprintf("host-%06d.example.com", g)})
			s.base, s.head = new(anomaly.Model), new(anomaly.Model)
			if err := s.base.UnmarshalBinary(states[0]); err != nil {
				b.Fatal(err)
			}
			if err := s.head.UnmarshalBinary(states[1]); err != nil {
				b.Fatal(err)
			}
			s.begun, s.next = true, s.head.Next()/bl.width
			for i, n := range values {
				s.counts.add(s.next-kept+int64(i), n)
			}
		}
		runtime.GC()
		b.ReportMetric(float64(liveBytes()-before)/groups, "B/group")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys-m.HeapReleased)/1e6, "MB")
		runtime.KeepAlive(bl)
	}
}

func liveBytes() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// learnedWeeks are the states of a model after five weeks less what is kept, and after
// all of them, and the counts that are kept.
func learnedWeeks(b *testing.B, plan *compiler.BoundPlan, kept int64) (states [2][]byte, values []uint64) {
	r := rand.New(rand.NewPCG(1, 1))
	m, err := anomaly.New(anomaly.Config{Bucket: plan.Anomaly.Bucket, Hold: plan.MaxDuration})
	if err != nil {
		b.Fatal(err)
	}
	const weeks = 5 * 2016
	for i := range int64(weeks) {
		if i == weeks-kept {
			states[0] = mustHave(m.MarshalBinary())
		}
		mean := 20 + 15*math.Sin(2*math.Pi*float64(i)/288)
		if i/288%7 >= 5 {
			mean /= 3
		}
		x := distuv.Poisson{Lambda: mean, Src: r}.Rand() + 1
		if i >= weeks-kept {
			values = append(values, uint64(x))
		}
		if err := m.Add(1_704_067_200_000+i*plan.Anomaly.Bucket.Milliseconds(), x); err != nil {
			b.Fatal(err)
		}
	}
	states[1] = mustHave(m.MarshalBinary())
	return states, values
}
