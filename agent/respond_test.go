package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/process"
	"nightjar/agent/respond"
	"nightjar/secl/policy"
)

// program puts a copy of a program of the host into the test's folder: only what is
// there may be killed.
func program(t testing.TB, dir, name, like string) string {
	t.Helper()
	text, err := os.ReadFile(like)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, name)
	if err := writeProgram(at, text); err != nil {
		t.Fatal(err)
	}
	return at
}

// as runs a copy of a program under the name that it expects: where the host's programs
// are all one file (busybox), that tells it what to do.
func as(name, copied string, args ...string) *exec.Cmd {
	c := exec.Command(copied, args...)
	c.Args[0] = name
	return c
}

// killing runs an agent with the rules of a policy in a mode.
func killing(t testing.TB, mode policy.Mode, rules string, change ...func(*Config, *watched)) *watched {
	t.Helper()
	p, problems := policy.Read("kill.policy", []byte("version: 1.0.0\nrules:\n"+rules))
	for _, problem := range problems {
		t.Fatal(problem)
	}
	p.Mode = mode
	return watch(t, "", append([]func(*Config, *watched){func(c *Config, _ *watched) { c.Policies, c.NoDeny = []*policy.Policy{p}, true }}, change...)...)
}

// killRule is a rule that kills.
func killRule(id, expression, more string) string {
	return "- id: " + id + "\n  expression: '" + expression + "'\n  actions: [{kill: {signal: SIGKILL" + more + "}}]\n"
}

// actions are the reports of a match.
func actions(t testing.TB, f found) []map[string]any {
	t.Helper()
	list, _ := f.json["agent"].(map[string]any)["rule_actions"].([]any)
	var out []map[string]any
	for _, one := range list {
		out = append(out, one.(map[string]any))
	}
	return out
}

func statusOf(c *exec.Cmd) syscall.Signal {
	if w, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return w.Signal()
	}
	return 0
}

// TestARuleKillsTheProcessOfItsEvent holds the way through user space: what a rule
// matched that does not reduce to a file is killed by pidfd, and the event says so.
func TestARuleKillsTheProcessOfItsEvent(t *testing.T) {
	sleep := program(t, t.TempDir(), "sleeper", "/bin/sleep")
	rule := killRule("sleeper", `exec.file.path == "`+sleep+`" && exec.argv in ["60"]`, "")
	w := killing(t, policy.Blocking, rule)
	c := as("sleep", sleep, "60")
	began := time.Now()
	_ = c.Run()
	if statusOf(c) != syscall.SIGKILL {
		t.Fatalf("it ended with %v", c.ProcessState)
	}
	list := actions(t, w.one("sleeper", c.Process.Pid))
	if len(list) != 1 {
		t.Fatalf("the reports are %v", list)
	}
	r := list[0]
	for name, want := range map[string]any{"type": "kill", "status": "performed", "mechanism": "pidfd", "signal": "SIGKILL", "scope": "process"} {
		if r[name] != want {
			t.Errorf("%s is %v, want %v", name, r[name], want)
		}
	}
	last := began
	for _, name := range []string{"created_at", "detected_at", "killed_at", "exited_at"} {
		text, _ := r[name].(string)
		at, err := time.Parse(time.RFC3339Nano, text)
		const slack = 20 * time.Millisecond // between the clocks of the kernel and of Go
		if err != nil || at.Before(last.Add(-slack)) {
			t.Errorf("%s is %q, after %s", name, text, last)
		}
		last = at
	}
	if r["ttr"] == nil || r["time_to_react"] == nil || !strings.HasPrefix(r["already_happened"].(string), "the program had been running for ") {
		t.Errorf("the report is %v", r)
	}
	w.stop()
	if w.last.Kills != 1 || w.last.Rules["sleeper"].Kills != 1 {
		t.Errorf("the account is %+v", w.last)
	}
}

// TestAMonitoringPolicyKillsNothing holds that the same rule only records there.
func TestAMonitoringPolicyKillsNothing(t *testing.T) {
	sleep := program(t, t.TempDir(), "sleeper", "/bin/sleep")
	w := killing(t, policy.Monitoring, killRule("sleeper", `exec.file.path == "`+sleep+`"`, ""))
	c := as("sleep", sleep, "0.2")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if r := actions(t, w.one("sleeper", c.Process.Pid))[0]; r["status"] != "would_have_performed" || r["killed_at"] != nil {
		t.Errorf("the report is %v", r)
	}
}

// TestTheSwitchStopsKilling holds that the socket's disarm does, that status tells it,
// and that it is kept for the next agent.
func TestTheSwitchStopsKilling(t *testing.T) {
	sleep, state := program(t, t.TempDir(), "sleeper", "/bin/sleep"), t.TempDir()
	rule := killRule("sleeper", `exec.file.path == "`+sleep+`"`, "")
	in := func(c *Config, _ *watched) { c.StateDir = state }
	w := killing(t, policy.Blocking, rule, in)
	run := func(w *watched, want string) {
		t.Helper()
		c := as("sleep", sleep, "0.2")
		_ = c.Run()
		if r := actions(t, w.one("sleeper", c.Process.Pid))[0]; r["status"] != want {
			t.Errorf("the report is %v, want %s", r, want)
		}
		if killed := statusOf(c) != 0; killed != (want == "performed") {
			t.Errorf("it ended with %v", c.ProcessState)
		}
	}
	run(w, "performed")
	s, err := Tell(state, Order{Do: "disarm", Why: "a test"})
	if err != nil || !strings.Contains(s.Switch, "a test") {
		t.Fatal(s, err)
	}
	run(w, "rule_dismantled")
	w.stop()
	w = killing(t, policy.Blocking, rule, in)
	run(w, "rule_dismantled")
	if s, err = Tell(state, Order{Do: "arm"}); err != nil || s.Switch != "" {
		t.Fatal(s, err)
	}
	run(w, "performed")
	if s.Rules["sleeper"] == nil || s.Rules["sleeper"].Counts != (respond.Counts{Disarmed: 1}) {
		t.Errorf("the status tells %+v", s.Rules["sleeper"])
	}
}

// TestWhoReadsEventsRunsFirstWhereRulesKill holds that it does so there only, and not
// while there is more to read than it gets done.
func TestWhoReadsEventsRunsFirstWhereRulesKill(t *testing.T) {
	rule := killRule("r", `exec.file.path == "/nowhere"`, "")
	first := func(w *watched, before func()) (out bool) {
		t.Helper()
		if err := w.agent.Do(t.Context(), func(*process.Cache) {
			before()
			attr, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				t.Error(err)
				return
			}
			out = attr.Policy == unix.SCHED_RR || attr.Nice < 0
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	nothing := func() {}
	w := killing(t, policy.Monitoring, rule)
	if first(w, nothing) {
		t.Error("it runs first where rules only monitor")
	}
	w.stop()
	w = killing(t, policy.Blocking, rule)
	if !first(w, nothing) {
		t.Error("it does not run first")
	}
	if first(w, func() { w.agent.priority.flooded(true) }) {
		t.Error("it runs first in a flood")
	}
	if !first(w, func() { w.agent.priority.flooded(false) }) {
		t.Error("it does not run first after a flood")
	}
}
