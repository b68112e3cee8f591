package policy

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/secl/event"
)

// merged loads policies and writes down what became of them: rules with their
// policies, expressions and actions, then problems.
func merged(t *testing.T, o Options, policies ...string) string {
	t.Helper()
	var list []*Policy
	for i, text := range policies {
		body, isDefault := strings.CutPrefix(text, "default:\n")
		p, problems := Read(fmt.Sprintf("P%d", i), []byte(body))
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		p.Default = isDefault
		list = append(list, p)
	}
	o.Model, o.World = event.Model(), event.World{}
	set, err := Load(list, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range set.Rules {
		var kills []string
		for _, a := range r.Actions {
			kills = append(kills, a.Kill.Signal)
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s from %s: %s %s", r.ID, r.From[0].Name, r.Text, strings.Join(kills, ","))))
	}
	for _, p := range set.Errors() {
		out = append(out, p.Kind+" "+p.ID+" is wrong")
	}
	return strings.Join(out, "; ")
}

// TestPoliciesAreMergedInTheirOrder holds what becomes of two definitions of the
// same id.
func TestPoliciesAreMergedInTheirOrder(t *testing.T) {
	const (
		on  = "rules:\n  - {id: r, expression: exec.uid == %d}\n"
		off = "rules:\n  - {id: r, disabled: true, expression: exec.uid == %d}\n"
	)
	rule := func(form string, n int) string { return fmt.Sprintf(form, n) }
	for _, c := range []struct {
		name, first, second, want string
	}{
		{"the first of two equals", rule(on, 1), rule(on, 2), "r from P0: exec.uid == 1; rule r is wrong"},
		{"enabled beats disabled", rule(off, 1), rule(on, 2), "r from P1: exec.uid == 2"},
		{"enabled beats disabled, whichever comes first", rule(on, 1), rule(off, 2), "r from P0: exec.uid == 1"},
		{"custom enables", "default:\n" + rule(off, 1), rule(on, 2), "r from P1: exec.uid == 2"},
		{"custom disables", "default:\n" + rule(on, 1), rule(off, 2), ""},
		{"both disabled", "default:\n" + rule(off, 1), rule(off, 2), ""},
		{"an override of nothing named replaces the expression", "default:\n" + rule(on, 1), "rules:\n  - {id: r, combine: override, expression: exec.uid == 2}\n", "r from P1: exec.uid == 2"},
		{"actions are added", "default:\nrules:\n  - {id: r, expression: exec.uid == 1, actions: [{kill: {signal: SIGUSR1}}]}\n",
			"rules:\n  - {id: r, combine: override, override_options: {fields: [actions]}, expression: exec.uid == 2, actions: [{kill: {signal: SIGKILL}}]}\n",
			"r from P1: exec.uid == 1 SIGUSR1,SIGKILL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := merged(t, Options{}, c.first, c.second); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestDefinitionsAreForSomeAgentsAndHosts holds agent_version and filters.
func TestDefinitionsAreForSomeAgentsAndHosts(t *testing.T) {
	const text = `
macros:
  - {id: M, agent_version: "< 7.50", values: [a]}
  - {id: M, agent_version: ">= 7.50", values: [b]}
rules:
  - {id: old, agent_version: "< 7.50", expression: exec.comm in M}
  - {id: new, agent_version: ">= 7.50, < 7.60, != 7.55", expression: exec.comm in M}
  - {id: here, filters: ['os == "linux" && kernel.version.major >= 6', 'os == "windows"'], expression: exec.comm == "c"}
  - {id: there, filters: ['os == "windows"'], expression: exec.comm == "d"}
`
	linux := &Host{OS: "linux"}
	linux.ParseKernel("6.1.0-18-amd64")
	for version, want := range map[string]string{
		"7.49.3":      `old from P0: exec.comm in M; here from P0: exec.comm == "c"`,
		"7.50.0-rc.2": `new from P0: exec.comm in M; here from P0: exec.comm == "c"`,
		"7.55.0":      `here from P0: exec.comm == "c"`,
	} {
		if got := merged(t, Options{AgentVersion: version, Host: linux}, text); got != want {
			t.Errorf("%s: got %s, want %s", version, got, want)
		}
	}
}

// TestOneBadRuleLeavesTheOthers holds that what is wrong is left out and told.
func TestOneBadRuleLeavesTheOthers(t *testing.T) {
	got := merged(t, Options{}, `
macros:
  - {id: BAD, expression: exec.nothing == 1}
rules:
  - {id: good, expression: exec.uid == 1}
  - {id: syntax, expression: exec.uid === 1}
  - {id: type, expression: exec.uid == "1"}
  - {id: macro, expression: BAD}
  - {id: events, expression: process.uid == 1}
  - {id: filter, filters: ["os = 1"], expression: exec.uid == 1}
  - {id: action, expression: exec.uid == 1, actions: [{kill: {signal: SIGNOTHING}}]}
  - {id: a-b, expression: exec.uid == 1}
`)
	want := "good from P0: exec.uid == 1; macro BAD is wrong; rule filter is wrong; rule a-b is wrong; rule syntax is wrong; rule type is wrong; rule macro is wrong; rule events is wrong; rule action is wrong"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
