package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const seclPolicy = `version: 1.0.0
macros:
  - id: SHELLS
    values: [sh, bash]
rules:
  - id: shell_in_container
    expression: exec.file.name in SHELLS && container.id != ""
    actions:
      - kill: {signal: SIGKILL}
      - set: {name: shells, field: exec.file.name, append: true, scope: cgroup, ttl: 1h}
  - id: second_shell
    expression: exec.file.name in SHELLS && "sh" in ${cgroup.shells}
`

// seclFolder writes files to a folder.
func seclFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSECLToolsTellWhatIsWrongAndWhere runs the offline commands on a good policy
// and on a bad one.
func TestSECLToolsTellWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	dir := seclFolder(t, map[string]string{
		"good.policy": seclPolicy,
		"bad.policy": "rules:\n  - id: a\n    expression: exec.file.name == 3 && exec.uid == \"x\"\n  - id: b\n    expression: open.flags =-= 1\n" +
			"  - id: c\n    expresion: \"true\"\n  - id: d\n    expression: exec.comm in [\"a*\", \"b\", \"b\"] && exec.uid == 1 || exec.gid == 1\n  - id: e\n    expression: packet.filter == \"x\"\n",
		"cant.policy": "rules:\n  - {id: a, expression: exec.uid == 1, actions: [{coredump: {mount: true}}]}\n  - {id: b, expression: open.file.path == \"/etc/x\", actions: [{kill: {signal: SIGKILL}}]}\n",
		"event.json":  `{"type": "exec", "exec.file.path": "/bin/sh", "container.id": "c1"}`,
		"good_test.yaml": `policies: [good.policy]
tests:
  - name: a shell in a container, and another
    steps:
      - event: {type: exec, exec.file.path: /bin/sh, container.id: c1, cgroup.id: g1}
        matches: [shell_in_container, second_shell]
        variables: {cgroup.shells: [sh]}
      - after: 30m
        event: {type: exec, exec.file.path: /bin/bash, cgroup.id: g1}
        matches: [second_shell]
      - after: 31m
        event: {type: exec, exec.file.path: /bin/bash, cgroup.id: g1}
        matches: []
`,
		"bad_test.yaml": "policies: [good.policy]\ntests:\n  - name: wrong\n    steps:\n      - event: {type: exec, exec.file.path: /bin/sh}\n        matches: [shell_in_container]\n",
	})
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr []string
	}{
		{[]string{"secl", "check", "good.policy"}, exitOK, nil, []string{
			"2 rules and 1 macros are good; 0 mistakes", "rule `shell_in_container`, kill: in a blocking policy, SIGKILL is sent to the process, by the agent a moment after", "set: the variable cgroup.shells is set for 1h",
		}},
		{[]string{"secl", "check", "cant.policy"}, exitFailure, []string{"mount and dentry are not written down"}, []string{"the open of /etc/x is denied instead"}},
		{[]string{"secl", "check", "bad.policy"}, exitFailure,
			[]string{"bad.policy:2: rule `a` error: 1:19: got int, want string", "rule `a` error: 1:36: got string, want int",
				"bad.policy:4: rule `b` error: syntax error `1:13: unexpected token \"-\" (expected \"~\")`", "bad.policy:7: rule `c` error: Additional property expresion is not allowed"},
			[]string{"rule `e` never fires: the agent does not see packet events"}},
		{[]string{"secl", "lint", "good.policy"}, exitOK, nil, nil},
		{[]string{"secl", "lint", "bad.policy"}, exitFailure,
			[]string{"[dead-pattern]", "[duplicate]", "|| beside && without parentheses is read as exec.comm in [\"a*\", \"b\", \"b\"] && (exec.uid == 1 || exec.gid == 1) [mixed-logic]"}, nil},
		{[]string{"secl", "test", "good_test.yaml"}, exitOK, nil, []string{"1 of 1 tests pass"}},
		{[]string{"secl", "test", "bad_test.yaml"}, exitFailure, []string{"wrong, step 1: rule shell_in_container should match and does not"}, nil},
		{[]string{"secl", "explain", "--policy", "good.policy", "shell_in_container", "event.json"}, exitOK, []string{"match: true", "c1"}, nil},
		{[]string{"secl", "explain", "exec.file.name == \"sh", "event.json"}, exitFailure, nil, []string{"closing \" is missing"}},
		{[]string{"secl", "fields", "exec"}, exitOK, []string{"exec.file.path", "process.ancestors.comm"}, nil},
		{[]string{"secl", "fields", "--constants"}, exitOK, []string{"O_CREAT"}, nil},
		{[]string{"secl", "fields", "nothing"}, exitUsage, nil, []string{"no events have the type"}},
		{[]string{"secl", "check"}, exitUsage, nil, nil},
	} {
		stdout, stderr, code := nightjar(t, dir, c.args...)
		if code != c.code {
			t.Errorf("%v: exit %d, want %d\n%s%s", c.args, code, c.code, stdout, stderr)
		}
		for _, want := range c.stdout {
			if !strings.Contains(stdout, want) {
				t.Errorf("%v: stdout lacks %q:\n%s", c.args, want, stdout)
			}
		}
		for _, want := range c.stderr {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: stderr lacks %q:\n%s", c.args, want, stderr)
			}
		}
	}
}

// TestABacktestSaysWhatWouldHaveBeenKilled asks a running engine.
func TestABacktestSaysWhatWouldHaveBeenKilled(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	var lines []string
	for i, name := range []string{"sh", "bash", "ls", "sh"} {
		container := `"container": {"id": "c1"},`
		if i == 3 {
			container = ""
		}
		lines = append(lines, fmt.Sprintf(`{"ddsource": "runtime-security-agent", "hostname": "web-%d", "message": "exec", %s "evt": {"name": "exec"}, "process": {"file": {"name": %q}}}`, i, container, name))
	}
	p.call("POST", "/api/v2/logs", []byte("["+strings.Join(lines, ",")+"]"), nil)
	dir := seclFolder(t, map[string]string{"good.policy": seclPolicy})
	var found []struct {
		Events  uint64
		Hosts   []string
		Actions []string `json:"would_have"`
		Not     string   `json:"not_asked"`
	}
	p.await("found", func() bool {
		stdout, stderr, code := p.run("secl", "backtest", "--policy", filepath.Join(dir, "good.policy"), "--from", "-1h", "--output", "json")
		if code != exitOK {
			t.Fatalf("exit %d: %s%s", code, stdout, stderr)
		}
		if err := json.Unmarshal([]byte(stdout), &found); err != nil {
			t.Fatal(err)
		}
		return found[0].Events > 0
	})
	if w := found[0]; w.Events != 2 || strings.Join(w.Hosts, " ") != "web-0 web-1" || strings.Join(w.Actions, " ") != "killed" {
		t.Errorf("got %+v", w)
	}
	if !strings.Contains(found[1].Not, "variables live in the agent") {
		t.Errorf("the rule with a variable: %+v", found[1])
	}
}

// minerPolicy kills what is called like a miner, unless it is somebody's.
const minerPolicy = `version: 1.0.0
rules:
  - id: miners
    expression: exec.file.name in ["xmrig", "sshd"]
    actions:
      - filter: process.user != "researcher"
        kill: {signal: SIGKILL, scope: container}
`

// minerRuns are executions, as a recording has them and as an agent stores them: 7 within
// a minute of one miner, of which the agent would kill 5; a protected program; one whose
// user the rule spares; another host.
func minerRuns() (recorded string, stored []string) {
	at := time.Now().Add(-30 * time.Minute).Truncate(time.Second)
	run := func(i int, host, path, user, container string) {
		when := at.Add(time.Duration(i) * time.Second)
		about := fmt.Sprintf(`"container": {"id": %q}, "process": {"pid": %d, "user": %q, "uid": 33, "file": {"path": %q, "name": %q}}`, container, 1000+i, user, path, filepath.Base(path))
		recorded += fmt.Sprintf(`{"type": "exec", "event": {"hostname": %q, "timestamp": %d}, %s}`+"\n", host, when.UnixNano(), about)
		stored = append(stored, fmt.Sprintf(`{"ddsource": "runtime-security-agent", "hostname": %q, "timestamp": %d, "message": "exec", "evt": {"name": "exec"}, %s}`, host, when.UnixMilli(), about))
	}
	for i := range 7 {
		run(i, "web-1", "/opt/x/xmrig", "www-data", "c1")
	}
	run(8, "web-1", "/usr/sbin/sshd", "root", "")
	run(9, "web-1", "/home/r/xmrig", "researcher", "")
	run(10, "web-2", "/opt/x/xmrig", "www-data", "")
	return recorded, stored
}

// TestABacktestRehearsesKills holds that stored events and a recording tell the same of
// what a rule would have killed: how many, whom, who is protected, and that the agent would
// have stopped the rule.
func TestABacktestRehearsesKills(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	recorded, stored := minerRuns()
	p.call("POST", "/api/v2/logs", []byte("["+strings.Join(stored, ",")+"]"), nil)
	dir := seclFolder(t, map[string]string{"miners.policy": minerPolicy, "host.jsonl": recorded})
	ask := func(more ...string) (answer string, events float64) {
		stdout, stderr, code := p.run(append([]string{"secl", "backtest", "--policy", filepath.Join(dir, "miners.policy"), "--output", "json"}, more...)...)
		if code != exitOK {
			t.Fatalf("exit %d: %s%s", code, stdout, stderr)
		}
		var found []map[string]any
		if err := json.Unmarshal([]byte(stdout), &found); err != nil {
			t.Fatal(err)
		}
		kills, err := json.Marshal(found[0]["kills"])
		if err != nil {
			t.Fatal(err)
		}
		events, _ = found[0]["events"].(float64)
		return string(kills), events
	}
	offline, n := ask(filepath.Join(dir, "host.jsonl"))
	for _, want := range []string{
		`"asked":9,`, `"killed":6,`, `"protected":1,`, `"disarmed":2,`, `{"name":"/opt/x/xmrig","times":6}`, `{"name":"www-data","times":6}`, `{"name":"c1","times":5}`,
		`"deniable":0,`, "sshd is protected", `"status":"rule_disarmed"`, `"target":"/opt/x/xmrig"`, `"scope":"container"`,
	} {
		if !strings.Contains(offline, want) {
			t.Errorf("a recording: %s is missing in %s", want, offline)
		}
	}
	if n != 10 {
		t.Errorf("%v events match in the recording", n)
	}
	var online string
	p.await("found", func() bool {
		online, n = ask("--from", "-1h")
		return n == 10
	})
	if online != offline {
		t.Errorf("stored events tell\n%s, a recording\n%s", online, offline)
	}
	// A program is protected on the host, not whatever has its path in a container.
	if protected, _ := ask("--from", "-1h", "--protect", "/opt/x/xmrig"); !strings.Contains(protected, `"killed":5,`) || !strings.Contains(protected, "/opt/x/xmrig is protected") {
		t.Errorf("with --protect: %s", protected)
	}
	const forbidding = "version: 1.0.0\nrules:\n  - {id: miners, expression: exec.file.path == \"/opt/x/xmrig\", actions: [{kill: {signal: SIGKILL}}]}\n"
	forbids := filepath.Join(seclFolder(t, map[string]string{"forbids.policy": forbidding}), "forbids.policy")
	for _, where := range [][]string{{"--from", "-1h"}, {filepath.Join(dir, "host.jsonl")}} {
		stdout, stderr, code := p.run(append([]string{"secl", "backtest", "--policy", forbids, "--output", "json"}, where...)...)
		if code != exitOK || !strings.Contains(strings.ReplaceAll(stdout, " ", ""), `"deniable":8`) {
			t.Errorf("a rule about a file alone: exit %d, %s%s", code, stdout, stderr)
		}
	}
	stdout, _, _ := p.run("secl", "backtest", "--policy", filepath.Join(dir, "miners.policy"), "--from", "-1h")
	for _, want := range []string{"would have killed 6 of 9 times: /opt/x/xmrig ×6", "stopped on web-1", "whatever else was in the same container"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("people are not told %q:\n%s", want, stdout)
		}
	}
}

// TestAPolicyOfTheEngineIsRehearsedByTheAPI holds that what a policy would have killed is told
// before anybody makes it blocking: of the engine's own by its id, of enabled rules only, and
// that what can't be asked is refused with its place.
func TestAPolicyOfTheEngineIsRehearsedByTheAPI(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	_, stored := minerRuns()
	p.call("POST", "/api/v2/logs", []byte("["+strings.Join(stored, ",")+"]"), nil)
	const rules, policies = "/api/v2/remote_config/products/cws/agent_rules", "/api/v2/remote_config/products/cws/policy"
	var made struct {
		Data struct{ ID string } `json:"data"`
	}
	p.call("POST", policies, []byte(`{"data": {"type": "policy", "attributes": {"name": "mine", "enabled": true}}}`), &made)
	policy := made.Data.ID
	for name, enabled := range map[string]bool{"miners": true, "off": false} {
		p.call("POST", rules, []byte(fmt.Sprintf(
			`{"data": {"type": "agent_rule", "attributes": {"name": %q, "enabled": %t, "expression": "exec.file.name == \"xmrig\"", "monitoring": [%q], "actions": [{"kill": {"signal": "SIGKILL"}}]}}}`, name, enabled, policy)), nil)
	}
	type found struct {
		Rule   string
		Events int
		Kills  struct{ Asked, Killed, Disarmed int }
	}
	var answer struct{ Rules []found }
	const path = "/api/nightjar/v1/agents/rehearsals"
	ask := func(more string) {
		p.call("POST", path, []byte(fmt.Sprintf(`{"policy_ids": [%q], "from": "now-1h", "to": "now"%s}`, policy, more)), &answer)
	}
	want := found{Rule: "miners", Events: 9}
	want.Kills.Asked, want.Kills.Killed, want.Kills.Disarmed = 9, 7, 2
	p.await("found", func() bool {
		ask("")
		return len(answer.Rules) == 1 && answer.Rules[0].Events == want.Events
	})
	if answer.Rules[0] != want {
		t.Errorf("it says %+v, want %+v", answer.Rules[0], want)
	}
	ask(`, "kill_limit": 2, "rules": ["miners"]`)
	if got := answer.Rules[0].Kills; got.Killed != 4 || got.Disarmed != 5 {
		t.Errorf("with an agent that stops after two: %+v", got)
	}
	stdout, stderr, code := p.run("secl", "backtest", "--policy-id", policy, "--from", "-1h")
	if code != exitOK || !strings.Contains(stdout, "would have killed 7 of 9 times") {
		t.Errorf("the command: exit %d: %s%s", code, stdout, stderr)
	}
	for body, why := range map[string]string{
		`{"from": "now-1h", "to": "now"}`:                                                     "policies: missing",
		`{"policy_ids": ["no-such-one"], "from": "now-1h", "to": "now"}`:                      "no-such-one",
		`{"policy_ids": ["` + policy + `"], "from": "now-1h", "to": "now", "rules": ["off"]}`: `no enabled rule \"off\"`,
		`{"policies": [{"text": "]"}], "from": "now-1h", "to": "now"}`:                        "policies[0]",
		`{"policy_ids": ["` + policy + `"], "from": "now-1h", "to": "now", "protect": ["x"]}`: "protect[0]: want the absolute path",
	} {
		if status, text, err := p.request("POST", path, []byte(body)); err != nil || !strings.Contains(string(text), why) {
			t.Errorf("%s: %d %s %v, want %q", body, status, text, err, why)
		}
	}
}
