package server

import (
	"encoding/json"
	"strings"
	"testing"
)

type coveringRule struct {
	ID, Name, Bundled, State, Tests, Problem string
	Techniques, Tactics                      []string
	Passed, Failed                           int
	TestsOf                                  string `json:"tests_of"`
	TestedAt                                 int64  `json:"tested_at"`
}

type attackCoverage struct {
	Version    string `json:"attack_version"`
	Tactics    []struct{ ID, Slug, Name string }
	Techniques []struct {
		ID, Name string
		Tactics  []string
	}
	Rules    []coveringRule
	Untagged int
	Pending  int
}

func (c *attackCoverage) of(name string) (out coveringRule) {
	for _, r := range c.Rules {
		if r.Name == name {
			return r
		}
	}
	return out
}

func coverageOf(t *testing.T, s *Server) (out attackCoverage) {
	t.Helper()
	status, answer := call(t, s, "GET", "/api/nightjar/v1/attack_coverage", "")
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != 200 {
		t.Fatalf("%d %.500s", status, answer)
	}
	return out
}

// A rule is proved while a test of the version in force shows that it finds something. What
// only carries a tag, what is off and what only ships are told apart.
func TestAttackCoverageTellsProvedFromTagged(t *testing.T) {
	s := newWorld().start(t)
	tag := func(name string) string {
		return strings.NewReplacer(`"brute force"`, jsonText(name), `["source:sshd"]`, `["source:sshd","technique:T1110.001-password-guessing","tactic:TA0006-credential-access"]`).Replace(plainRule)
	}
	id := createRule(t, s, tag("mine"))["id"].(string)
	createRule(t, s, plainRule) // says nothing of ATT&CK
	keep := func(text string) {
		t.Helper()
		if status, answer := call(t, s, "PUT", "/api/nightjar/v1/rules/"+id+"/tests", `{"text":`+jsonText(text)+`}`); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	change := func(body string) {
		t.Helper()
		if status, answer := call(t, s, "PUT", "/api/nightjar/v1/rules/"+id, body); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	want := func(state, tests string) coveringRule {
		t.Helper()
		c := coverageOf(t, s)
		got := c.of("mine")
		if got.ID != id || got.State != state || got.Tests != tests || c.Pending != 0 {
			t.Errorf("want %s and %s, got %+v", state, tests, got)
		}
		return got
	}
	const six = "tests:\n  - name: six\n    events:\n      - {at: +0s, count: 6, every: 1s, event: {source: sshd, network: {client: {ip: 192.0.2.1}}}}\n"

	c := coverageOf(t, s)
	if len(c.Tactics) != 14 || len(c.Techniques) < 650 || c.Untagged != 1 || c.Version == "" {
		t.Errorf("%d tactics, %d techniques, %d untagged", len(c.Tactics), len(c.Techniques), c.Untagged)
	}
	if got := c.of("SSH brute force"); got.State != "absent" || got.ID != "" || got.Bundled != "ssh-brute-force" || got.Techniques[0] != "T1110" {
		t.Errorf("what ships: %+v", got)
	}
	if got := want("tagged", "none"); got.Techniques[0] != "T1110.001" || got.Tactics[0] != "TA0006" {
		t.Errorf("it names %+v", got)
	}
	keep(six + "    signals: [{group: [192.0.2.1]}]\n")
	if got := want("proved", "passed"); got.Passed != 1 || got.TestsOf != "own" || got.TestedAt == 0 {
		t.Errorf("%+v", got)
	}
	change(`{"isEnabled":false}`)
	want("disabled", "passed")
	change(`{"isEnabled":true,"cases":[{"status":"high","condition":"a > 7"}]}`)
	if got := want("tagged", "failed"); got.Failed != 1 || !strings.Contains(got.Problem, "six: ") {
		t.Errorf("a version that breaks its test: %+v", got)
	}
	keep(six + "    signals: []\n")
	want("tagged", "silent")
	keep("tests: 5")
	want("tagged", "failed")

	// One that ships and has no tests of its own is tried with those that ship.
	call(t, s, "POST", "/api/nightjar/v1/bundled_rules", `{"names":["agent-became-root"]}`)
	root := coverageOf(t, s)
	var shipped coveringRule
	for _, r := range root.Rules {
		if r.Bundled == "agent-became-root" {
			shipped = r
		}
	}
	if shipped.State != "proved" {
		t.Errorf("what ships with its tests: %+v", shipped)
	}
	call(t, s, "PUT", "/api/nightjar/v1/rules/"+shipped.ID+"/tests", `{"text":""}`)
	for _, r := range coverageOf(t, s).Rules {
		if r.ID == shipped.ID && (r.State != "proved" || r.TestsOf != "bundled") {
			t.Errorf("without its own: %+v", r)
		}
	}
}
