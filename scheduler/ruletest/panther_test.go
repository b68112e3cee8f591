package ruletest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"nightjar/testenv"
)

// correlation is a rule of Panther's over what other rules found.
type correlation struct {
	RuleID    string
	Detection []struct {
		Group, Sequence []step
		Transitions     []struct {
			From, To string
			Within   int `json:"WithinTimeFrameMinutes"`
		}
		MatchCriteria map[string][]struct{ GroupID, Match string }
	}
	Tests []struct {
		Name        string
		Expected    bool `json:"ExpectedResult"`
		RuleOutputs []struct {
			ID      string
			Matches map[string]map[string][]any
		}
	}
}

type step struct {
	ID, RuleID string
	Least      int `json:"MinMatchCount"`
	Absence    bool
}

// TestCorrelationsOfOthersAreRules expresses the correlations as rules, and their
// tests as rule tests.
func TestCorrelationsOfOthersAreRules(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "data/cloud-audit/panther_correlation_rules.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	rules, tests := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var c correlation
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		suite, err := json.Marshal(map[string]any{"rule": c.rule(), "tests": c.tests()})
		if err != nil {
			t.Fatal(err)
		}
		report := runText(t, string(suite), Options{})
		if report.Failed() {
			t.Errorf("%s: %s %v", c.RuleID, report.Error, report.Tests)
		}
		rules++
		tests += len(report.Tests)
	}
	if rules != 21 || tests != 66 {
		t.Errorf("%d rules with %d tests, want 21 with 66", rules, tests)
	}
}

// rule is the correlation as a rule over events. A group's window is a day, the
// longest there is: theirs are a day and the hours by which two of their daily
// runs overlap.
func (c *correlation) rule() map[string]any {
	d := c.Detection[0]
	fields := map[string]string{}
	for _, list := range d.MatchCriteria {
		for _, m := range list {
			fields[m.GroupID] = m.Match
		}
	}
	var queries, steps, transitions []map[string]any
	var conditions []string
	add := func(i int, s step) string {
		name := fmt.Sprintf("q%d", i)
		query := map[string]any{"name": name, "query": fmt.Sprintf("source:panther @rule:%q", s.ID), "aggregation": "count"}
		if len(fields) > 0 || len(d.Transitions) > 0 {
			query["groupByFields"] = []string{"@match"}
		}
		queries = append(queries, query)
		if s.Absence {
			return name + " < 1"
		}
		return fmt.Sprintf("%s >= %d", name, max(1, s.Least))
	}
	after := "" // what must not follow, when the last of them must be absent
	for i, s := range d.Group {
		conditions = append(conditions, add(i, s))
		if s.Absence && i > 0 && i == len(d.Group)-1 {
			after = fmt.Sprintf(" then not q%d > 0", i)
		}
	}
	for i, s := range d.Sequence {
		steps = append(steps, map[string]any{"name": s.ID, "condition": add(i, s), "evaluationWindow": 0})
	}
	for _, tr := range d.Transitions {
		transitions = append(transitions, map[string]any{"parent": tr.From, "child": tr.To, "evaluationWindow": tr.Within * 60})
	}
	options := map[string]any{"evaluationWindow": 86400, "keepAlive": 86400, "maxSignalDuration": 86400}
	if len(steps) > 0 {
		options["detectionMethod"], options["evaluationWindow"] = "sequence_detection", 0
		options["sequenceDetectionOptions"] = map[string]any{"steps": steps, "stepTransitions": transitions}
	}
	return map[string]any{
		"name": c.RuleID, "queries": queries, "options": options,
		"cases": []map[string]any{{"name": "", "status": "high", "condition": strings.Join(conditions, " && ") + after}},
	}
}

// tests are its tests: what other rules found are events, at their minutes. They
// look at a time when all that could follow would have.
func (c *correlation) tests() []map[string]any {
	var out []map[string]any
	for _, test := range c.Tests {
		events := []map[string]any{}
		for _, o := range test.RuleOutputs {
			for _, values := range o.Matches {
				for value, times := range values {
					for _, at := range times {
						if minute, ok := at.(float64); ok {
							at = fmt.Sprintf("+%gm", minute)
						}
						events = append(events, map[string]any{"at": at, "event": map[string]any{"source": "panther", "rule": o.ID, "match": value}})
					}
				}
			}
		}
		signals := []map[string]any{}
		if test.Expected {
			signals = append(signals, map[string]any{"severity": "high"})
		}
		out = append(out, map[string]any{"name": test.Name, "events": events, "signals": signals, "until": "2026-01-10T00:00:00Z"})
	}
	return out
}
