package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rolloutState is how far policies are.
type rolloutState struct {
	State, Reason string
	Version       uint64
}

func (p *process) rollout() (now rolloutState) {
	p.t.Helper()
	p.call(http.MethodGet, "/api/nightjar/v1/agents/rollout", nil, &now)
	return now
}

// follows reports whether the agent of a host follows the newest policies.
func (p *process) follows(host string) bool {
	p.t.Helper()
	newest := p.rollout().Version
	for _, a := range p.fleet() {
		if a.Host == host {
			return newest > 0 && a.InForce == newest
		}
	}
	return false
}

// stages has later changes reach the canaries first, which are watched for so long.
func (p *process) stages(soak string) {
	p.t.Helper()
	p.call(http.MethodPut, "/api/nightjar/v1/agents/rollout", fmt.Appendf(nil, `{"stages": [{"tags": ["ring:canary"], "soak": %q}, {"percent": 100, "soak": "1s"}]}`, soak), nil)
}

// TestARolloutGoesOnOrStopsByItselfInRealTime holds that a change reaches the other agents
// when its canary did no worse for the time that was said, and that it reaches none of them
// when the canary denies what was not denied before: with real agents and the system's clock.
func TestARolloutGoesOnOrStopsByItselfInRealTime(t *testing.T) {
	t.Parallel()
	requireEBPF(t)
	p := startEngine(t)
	p.agentOfThisHost("canary", nil, "--tag", "ring:canary")
	p.agentOfThisHost("other", nil)
	p.awaitFor(time.Minute, "agents that follow the default policy", func() bool { return p.follows("canary") && p.follows("other") })

	t.Cleanup(func() {
		if t.Failed() && !t.Skipped() {
			t.Logf("the rollout: %+v; agents: %+v", p.rollout(), p.fleet())
		}
	})
	p.stages("2s")
	before := p.rollout().Version
	p.agentRule("harmless", `exec.file.path == "/nowhere/at/all"`)
	p.awaitFor(time.Minute, "the change with all agents", func() bool {
		return p.rollout().Version > before && p.rollout().State == "done" && p.follows("canary") && p.follows("other")
	})

	p.stages("10m")
	program := filepath.Join(t.TempDir(), "worker")
	text, err := os.ReadFile("/bin/true")
	if err == nil {
		err = os.WriteFile(program, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Data struct{ ID string } }
	p.call(http.MethodPost, "/api/v2/remote_config/products/cws/policy", []byte(`{"data": {"type": "policy", "attributes": {"name": "too-eager", "enabled": true, "mode": "blocking"}}}`), &made)
	p.call(http.MethodPost, "/api/v2/remote_config/products/cws/agent_rules", fmt.Appendf(nil,
		`{"data": {"type": "agent_rule", "attributes": {"name": "worker", "enabled": true, "expression": %q, "blocking": [%q], "actions": [{"kill": {"signal": "SIGKILL"}}]}}}`,
		fmt.Sprintf("exec.file.path == %q", program), made.Data.ID), nil)
	// Whether the rule is in force is seen by what it does: until then, the program runs.
	denied := 0
	p.awaitFor(2*time.Minute, "a rollout that stopped", func() bool {
		if exec.Command(program).Run() != nil {
			denied++
		}
		return p.rollout().State == "stopped"
	})
	if now := p.rollout(); !strings.Contains(now.Reason, "killed or denied") || !strings.Contains(now.Reason, "canary") {
		t.Errorf("it stopped because of %q", now.Reason)
	}
	if denied == 0 {
		t.Error("nothing was denied: the test shows nothing")
	}
	if p.follows("other") || !p.follows("canary") {
		t.Errorf("who follows what: %+v", p.fleet())
	}
}
