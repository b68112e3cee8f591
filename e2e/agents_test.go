package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

// report is the event that carries a report of an agent.
func report(t *testing.T, host string, r schema.AgentReport) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"timestamp": time.Now().UnixMilli(), "source": schema.AgentSource, "host": host,
		"attributes": map[string]any{"agent": map[string]any{"rule_id": r.RuleID(), "report": r}, "evt": map[string]any{"name": r.RuleID()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What agents report is shown, as it stands at the newest report of each, also after
// a crash; and what they lost is a gap of the rules that could have matched it, and of
// no others.
func TestLossesOfAgentsAreGapsOfTheRulesOverTheirEvents(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	rule := func(query string) string {
		var made struct{ ID string }
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(fmt.Sprintf(`{"name":"n","message":"m","isEnabled":true,"type":"log_detection",
			"queries":[{"query":%q,"groupByFields":["host"]}],"cases":[{"status":"low","condition":"a > 0"}],
			"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":600}}`, query)), &made)
		return made.ID
	}
	over := []string{rule("@agent.rule_id:(a || b)"), rule("source:runtime-security-agent @evt.name:exec")}
	not := rule("source:sshd Failed")
	first := schema.AgentReport{Instance: "i1", Version: "1", Kernel: "6.1", From: 1000, To: 2000, Generated: 10, Delivered: 4, Filtered: 6}
	lossy := first
	lossy.From, lossy.To, lossy.Generated, lossy.Lost = 2000, 3000, 20, map[string]uint64{"ring_full": 7, "path": 3}
	lossy.LostSince = lossy.Lost
	lossy.Unsupported = []schema.AgentUnsupported{{Event: "load_module", Reason: "no modules"}}
	other := schema.AgentReport{Instance: "i2", From: 1000, To: 2000, Stopping: true, Blind: &schema.AgentGap{From: 500, To: 1000, Reason: "it was stopped"}}
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+report(t, "web-1", first)+","+report(t, "web-2", other)+"]"), nil)
	p.call(http.MethodPost, "/api/v2/logs", []byte("["+report(t, "web-1", lossy)+`,{"ddsource":"runtime-security-agent","agent":{"rule_id":"lost_events"}}]`), nil)
	p.caughtUp()

	p.kill()
	p.start()
	p.caughtUp()
	out, errs, code := p.run("agents", "--output", "json")
	var agents []struct {
		Host, State string
		Generated   uint64
		Lost        map[string]uint64
		Unsupported []schema.AgentUnsupported
	}
	if err := json.Unmarshal([]byte(out), &agents); code != 0 || err != nil {
		t.Fatalf("exit %d, %v: %s %s", code, err, out, errs)
	}
	if got := fmt.Sprint(agents); got != "[{web-1 reporting 20 map[path:3 ring_full:7] [{load_module no modules}]} {web-2 stopped 0 map[] []}]" {
		t.Errorf("agents %s", got)
	}
	out, _, _ = p.run("agents")
	for _, want := range []string{"10 (path 3, ring_full 7)", "load_module", "stopped"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, id := range over {
		out, _, _ := p.run("coverage", id)
		if strings.Count(out, "lost") != 3 || !strings.Contains(out, "the agent on web-1 lost events: path 3, ring_full 7") || !strings.Contains(out, "the agent on web-2 did not watch: it was stopped") {
			t.Errorf("no single gap of each agent in\n%s", out)
		}
	}
	if out, _, _ := p.run("coverage", not); strings.Contains(out, "lost") {
		t.Errorf("a gap in the coverage of a rule that reads no events of agents:\n%s", out)
	}
	_, metrics, err := p.request(http.MethodGet, "/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`nightjar_agents{state="reporting"} 1`, `nightjar_agents{state="stopped"} 1`, `nightjar_agent_lost_events{cause="ring_full",host="web-1",instance="i1"} 7`} {
		if !strings.Contains(string(metrics), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}
