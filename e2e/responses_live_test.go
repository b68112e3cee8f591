package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// liveAgent is an agent of this host that has enrolled. It can be killed, and started again.
type liveAgent struct {
	p     *process
	args  []string
	said  *lockedBuffer
	child *exec.Cmd
}

// agentOfThisHost runs an agent that enrols under a name, and waits until it watches. The
// words before are what runs it.
func (p *process) agentOfThisHost(host string, before []string, args ...string) *liveAgent {
	p.t.Helper()
	var token struct{ Key string }
	p.call(http.MethodPost, "/api/nightjar/v1/keys", []byte(`{"name":"token for `+host+`","role":"enroll"}`), &token)
	a := &liveAgent{p: p, args: append(append(before, p.path, "agent", "--server", p.base, "--enroll", token.Key, "--state-dir", p.t.TempDir(), "--hostname", host), args...)}
	p.t.Cleanup(func() { a.end(syscall.SIGTERM) })
	a.start()
	return a
}

func (a *liveAgent) start() {
	a.p.t.Helper()
	a.said = &lockedBuffer{}
	a.child = exec.Command(a.args[0], a.args[1:]...)
	a.child.Stdout, a.child.Stderr = a.said, a.said
	if err := a.child.Start(); err != nil {
		a.p.t.Fatal(err)
	}
	a.p.await("an agent that watches", func() bool { return strings.Contains(a.said.String(), agentWatches) })
}

// end ends it by a signal, if it runs.
func (a *liveAgent) end(by syscall.Signal) {
	if a.child == nil {
		return
	}
	_ = a.child.Process.Signal(by) // it may have ended
	_ = a.child.Wait()
	a.child = nil
	if a.p.t.Failed() {
		a.p.t.Logf("the agent said:\n%s", a.said)
	}
}

// watchesFor has agents watch for a program, and waits until they do.
func (p *process) watchesFor(rule, path string) {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"data": map[string]any{"type": "agent_rule", "attributes": map[string]any{"name": rule, "expression": fmt.Sprintf("exec.file.path == %q", path)}}})
	if err != nil {
		p.t.Fatal(err)
	}
	versions := func() (inForce, wanted uint64) {
		var answer struct {
			Agents []struct {
				InForce uint64 `json:"policies_in_force"`
				Wanted  uint64 `json:"policies_wanted"`
			}
		}
		p.call(http.MethodGet, "/api/nightjar/v1/agents", nil, &answer)
		for _, a := range answer.Agents {
			if a.Wanted > 0 {
				return a.InForce, a.Wanted
			}
		}
		return 0, 0
	}
	p.await("the first policies in force", func() bool { in, wanted := versions(); return in > 0 && in == wanted })
	before, _ := versions()
	p.call(http.MethodPost, "/api/v2/remote_config/products/cws/agent_rules", body, nil)
	p.await("the policies with the rule in force", func() bool { in, wanted := versions(); return in > before && in == wanted })
}

// sleeperAt copies a program that sleeps, and returns a function that starts it.
func sleeperAt(t *testing.T, path string) func() *exec.Cmd {
	t.Helper()
	text, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := writeProgram(path, text); err != nil {
		t.Fatal(err)
	}
	return func() *exec.Cmd {
		c := exec.Command(path, "600")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		return c
	}
}

// wasKilled reports whether a child of the test has ended by SIGKILL.
func wasKilled(c *exec.Cmd) bool {
	var s syscall.WaitStatus
	pid, err := syscall.Wait4(c.Process.Pid, &s, syscall.WNOHANG, nil)
	return err == nil && pid == c.Process.Pid && s.Signaled() && s.Signal() == syscall.SIGKILL
}

// TestWhatASignalIsAboutIsKilledByItsAgent goes the whole way, with the kernel's events, on
// this host: a program is started, a rule of the agent sees it, a rule of the engine makes
// a signal of that; its process tree is collected; the agent is killed, the kill asked for
// meanwhile is done when it is back, once, and its end is in the signal, in the audit log,
// and told.
func TestWhatASignalIsAboutIsKilledByItsAgent(t *testing.T) {
	requireEBPF(t)
	hook := newSinkOf(t, "sesame")
	p := startEngine(t, "--allow-private-targets")
	p.call(http.MethodPost, targetsPath, []byte(fmt.Sprintf(`{"name":"soc","type":"webhook","url":%q,"secret":"sesame","on":["responded"]}`, hook.URL)), nil)
	a := p.agentOfThisHost("here", nil)
	path := filepath.Join(t.TempDir(), "sleeper")
	start := sleeperAt(t, path)
	p.watchesFor("sleeper_started", path)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"sleeper","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"query":"source:runtime-security-agent @agent.rule_id:sleeper_started","groupByFields":["host"]}],"cases":[{"status":"high","condition":"a > 0","notifications":["@webhook-soc"]}],
		"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":600}}`), nil)
	first := start()
	id := p.theSignal("here")

	began := time.Now()
	out, errs, code := p.run("signals", "respond", id, "collect", "--reason", "what is it", "--wait", patience.String())
	for _, want := range []string{fmt.Sprintf("* %s[%d]", path, first.Process.Pid), path + " 600", "↑ ", fmt.Sprintf("[%d]", os.Getpid())} {
		if code != 0 || !strings.Contains(out, want) {
			t.Fatalf("collect: exit %d, no %q in\n%s%s", code, want, out, errs)
		}
	}
	t.Logf("a process tree was asked for, collected and shown in %s", time.Since(began).Round(10*time.Millisecond))
	a.end(syscall.SIGKILL)
	r := p.respond(id, "kill", "--reason", "a miner")
	p.shows([]string{"waiting", "last heard of"}, "responses", "get", r)
	a.start()
	p.await("the process killed", func() bool { return wasKilled(first) })
	p.await("the response done", func() bool {
		out, _, _ := p.run("responses", "get", r, "--output", "json")
		return strings.Contains(out, `"done"`)
	})
	p.shows([]string{"performed", `"killed_at"`, "pidfd"}, "responses", "get", r)
	p.comesToShow([]string{"collect done: performed", "kill done: performed", "a miner"}, "signals", "get", id, "--output", "table")
	p.comesToShow([]string{"response done", fmt.Sprintf("%s: kill %s[%d] on here", r, path, first.Process.Pid)}, "audit", "list", "--output", "json")
	p.await("both responses told", func() bool { return fmt.Sprint(hook.told()[id]) == "[opened responded responded]" })

	// The same once more: the process is gone, and one that has its place is not hit.
	second := start()
	p.await("an event that the signal does not show by itself", func() bool {
		_, errs, _ := p.run("signals", "respond", id, "kill", "--pid", fmt.Sprint(second.Process.Pid), "--reason", "r")
		return strings.Contains(errs, fmt.Sprintf("%s[%d]", path, second.Process.Pid))
	})
	_, errs, code = p.run("signals", "respond", id, "kill", "--pid", fmt.Sprint(first.Process.Pid), "--reason", "again", "--yes", "--wait", patience.String())
	if code == 0 || !strings.Contains(errs, "failed") || !strings.Contains(errs, "aborted") {
		t.Errorf("a process that is gone: exit %d: %s", code, errs)
	}

	// The switch: nothing is killed on the host, and both ends say so.
	p.shows([]string{"all agents are disarmed"}, "agents", "disarm", "--reason", "a drill")
	p.await("an agent that is disarmed", func() bool {
		var s struct {
			AgentsDisarmed int `json:"agents_disarmed"`
		}
		p.call(http.MethodGet, "/api/nightjar/v1/agents/arming", nil, &s)
		return s.AgentsDisarmed == 1
	})
	p.shows([]string{"nothing is killed or blocked until"}, "responses", "create", "isolate", "--host", "here", "--reason", "r", "--yes")
	if wasKilled(second) {
		t.Error("another process of the same program was hit")
	}
}
