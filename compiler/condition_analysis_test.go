package compiler

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightjar/schema"
)

// TestConditionsSayWhatTheyNowMean warns of what can never hold and of what
// holds at silence beside, and of nothing else. Labels: a and b count, s sums, d
// counts values, and g counts for every group.
func TestConditionsSayWhatTheyNowMean(t *testing.T) {
	const never, silence, before = "never holds", "also holds when a group falls silent", "so does a case before it"
	for _, c := range []struct {
		labels, cases string // cases are separated by semicolons
		window        int64
		want          string
	}{
		{"a", "a > 3", 300, ""},
		{"a", "a < 5", 300, silence},
		{"a", "a >= 0", 300, silence},
		{"a", "a < 5 && a > 0", 300, ""},
		{"a", "a < 5", 0, ""}, // every event by itself: no silence
		{"a", "a < 1", 300, ""},
		{"a", "a == 0", 300, ""}, // silence and nothing else: that is meant
		{"a", "!(a > 0)", 300, ""},
		{"a", "a == 0", 0, never},
		{"a", "a > 1", 0, never},
		{"a", "a < 0", 300, never},
		{"a", "a > -1 && a < 0", 300, never},
		{"a", "a > 5 && a < 3", 300, never},
		{"a", "a > 5 && a < 6", 300, never}, // no whole number between
		{"a", "a == 1.5", 300, never},
		{"s", "s > 5 && s < 6", 300, ""},
		{"s", "s < 5", 300, silence},
		{"s", "s > 5 && s < 5.5 || s == -1", 0, ""},
		{"d", "d > 1", 0, ""}, // an event may have many values
		{"d", "d == 0", 300, silence},
		{"ab", "a == 0", 0, ""}, // at an event of b
		{"ab", "a == 0 && b == 0", 0, never},
		{"ab", "a > 0 && b > 0", 0, ""},
		{"ab", "a < 1", 300, silence},
		{"ab", "a < 1 && b > 0", 300, ""},
		{"ag", "g > 3", 300, "can also hold when a group falls silent"},
		{"ag", "g < 3", 300, silence},
		{"ag", "g > 3 && a > 0", 300, ""},
		{"a", "a > 5; a > 3", 300, ""},
		{"a", "a > 3; a > 5", 300, before},
		{"a", "a > 3; a <= 3", 300, silence},
		{"a", "a > 0; a == 0", 300, ""},
		{"a", "a > 0; a < 1", 0, never},
		{"a", "; a > 3", 300, before},
		{"a", "; a < 1", 300, ""}, // which the empty condition leaves to it
		{"a", "", 300, ""},
		{"ab", "a > 0 then b > 0", 300, ""},
		{"ab", "a > 0 then b < 1", 300, ""}, // then knows no silence
		{"ab", "a > 0 then b < 0", 300, never},
		{"ab", "a > 0 then b > 0", 0, "never matches"},
	} {
		_, warnings, err := Compile(analyzed(c.labels, c.window, strings.Split(c.cases, "; ")...))
		switch {
		case err != nil:
			t.Errorf("%s over %d s: %v", c.cases, c.window, err)
		case c.want == "" && len(warnings) > 0, c.want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], c.want)):
			t.Errorf("%q of %s over %d s: got %q, want %q", c.cases, c.labels, c.window, warnings, c.want)
		}
	}
}

func analyzed(labels string, window int64, cases ...string) schema.Rule {
	rule := schema.Rule{Name: "r", Type: "log_detection", Options: schema.RuleOptions{EvaluationWindow: &window}}
	for _, l := range strings.Split(labels, "") {
		q := schema.RuleQuery{Name: l, Query: "source:" + l, GroupByFields: []string{"host"}}
		switch l {
		case "s":
			q.Aggregation, q.Metrics = "sum", []string{"@n"}
		case "d":
			q.Aggregation, q.DistinctFields = "cardinality", []string{"@n"}
		case "g":
			q.GroupByFields = nil
		}
		rule.Queries = append(rule.Queries, q)
	}
	for i, text := range cases {
		rule.Cases = append(rule.Cases, schema.RuleCase{Name: fmt.Sprint(i), Status: "low", Condition: strings.TrimPrefix(text, ";")})
	}
	return rule
}

// TestStepsThatNeverHoldAreTold judges a step by its own window.
func TestStepsThatNeverHoldAreTold(t *testing.T) {
	rule, within := analyzed("ab", 300, ""), int64(60)
	rule.Options.DetectionMethod = "sequence_detection"
	for i, window := range []int64{0, 300} {
		rule.Options.Sequence = &schema.SequenceOptions{
			Steps: []schema.SequenceStep{
				{Name: "x", Condition: "a > 0", EvaluationWindow: &window},
				{Name: "y", Condition: "b > 1", EvaluationWindow: &window},
			},
			Transitions: []schema.SequenceTransition{{Parent: "x", Child: "y", EvaluationWindow: &within}},
		}
		_, warnings, err := Compile(rule)
		if err != nil || len(warnings) != 1-i || i == 0 && !strings.HasPrefix(warnings[0], "options.sequenceDetectionOptions.steps[1].condition: b > 1 never holds") {
			t.Errorf("steps over %d s: %q, %v", window, warnings, err)
		}
	}
}

// TestRulesOverSignalsRefuseSilence refuses it of new rules, and lets those that
// are stored go on without.
func TestRulesOverSignalsRefuseSilence(t *testing.T) {
	for condition, refused := range map[string]bool{
		"a > 0": false, "a > 0 || g > 1": false, "a > 0 || g < 1": true, "a < 5 && a > 0": false, "a < 5": true, "a == 0": true, "a > 0 then b < 1": false,
	} {
		rule := analyzed("abg", 300, condition)
		rule.Type = "signal_correlation"
		for i := range rule.Queries {
			rule.Queries[i].RuleID = "aaa-bbb-ccc"
		}
		_, _, err := Compile(rule)
		var invalid *schema.InvalidError
		switch {
		case refused != errors.As(err, &invalid):
			t.Errorf("%s: %v", condition, err)
		case refused && (invalid.Details[0].Target != "cases[0].condition" || !strings.Contains(invalid.Details[0].Message, "&& (a > 0 || b > 0)")):
			t.Errorf("%s: %v", condition, invalid.Details)
		}
		plan, err := CompileStored(rule)
		if err != nil || plan.HasSilencePoints() {
			t.Errorf("%s, stored: %v, with silence points %v", condition, err, plan.HasSilencePoints())
		}
	}
}

func TestSilencePointsAreOfRulesWithWindows(t *testing.T) {
	for _, c := range []struct {
		labels string
		window int64
		cases  []string
		want   bool
	}{
		{"a", 300, []string{"a > 3"}, false},
		{"a", 300, []string{"a > 3", "a < 1"}, true},
		{"a", 0, []string{"a < 1"}, false},
		{"ag", 300, []string{"g > 3"}, true},
		{"ag", 300, []string{"g > 3 && a > 1"}, false},
		{"ag", 300, []string{"g < -3 && a < 1"}, false},
		{"ab", 300, []string{"a > 0 then b < 1"}, false},
		{"a", 300, []string{""}, false},
	} {
		plan, _, err := Compile(analyzed(c.labels, c.window, c.cases...))
		if err != nil || plan.HasSilencePoints() != c.want {
			t.Errorf("%q of %s over %d s: %v, %v, want %v", c.cases, c.labels, c.window, plan.HasSilencePoints(), err, c.want)
		}
	}
}

// TestPossibleIsWhatTryingEverythingFinds makes conditions over small numbers,
// and tries all small values of the labels.
func TestPossibleIsWhatTryingEverythingFinds(t *testing.T) {
	labels := []Label{{Name: "a"}, {Name: "b"}, {Name: "s", Aggregation: AggSum}}
	rapid.Check(t, func(r *rapid.T) {
		node := drawCondition(r, 3)
		want := false
		for a := range 8 {
			for b := range 8 {
				for s := -8; s <= 8; s++ { // in halves
					want = want || node.Holds([]float64{float64(a), float64(b), float64(s) / 2})
				}
			}
		}
		if got := (&analysis{labels: labels}).possible(node); got != want {
			r.Errorf("%s: possible %v, and trying finds %v", node, got, want)
		}
	})
}

func drawCondition(r *rapid.T, depth int) CondNode {
	kind := rapid.IntRange(0, 3).Draw(r, "kind")
	if depth == 0 {
		kind = 0
	}
	switch kind {
	case 1:
		return CondAnd{drawCondition(r, depth-1), drawCondition(r, depth-1)}
	case 2:
		return CondOr{drawCondition(r, depth-1), drawCondition(r, depth-1)}
	case 3:
		return CondNot{drawCondition(r, depth-1)}
	}
	label := rapid.IntRange(0, 2).Draw(r, "label")
	return CondCompare{
		Label: label, Name: string("abs"[label]), Op: rapid.SampledFrom(slices.Sorted(maps.Keys(mirrored))).Draw(r, "op"),
		Number: float64(rapid.IntRange(-2, 3).Draw(r, "number")),
	}
}

// TestLargeConditionsEnd has 50 labels. What cannot be decided by trying a part
// of their values counts as possible.
func TestLargeConditionsEnd(t *testing.T) {
	labels := make([]Label, MaxQueries)
	some, each := never, CondNode(CondTrue{})
	for i := range labels {
		labels[i].Name = defaultLabel(i)
		positive := CondCompare{i, labels[i].Name, ">", 0}
		some, each = CondOr{some, positive}, CondAnd{each, positive}
	}
	first, last := CondCompare{0, "a", "<", 0}, CondCompare{MaxQueries - 1, labels[MaxQueries-1].Name, "<", 0}
	for _, c := range []struct {
		node CondNode
		want bool
	}{{some, true}, {each, true}, {CondAnd{some, first}, false}, {CondAnd{some, last}, true}} {
		if got := (&analysis{labels: labels}).possible(c.node); got != c.want {
			t.Errorf("%s: possible %v, want %v", c.node, got, c.want)
		}
	}
}
