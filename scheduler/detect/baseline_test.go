package detect

import (
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// TestBucketsBefore1970AreBuckets counts events of clocks that are far behind.
func TestBucketsBefore1970AreBuckets(t *testing.T) {
	compiled, _, err := compiler.Compile(schema.Rule{
		Name: "r", Queries: []schema.RuleQuery{{Query: "*", Aggregation: "count"}}, Cases: []schema.RuleCase{{Status: "low", Condition: "a > 0.995"}},
		Options: schema.RuleOptions{DetectionMethod: "anomaly_detection"},
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := compiled.Bind()
	bl := NewBaseline(plan, 0)
	for _, at := range []schema.Millis{-1, -600_000, -299_999, 0, -2} {
		bl.Count(&compiler.Match{At: at})
	}
	s := bl.of(0, nil)
	if got := []float64{s.value(-2), s.value(-1), s.value(0)}; got[0] != 1 || got[1] != 3 || got[2] != 1 {
		t.Errorf("buckets −2, −1 and 0 hold %v, want 1, 3 and 1", got)
	}
}
