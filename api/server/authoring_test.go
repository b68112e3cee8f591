package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

const ruleCheck = "/api/nightjar/v1/rules/check"

type remark struct{ Place, Message string }

type ruleChecked struct {
	Valid              bool
	Problems, Warnings []remark
}

func checkRule(t *testing.T, s *Server, body string) (out ruleChecked) {
	t.Helper()
	status, answer := call(t, s, "POST", ruleCheck, body)
	if status != 200 {
		t.Fatalf("%s: %d %s", body, status, answer)
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever is typed, a check is answered, with what storing the same would be refused for.
func TestACheckSaysWhatStoringSays(t *testing.T) {
	s := newWorld().start(t)
	for _, c := range []struct{ rule, place, message string }{
		{plainRule, "", ""},
		{`null`, "", "there is no rule"},
		{`[]`, "", "want an object"},
		{`"x"`, "", "want an object"},
		{`{"name": 5}`, "name", ""},
		{`{"nmae": "x"}`, "nmae", "unknown key"},
		{strings.Replace(plainRule, `"source:sshd","group`, `"a:(b","group`, 1), "queries[0].query", "1:"},
		{strings.Replace(plainRule, "a > 5", "b > 5", 1), "cases[0].condition", "b"},
		{strings.Replace(plainRule, `"keepAlive":3600`, `"keepAlive":60`, 1), "keepAlive", "evaluation window"},
		{strings.Replace(plainRule, `"keepAlive":3600`, `"keepAlive":7`, 1), "keepAlive", "allowed"},
		{strings.Replace(plainRule, `"keepAlive":3600`, `"detectionMethod":"new_value","newValueOptions":{"forgetAfter":99}`, 1), "options.newValueOptions.forgetAfter", "1 to 30"},
	} {
		got := checkRule(t, s, `{"rule":`+c.rule+`}`)
		status, refusal := call(t, s, "POST", "/api/nightjar/v1/rules?dry_run=true", c.rule)
		if c.rule == "null" { // a body that is empty is told in other words
			status = 400
		}
		if got.Valid != (status == 200) || got.Valid != (len(got.Problems) == 0) {
			t.Errorf("%s: %+v; storing it: %d %s", c.rule, got, status, refusal)
			continue
		}
		if got.Valid {
			continue
		}
		if p := got.Problems[0]; p.Place != c.place || !strings.Contains(p.Message, c.message) {
			t.Errorf("%s: %+v", c.rule, got.Problems)
		}
		for _, p := range got.Problems {
			if c.rule != "null" && !strings.Contains(refusal, strings.Trim(jsonText(p.Message), `"`)) {
				t.Errorf("%s: storing says %s, the check %q", c.rule, refusal, p.Message)
			}
		}
	}
	if got := checkRule(t, s, `{"rule":`+strings.Replace(plainRule, `"keepAlive"`, `"caseInsensitive":true,"keepAlive"`, 1)+`}`); !got.Valid {
		t.Errorf("%+v", got)
	}
}

// A stored rule keeps its type, and one that is not there can't be checked against.
func TestACheckKnowsTheStoredRule(t *testing.T) {
	s := newWorld().start(t)
	id := createRule(t, s, plainRule)["id"].(string)
	if got := checkRule(t, s, fmt.Sprintf(`{"rule":%s,"rule_id":%q}`, plainRule, id)); !got.Valid {
		t.Errorf("%+v", got)
	}
	other := strings.Replace(plainRule, `"message"`, `"type":"workload_security","message"`, 1)
	if got := checkRule(t, s, fmt.Sprintf(`{"rule":%s,"rule_id":%q}`, other, id)); got.Valid || got.Problems[0].Place != "type" {
		t.Errorf("%+v", got)
	}
	if status, answer := call(t, s, "POST", ruleCheck, `{"rule":{},"rule_id":"aaa-bbb-ccc"}`); status != 404 && status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := call(t, s, "POST", ruleCheck, `{"rule":`+plainRule+`,"rule_id":"aaa-bbb-ccc"}`); status != 404 {
		t.Errorf("%d %s", status, answer)
	}
}

const testText = `start: 2026-03-01T09:00:00Z
tests:
  - name: six of one address are one signal
    events:
      - {at: +0s, count: 6, every: 1s, event: {source: sshd, network: {client: {ip: 192.0.2.1}}}}
    signals:
      - {group: [192.0.2.1], severity: high}
  - name: five are none
    events:
      - {at: +0s, count: 5, every: 1s, event: {source: sshd, network: {client: {ip: 192.0.2.1}}}}
    signals: [{group: [192.0.2.1]}]
`

// Tests are kept of a rule, run on what it is to become, and say what differs.
func TestRuleTestsAreKeptAndRun(t *testing.T) {
	s := newWorld().start(t)
	id := createRule(t, s, plainRule)["id"].(string)
	path := "/api/nightjar/v1/rules/" + id + "/tests"
	if status, answer := call(t, s, "GET", path, ""); status != 200 || answer != `{"text":"","version":0}` {
		t.Errorf("%d %s", status, answer)
	}
	body := `{"text":` + jsonText(testText) + `}`
	if status, answer := call(t, s, "PUT", path, body); status != 200 || object(t, answer)["version"] != 1.0 {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := call(t, s, "PUT", path, `{"text":"x","version":7}`); status != 409 {
		t.Errorf("another version: %d %s", status, answer)
	}
	_, answer := call(t, s, "GET", path, "")
	if m := object(t, answer); m["text"] != testText || m["updated_at"] == nil {
		t.Errorf("%s", answer)
	}
	status, answer := call(t, s, "POST", "/api/nightjar/v1/rules/tests/run", `{"rule":`+plainRule+`,"text":`+jsonText(testText)+`}`)
	var ran struct {
		Error string
		Tests []struct {
			Name     string
			Line     int
			Passed   bool
			Problems []string
		}
	}
	if err := json.Unmarshal([]byte(answer), &ran); err != nil || status != 200 || ran.Error != "" || len(ran.Tests) != 2 {
		t.Fatalf("%d %s", status, answer)
	}
	if !ran.Tests[0].Passed || ran.Tests[1].Passed || ran.Tests[1].Line != 8 || !strings.Contains(ran.Tests[1].Problems[0], "there is no such signal") {
		t.Errorf("%s", answer)
	}
	for text, want := range map[string]string{"": "the file is empty", "tests: 5": "want a list", "tables: [{name: t, file: /etc/passwd}]\n" + testText: "can name no other file"} {
		status, answer := call(t, s, "POST", "/api/nightjar/v1/rules/tests/run", `{"rule":`+plainRule+`,"text":`+jsonText(strings.ReplaceAll(text, `\n`, "\n"))+`}`)
		if status != 200 || !strings.Contains(answer, want) {
			t.Errorf("%q: %d %s", text, status, answer)
		}
	}
	for _, method := range []string{"GET", "PUT"} {
		if status, answer := call(t, s, method, "/api/nightjar/v1/rules/aaa-bbb-ccc/tests", `{}`); status != 404 {
			t.Errorf("%s of no rule: %d %s", method, status, answer)
		}
	}
}

// How all rules do is one question, and signals are counted once for all who ask.
func TestStandingsAreOfAllRules(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	id := createRule(t, s, plainRule)["id"].(string)
	off := createRule(t, s, strings.Replace(plainRule, `"isEnabled":true`, `"isEnabled":false`, 1))["id"].(string)
	for range 3 {
		_, answer := call(t, s, "GET", "/api/nightjar/v1/rule_standings", "")
		var got struct {
			Days  []int64
			Rules []struct {
				RuleID  string `json:"rule_id"`
				State   string
				Signals int
				ByDay   []int `json:"by_day"`
			}
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.Days) != 30 || len(got.Rules) != 2 {
			t.Fatalf("%s", answer)
		}
		for _, r := range got.Rules {
			if want := map[string]string{id: "running", off: "disabled"}[r.RuleID]; r.State != want || r.Signals != 5 || len(r.ByDay) != 30 || r.ByDay[29] != 3 {
				t.Errorf("%+v", r)
			}
		}
	}
	if w.signalCounts != 1 {
		t.Errorf("signals were counted %d times", w.signalCounts)
	}
}

// What ships is listed beside what is stored, and comes into force with its tests.
func TestBundledRulesAreApplied(t *testing.T) {
	s := newWorld().start(t)
	const path = "/api/nightjar/v1/bundled_rules"
	states := func() map[string]string {
		_, answer := call(t, s, "GET", path, "")
		var got struct {
			Rules []struct {
				Name, State string
				Tests       int
				Rule        struct{ Name string }
			}
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.Rules) < 50 {
			t.Fatalf("%.1000s", answer)
		}
		out := map[string]string{}
		for _, r := range got.Rules {
			if out[r.Name] = r.State; r.Tests == 0 || r.Rule.Name == "" {
				t.Errorf("%+v", r)
			}
		}
		return out
	}
	if got := states()["agent-became-root"]; got != "absent" {
		t.Errorf("before: %s", got)
	}
	apply := func(want string) string {
		t.Helper()
		_, answer := call(t, s, "POST", path, `{"names":["agent-became-root"]}`)
		var got struct {
			Rules []struct {
				Action, Problem string
				RuleID          string `json:"rule_id"`
			}
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.Rules) != 1 || got.Rules[0].Action != want || got.Rules[0].Problem != "" {
			t.Fatalf("want %s, got %s", want, answer)
		}
		return got.Rules[0].RuleID
	}
	id := apply("created")
	if _, answer := call(t, s, "GET", "/api/nightjar/v1/rules/"+id+"/tests", ""); !strings.Contains(answer, "each of its rules is part of one signal") {
		t.Errorf("its tests: %s", answer)
	}
	apply("unchanged")
	for body, want := range map[string]string{`{"isEnabled":false}`: "same", `{"message":"mine"}`: "differs"} {
		call(t, s, "PUT", "/api/nightjar/v1/rules/"+id, body)
		if got := states()["agent-became-root"]; got != want {
			t.Errorf("after %s: %s", body, got)
		}
		if want == "differs" {
			apply("updated")
		}
	}
	if got := states()["agent-became-root"]; got != "same" {
		t.Errorf("at last: %s", got)
	}
	for _, bad := range []string{`{}`, `{"names":["none"]}`, `{"names":["agent-became-root","agent-became-root"]}`} {
		if status, answer := call(t, s, "POST", path, bad); status != 400 {
			t.Errorf("%s: %d %s", bad, status, answer)
		}
	}
}

// An expression of an agent rule is checked as it is typed.
func TestExpressionsOfAgentsAreChecked(t *testing.T) {
	s := newWorld().start(t)
	for expression, want := range map[string]string{
		`exec.file.name == "nc"`:  `{"valid":true,"mistakes":[]}`,
		`exec.file.nmae == "nc"`:  `"column":1`,
		`exec.file.name == `:      `"valid":false`,
		``:                        "there is no expression",
		`"<img src=x>" == \u0000`: `"valid":false`,
	} {
		status, answer := call(t, s, "POST", "/api/nightjar/v1/agent_rules/check", `{"expression":`+jsonText(expression)+`}`)
		if status != 200 || !strings.Contains(answer, want) {
			t.Errorf("%q: %d %s", expression, status, answer)
		}
	}
}

// TestABundledRuleIsMadeOnce has several apply the same rule at the same moment, to a store
// that takes a moment to say which rules there are.
func TestABundledRuleIsMadeOnce(t *testing.T) {
	w := newWorld()
	w.looked = func() { time.Sleep(20 * time.Millisecond) }
	s := w.start(t)
	var all sync.WaitGroup
	answers := make([]string, 4)
	for i := range answers {
		all.Go(func() {
			_, answers[i] = call(t, s, "POST", "/api/nightjar/v1/bundled_rules", `{"names":["agent-became-root"]}`)
		})
	}
	all.Wait()
	said := strings.Join(answers, "\n")
	if made, left := strings.Count(said, `"created"`), strings.Count(said, `"unchanged"`); made != 1 || left != len(answers)-1 {
		t.Errorf("made %d times, and left %d times:\n%s", made, left, said)
	}
}
