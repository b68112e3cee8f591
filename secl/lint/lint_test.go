package lint

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/testenv"
)

func findings(t *testing.T, text string) []Finding {
	t.Helper()
	p, problems := policy.Read("test", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Errors() {
		t.Fatal(p)
	}
	return Lint(set, event.KernelFilters)
}

// TestWhatIsHardlyMeantIsFound shows one rule for each check, and one beside it
// that is in order.
func TestWhatIsHardlyMeantIsFound(t *testing.T) {
	for expression, want := range map[string]string{
		`exec.args == "*x*"`: `1:14 dead-pattern`,
		`exec.args =~ "*x*"`: ``,
		`exec.comm == "a" && exec.uid == 1 || exec.gid == 2`:      `1:35 mixed-logic`,
		`exec.comm == "a" && (exec.uid == 1 || exec.gid == 2)`:    ``,
		`exec.comm in ["a", "b", "a"]`:                            `1:25 duplicate`,
		`exec.comm == "a" && exec.comm == "b"`:                    `0:0 unsatisfiable`,
		`exec.comm == "a" && exec.comm != "b"`:                    ``,
		`exec.uid > 5 && exec.uid < 5`:                            `0:0 unsatisfiable`,
		`exec.uid > 5 && exec.uid < 7`:                            ``,
		`exec.comm in ["a"] && !(exec.comm == "a")`:               `0:0 unsatisfiable`,
		`exec.is_thread && !exec.is_thread && exec.uid == 1`:      `0:0 unsatisfiable`,
		`exec.comm == "a" || (exec.comm == "a" && exec.uid == 1)`: `1:22 shadowed`,
		`open.flags & O_WRONLY > 0 && open.file.path =~ "/etc/*"`: ``,
		`open.file.path != "/etc/passwd"`:                         `0:0 no-approver`,
		`open.file.path =~ "/etc/**"`:                             `0:0 no-approver`,
	} {
		var got []string
		for _, f := range findings(t, "rules:\n  - {id: a, expression: '"+expression+"'}\n") {
			got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Check))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %v, want %s", expression, got, want)
		}
	}
}

// TestRulesThatAddNothingAreFound compares rules with one another.
func TestRulesThatAddNothingAreFound(t *testing.T) {
	var got []string
	for _, f := range findings(t, `
rules:
  - {id: wide, expression: exec.comm == "a"}
  - {id: same, expression: (exec.comm == "a")}
  - {id: narrow, expression: exec.uid == 1 && exec.comm == "a"}
  - {id: other, expression: exec.comm == "b"}
  - {id: later, agent_version: ">= 8", expression: exec.comm == "a" && exec.gid == 1}
`) {
		got = append(got, f.ID+": "+f.Message)
	}
	want := "same: its condition is that of rule `wide`, narrow: rule `wide` matches whenever it does"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestTheDefaultPolicyHasSevenDeadPatterns finds what is known to be wrong in the
// public default policy.
func TestTheDefaultPolicyHasSevenDeadPatterns(t *testing.T) {
	text, err := os.ReadFile(testenv.Shared(t, "conformance/secl_default.policy"))
	if err != nil {
		t.Fatal(err)
	}
	dead, rules, doubled := 0, map[string]bool{}, map[string]bool{}
	for _, f := range findings(t, string(text)) {
		switch f.Check {
		case DeadPattern:
			dead++
			rules[f.ID] = true
		case Duplicate:
			doubled[f.ID] = true
		}
	}
	if dead != 7 || len(rules) != 4 || !doubled["SHELL_NAMES"] || !doubled["relay_attack_tool_execution"] {
		t.Errorf("%d dead patterns in %v, doubled members in %v", dead, rules, doubled)
	}
}
