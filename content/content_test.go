package content

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nightjar/ingest/pipeline"
	"nightjar/scheduler/ruletest"
	"nightjar/secl/event"
	"nightjar/secl/lint"
	"nightjar/secl/policy"
	"nightjar/secl/testcase"
)

// TestBundledRulesPassTheirTests runs the tests beside the rules, and wants some
// for every rule.
func TestBundledRulesPassTheirTests(t *testing.T) {
	rules, err := filepath.Glob("rules/*.json")
	if err != nil || len(rules) < 6 {
		t.Fatalf("found %d rules, %v", len(rules), err)
	}
	for _, rule := range rules {
		path := strings.TrimSuffix(rule, ".json") + "_test.yaml"
		report := passes(t, path)
		for _, w := range report.Warnings {
			t.Errorf("%s: warning: %s", path, w)
		}
		if report.Error == "" && len(report.Tests) < 2 {
			t.Errorf("%s: %d tests; want one that gives a signal and one that gives none", path, len(report.Tests))
		}
	}
}

// TestBundledPoliciesPassTheirTests wants tests beside every policy, no mistake in it
// and nothing that the linter finds.
func TestBundledPoliciesPassTheirTests(t *testing.T) {
	policies, err := filepath.Glob("agent/*.policy")
	if err != nil || len(policies) == 0 {
		t.Fatalf("found %d policies, %v", len(policies), err)
	}
	for _, path := range policies {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p, problems := policy.Read(filepath.Base(path), text)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		tests, err := os.ReadFile(strings.TrimSuffix(path, ".policy") + "_test.yaml")
		if err != nil {
			t.Fatal(err)
		}
		file, err := testcase.Read(tests)
		if err != nil {
			t.Fatal(err)
		}
		failures, err := file.Run([]*policy.Policy{p}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range failures {
			t.Errorf("%s: %s, step %d: %s", path, f.Test, f.Step, f.Message)
		}
		set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
		if err != nil || len(set.Problems) > 0 {
			t.Fatal(err, set.Problems)
		}
		for _, f := range lint.Lint(set, event.DearFilters) {
			t.Errorf("%s: %s", path, f)
		}
	}
}

// TestTheSemanticsAreAsTheirTestsSay runs the tests of what rules mean.
func TestTheSemanticsAreAsTheirTestsSay(t *testing.T) {
	files, err := filepath.Glob("semantics/*_test.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d files of tests, %v", len(files), err)
	}
	for _, path := range files {
		passes(t, path)
	}
}

// passes runs a file of tests, all of which must pass.
func passes(t *testing.T, path string) ruletest.Report {
	t.Helper()
	report := ruletest.Run(path, options(t))
	if report.Error != "" {
		t.Errorf("%s:%s", path, report.Error)
	}
	for _, test := range report.Tests {
		if !test.Passed {
			t.Errorf("%s:%d: %s\n%s", path, test.Line, test.Name, strings.Join(test.Problems, "\n"))
		}
	}
	return report
}

// TestTheExampleOfTheReadmeIsTrue runs the file of tests that README.md shows,
// and compares the failure that it shows with what is printed of such a one.
func TestTheExampleOfTheReadmeIsTrue(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(yaml)?\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) != 2 || blocks[0][1] != "yaml" {
		t.Fatalf("found %d blocks", len(blocks))
	}
	rule, err := filepath.Abs("rules/ssh-brute-force.json")
	if err != nil {
		t.Fatal(err)
	}
	run := func(text string) ruletest.Report {
		path := filepath.Join(t.TempDir(), "x_test.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(text, "rule: ssh-brute-force.json", "rule: "+rule, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return ruletest.Run(path, options(t))
	}
	if r := run(blocks[0][2]); r.Failed() || len(r.Tests) != 1 {
		t.Errorf("the example gives %+v", r)
	}
	r := run(strings.Replace(blocks[0][2], "severity: high", "severity: critical", 1))
	if len(r.Tests) != 1 || len(r.Tests[0].Problems) != 1 {
		t.Fatalf("the changed example gives %+v", r)
	}
	shown := strings.Split(strings.TrimSpace(blocks[1][2]), "\n")
	printed := strings.Split(r.Tests[0].Problems[0], "\n")
	if want := fmt.Sprintf(":%d: %s", r.Tests[0].Line, r.Tests[0].Name); !strings.HasSuffix(shown[1], want) {
		t.Errorf("README shows %q, want it to end in %q", shown[1], want)
	}
	for i, line := range shown[2:] {
		if strings.TrimSpace(line) != strings.TrimSpace(printed[i]) {
			t.Errorf("README shows  %s\nand printed is %s", line, printed[i])
		}
	}
}

// options are those of a test that is run with what ships.
func options(t *testing.T) ruletest.Options {
	t.Helper()
	pipelines, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return ruletest.Options{Pipelines: pipeline.NewSet(pipelines, pipeline.Deps{})}
}

// TestEveryAgentRuleIsTriedAndRead holds the default policy, its tests and the rules of the
// engine together: each rule of an agent has an event that it matches, and a rule that
// makes signals of it; and no rule asks for one that there is not.
func TestEveryAgentRuleIsTriedAndRead(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	p, problems := policy.Read("default.policy", []byte(read("agent/default.policy")))
	if len(problems) > 0 || len(p.Rules) < 80 {
		t.Fatal(len(p.Rules), problems)
	}
	tests, asked := read("agent/default_test.yaml"), map[string]bool{}
	files, err := filepath.Glob("rules/agent-*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d rules, %v", len(files), err)
	}
	for _, path := range files {
		var rule struct{ Queries []struct{ Query string } }
		if err := json.Unmarshal([]byte(read(path)), &rule); err != nil {
			t.Fatal(err)
		}
		_, ids, _ := strings.Cut(rule.Queries[0].Query, "@agent.rule_id:")
		for id := range strings.FieldsFuncSeq(strings.Trim(ids, "()"), func(r rune) bool { return r == '|' || r == ' ' }) {
			asked[id] = true
		}
	}
	for _, r := range p.Rules {
		if !strings.Contains(tests, "matches: ["+r.ID+"]") && !strings.Contains(tests, "matches: ["+r.ID+",") {
			t.Errorf("no event is tried on %s", r.ID)
		}
		if !asked[r.ID] {
			t.Errorf("no rule reads %s", r.ID)
		}
		delete(asked, r.ID)
	}
	for id := range asked {
		t.Errorf("a rule reads %s, which agents do not look for", id)
	}
}

// TestNoNumberOfCopiesGetsAMinerThrough holds that the rules of the default policy that
// kill have no disarmer: the sixth copy of a miner is killed as the first one is.
func TestNoNumberOfCopiesGetsAMinerThrough(t *testing.T) {
	text, err := os.ReadFile("agent/default.policy")
	if err != nil {
		t.Fatal(err)
	}
	p, problems := policy.Read("default.policy", text)
	kills := 0
	for _, r := range p.Rules {
		for _, a := range r.Actions {
			if a.Kill == nil {
				continue
			}
			if kills++; !a.Kill.NoExecutableDisarmer || !a.Kill.NoContainerDisarmer {
				t.Errorf("%s is disarmed after a few kills", r.ID)
			}
		}
	}
	if kills == 0 || len(problems) > 0 {
		t.Errorf("%d rules kill; %v", kills, problems)
	}
}
