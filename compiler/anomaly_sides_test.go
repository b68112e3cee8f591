package compiler

import (
	"strings"
	"testing"

	"nightjar/schema"
)

func anomalyPlan(t *testing.T, options schema.AnomalyOptions, groupBy []string, conditions ...string) (*Plan, error) {
	t.Helper()
	rule := schema.Rule{Name: "r", Queries: []schema.RuleQuery{{Query: "*", Aggregation: "count", GroupByFields: groupBy}, {Query: "x", Aggregation: "count", GroupByFields: groupBy}}}
	for _, c := range conditions {
		rule.Cases = append(rule.Cases, schema.RuleCase{Status: "low", Condition: c})
	}
	rule.Options = schema.RuleOptions{DetectionMethod: "anomaly_detection", Anomaly: &options}
	plan, _, err := Compile(rule)
	return plan, err
}

// TestTheLowSideIsWhatIsCompared asks conditions for values that differ by side.
func TestTheLowSideIsWhatIsCompared(t *testing.T) {
	for _, c := range []struct {
		condition string
		low       bool
		high      []float64 // of a and b, and then those of the low side
		holds     bool
	}{
		{"a > 0.995", false, []float64{0.999, 0, 0.001, 1}, true},
		{"a < 0.005", true, []float64{0.9, 0, 0.001, 1}, true},
		{"a < 0.005", true, []float64{0.001, 0, 0.9, 1}, false},
		{"a <= 0.005 && b > 0.9", true, []float64{0, 0.95, 0.005, 1}, true},
		{"!(a >= 0.005)", true, []float64{0, 0, 0.9, 1}, false},
		{"!(a > 0.005 || b > 0.5)", true, []float64{0.9, 0.9, 0.001, 0.3}, true},
		{"!(a < 0.005)", false, []float64{0.001, 0, 0.9, 1}, false},
		{"!(a < 0.005)", false, []float64{0.9, 0, 0.001, 1}, true},
		{"!!(a < 0.005 && b != 1)", true, []float64{0.9, 0.4, 0.001, 1}, true},
		{"", false, []float64{0, 0, 1, 1}, true},
	} {
		plan, err := anomalyPlan(t, schema.AnomalyOptions{}, []string{"host"}, c.condition)
		if err != nil {
			t.Fatalf("%s: %v", c.condition, err)
		}
		k := plan.Cases[0]
		if k.Low != c.low || plan.Low() != c.low || plan.Waits() != c.low {
			t.Errorf("%s: low %v, %v, %v, want %v", c.condition, k.Low, plan.Low(), plan.Waits(), c.low)
		}
		if got := k.Sides.Holds(c.high); got != c.holds {
			t.Errorf("%s holds of %v: %v, want %v", c.condition, c.high, got, c.holds)
		}
	}
}

func TestMistakesInAnomalyRulesAreTold(t *testing.T) {
	yes, no := true, false
	if _, err := anomalyPlan(t, schema.AnomalyOptions{PeerBaseline: &yes}, nil, "a > 0.995"); err == nil || !strings.Contains(err.Error(), "peerBaseline") {
		t.Errorf("peers without groups: %v", err)
	}
	if _, err := anomalyPlan(t, schema.AnomalyOptions{}, []string{"host"}, "a > 0.995 then b > 0.995"); err == nil || !strings.Contains(err.Error(), "then") {
		t.Errorf("then between probabilities: %v", err)
	}
	for value, peers := range map[*bool]bool{nil: false, &no: false, &yes: true} {
		plan, err := anomalyPlan(t, schema.AnomalyOptions{PeerBaseline: value}, []string{"host"}, "a > 0.995")
		if err != nil || plan.Anomaly.Peers != peers {
			t.Errorf("peers of %v: %v, %v", value, plan.Anomaly.Peers, err)
		}
	}
}

// TestAStoredAnomalyRuleWithThenIsASequence: earlier versions took it as one, and it
// has no buckets that anything could be asked of.
func TestAStoredAnomalyRuleWithThenIsASequence(t *testing.T) {
	rule := schema.Rule{
		Name: "r", Queries: []schema.RuleQuery{{Query: "*", Aggregation: "count"}},
		Cases:   []schema.RuleCase{{Status: "low", Condition: "a > 0 then a > 1"}},
		Options: schema.RuleOptions{DetectionMethod: "anomaly_detection"},
	}
	plan, err := CompileStored(rule)
	if err != nil || plan.Method != schema.MethodSequenceDetection || plan.Anomaly != nil || len(plan.Steps) != 2 {
		t.Errorf("the plan: %+v, %v", plan, err)
	}
}
