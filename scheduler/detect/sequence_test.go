package detect

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// TestAsManyStepsStandAtOneTimeAsThereAreEvents gives letters that come at
// seconds, "a" and "b" by the group's own queries, "g" by one that counts for
// every group, and asks at which of the seconds the sequence is complete. In
// "ab" one event matches both queries.
func TestAsManyStepsStandAtOneTimeAsThereAreEvents(t *testing.T) {
	for _, c := range []struct{ about, steps, events, want string }{
		{"two events", "a > 0 then b > 0", "0:a 0:b", "0"},
		{"one event is not two", "a > 0 then b > 0", "0:ab", ""},
		{"events are counted, not assigned", "a > 0 then b > 0", "0:ab 0:a", "0"},
		{"the same part twice", "a > 0 then a > 0", "0:a 0:a", "0"},
		{"the same part twice needs two", "a > 0 then a > 0", "0:a", ""},
		{"three parts and two events", "a > 0 then b > 0 then a > 0", "0:a 0:b", ""},
		{"three parts and three events", "a > 0 then b > 0 then a > 0", "0:a 0:b 0:b", "0"},
		{"one part before, two at once", "a > 0 then a > 0 then b > 0", "0:a 5:a 5:b", "5"},
		{"two at once before, the last later", "a > 0 then a > 0 then b > 0", "0:a 0:a 5:b", "5"},
		{"the beginning has left the window", "a > 0 then a > 0 then b > 0", "0:a 60:a 60:b", ""},
		{"the beginning is the latest possible", "a > 0 then a > 0 then b > 0", "0:a 59:a 59:a 61:b", "61"},
		{"events of other groups' queries are none", "a > 0 then b > 0", "0:ab 0:g", ""},
		{"steps: two events", "a > 0 -> b > 0", "0:a 0:b", "0"},
		{"steps: one event is not two", "a > 0 -> b > 0", "0:ab", ""},
		{"steps: three and two events", "a > 0 -> b > 0 -> a > 0", "0:a 0:b", ""},
		{"steps: three and three events", "a > 0 -> b > 0 -> a > 0", "0:a 0:b 0:a", "0"},
		{"steps: near enough, with two at once between", "a > 0 -> b > 0 -> a > 0 -> b > 0", "0:a 60:a 60:b 120:b", "120"},
		{"steps: one too few between", "a > 0 -> b > 0 -> a > 0 -> b > 0", "0:a 60:ab 120:b", ""},
		{"steps: too far", "a > 0 -> b > 0 -> a > 0", "0:a 61:a 61:b", ""},
	} {
		t.Run(c.about, func(t *testing.T) {
			plan, matches := lettersPlan(t, c.steps), []compiler.Match(nil)
			for i, e := range strings.Fields(c.events) {
				var second schema.Millis
				var letters string
				if _, err := fmt.Sscanf(e, "%d:%s", &second, &letters); err != nil {
					t.Fatal(err)
				}
				event := schema.Event{Seq: uint64(i + 1), At: second * 1000, Attributes: mustHave(schema.ParseAttributes(
					fmt.Sprintf(`{"is":["%s"],"usr":"u"}`, strings.Join(strings.Split(letters, ""), `","`))))}
				matches = append(matches, plan.Matches(&event)...)
			}
			var got []string
			for _, s := range Replay(plan, matches, Horizon{}) {
				got = append(got, fmt.Sprint(int64(s.FirstSeen)/1000))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s over %s is complete at %v, want %q", c.steps, c.events, got, c.want)
			}
		})
	}
}

// lettersPlan has a query for each letter, and a condition with then or, where
// there are arrows, a sequence that takes a minute a step.
func lettersPlan(t *testing.T, steps string) *compiler.BoundPlan {
	t.Helper()
	minute, none := int64(60), int64(0)
	rule := schema.Rule{
		Name: "letters", Type: "log_detection", Cases: []schema.RuleCase{{Status: "low", Condition: steps}},
		Options: schema.RuleOptions{EvaluationWindow: &minute, KeepAlive: &minute},
	}
	for _, letter := range []string{"a", "b", "g"} {
		q := schema.RuleQuery{Name: letter, Query: "@is:" + letter, GroupByFields: []string{"@usr"}}
		if letter == "g" {
			q.GroupByFields = nil
		}
		rule.Queries = append(rule.Queries, q)
	}
	if arrows := strings.Split(steps, " -> "); len(arrows) > 1 {
		rule.Cases[0].Condition = ""
		rule.Options.DetectionMethod, rule.Options.Sequence = "sequence_detection", &schema.SequenceOptions{}
		for i, condition := range arrows {
			name := fmt.Sprint("s", i)
			rule.Options.Sequence.Steps = append(rule.Options.Sequence.Steps, schema.SequenceStep{Name: name, Condition: condition, EvaluationWindow: &none})
			if i > 0 {
				rule.Options.Sequence.Transitions = append(rule.Options.Sequence.Transitions,
					schema.SequenceTransition{Parent: fmt.Sprint("s", i-1), Child: name, EvaluationWindow: &minute})
			}
		}
	}
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Bind()
}

func TestThenWithoutAWindowNeverHolds(t *testing.T) {
	plan := lettersPlan(t, "a > 0 then b > 0")
	rule := plan.Rule
	rule.Options.EvaluationWindow = new(int64)
	compiled, warnings, err := compiler.Compile(rule)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "never matches") {
		t.Errorf("err %v, warnings %q; want one that says it never matches", err, warnings)
	}
	plan = compiled.Bind()
	a := schema.Event{Seq: 1, Attributes: mustHave(schema.ParseAttributes(`{"is":"a","usr":"u"}`))}
	b := schema.Event{Seq: 2, Attributes: mustHave(schema.ParseAttributes(`{"is":"b","usr":"u"}`))}
	if got := Replay(plan, append(plan.Matches(&a), plan.Matches(&b)...), Horizon{}); len(got) > 0 {
		t.Errorf("two events at one time gave %v", got)
	}
}
