package compiler

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/schema"
)

// TestWhatIsWrongWithARuleIsToldInFull lists every mistake of one document, each
// with its place.
func TestWhatIsWrongWithARuleIsToldInFull(t *testing.T) {
	window, keepAlive, longest := int64(1800), int64(999999), int64(1800)
	_, _, err := Compile(schema.Rule{
		Name: " ", Type: "poetry", GroupSignalsBy: []string{"@nope"},
		Scheduling: &schema.Scheduling{Start: "2026-01-01T00:00:00"},
		Filters:    []schema.RuleFilter{{Action: "drop", Query: "*"}},
		Queries: []schema.RuleQuery{
			{Name: "a", Query: "(source:x", GroupByFields: []string{"@usr.id"}},
			{Name: "a", Query: " ", Aggregation: "cardinality"},
			{Name: "7", Query: "*", Aggregation: "sum"},
		},
		Cases: []schema.RuleCase{
			{Status: "bad", Condition: "b > 1"}, {Status: "low", Condition: "3 < a"}, {Status: "low", Condition: "a > 1 then a > 2"},
		},
		Options: schema.RuleOptions{EvaluationWindow: &window, KeepAlive: &keepAlive, MaxSignalDuration: &longest},
	})
	var invalid *schema.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, want a list of what is wrong", err)
	}
	var got []string
	for _, d := range invalid.Details {
		got = append(got, d.Target+": "+strings.SplitN(d.Message, ";", 2)[0])
	}
	want := []string{
		"name: Rule name cannot be empty",
		`type: unknown rule type "poetry"`,
		"schedulingOptions.rrule: The RRULE schedule is invalid for scheduled rules",
		`filters[0].action: unknown action "drop"`,
		"queries[0].query: 1:1: this parenthesis is never closed",
		"queries[1].query: Query filter cannot be empty",
		"queries[1].distinctFields: aggregation cardinality counts distinct values: name the field",
		`queries[1].name: two queries are named "a"`,
		`queries[2].name: "7" is no label: want a letter, then letters, digits and _`,
		"queries[2].metrics: aggregation sum takes one numeric field, got 0",
		`cases[0].status: unknown status "bad"`,
		`cases[0].condition: 1:1: unknown label "b"`,
		"cases[1].condition: 1:1: the label stands before the operator: write a > 3",
		"cases[2].condition: then is for rules with a single case",
		"maxSignalDuration: Max signal duration must be greater than or equal to keep alive",
		"keepAlive: Keep alive is not in allowed durations: 0, 1, 5, 10, 15, 30, 60, 120, 180, 360 (in minutes)",
		"groupSignalsBy[0]: not among the group-by fields of any query: @nope",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}

func TestConditionsSayWhereTheyGoWrong(t *testing.T) {
	labels := []string{"a", "failed"}
	for text, want := range map[string]string{
		"a >": "1:4:", "a > 1 &": "1:7:", "(a > 1": "1:7:", "a = 1": "1:3:", "nope > 1": "1:1:", "a > 1 b": "1:7:", "a > - 1": "1:5:",
		"a > 1 then": "1:11:", "a > inf": "1:5:", strings.Repeat("(", 200) + "a": "more than 100", "a\n> x": "2:3:",
		"3 < a": "1:1: the label stands before the operator: write a > 3", "a > 1 && (-2.5 >= failed)": "1:11: the label stands before the operator: write failed <= -2.5",
		"0 != failed": "write failed != 0", "7": "write a > 7", "a > failed": "1:5: expected a number after a >, got \"failed\"; a label is compared with a number",
		"a > 0x1p4": "1:5:", "a > --1": "1:5:", "a * 2 > 3": "1:3:",
	} {
		if _, err := ParseCondition(text, labels); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error at %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"a > 1 && failed <= 2.5 || !(a == 3)": "((a > 1 && failed <= 2.5) || !a == 3)",
		"a>1||a>2&&failed!=0":                 "(a > 1 || (a > 2 && failed != 0))",
		"a>-1&&failed<=+.5||a==-1.5e-3":       "((a > -1 && failed <= 0.5) || a == -0.0015)",
	} {
		c, err := ParseCondition(text, labels)
		if err != nil || c.Parts[0].String() != want {
			t.Errorf("%q: got %v, %v, want %s", text, c, err, want)
		}
	}
}

func FuzzParseCondition(f *testing.F) {
	for _, seed := range []string{"a > 1", "a > 1 then b < 2", "!(a == 1) || b >= .5", "((((", "a > 1 && ", "a > -1e-3", "-3 < a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text, []string{"a", "b"})
		if err != nil {
			return
		}
		for _, part := range c.Parts {
			part.Holds([]float64{1, 2})
			again, err := ParseCondition(part.String(), []string{"a", "b"})
			if err != nil || again.Parts[0].String() != part.String() {
				t.Errorf("%q reads as %s, and that as %v, %v", text, part, again, err)
			}
		}
	})
}
