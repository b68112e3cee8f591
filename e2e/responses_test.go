package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nightjar/agent/orders"
)

// handAgent is an agent that the test is: it enrols, and syncs when it is told to.
type handAgent struct {
	p       *process
	id, key string
	host    string
	last    orders.Orders
}

// enrol makes a host an agent.
func (p *process) enrol(host string) *handAgent {
	p.t.Helper()
	var token struct{ Key string }
	p.call(http.MethodPost, "/api/nightjar/v1/keys", []byte(`{"name":"token for `+host+` `+rand.Text()+`","role":"enroll"}`), &token)
	a := &handAgent{p: p, key: token.Key, host: host}
	var made struct{ Agent, Key string }
	if status := a.post("/api/nightjar/v1/agents/enroll", map[string]any{"host": host, "agent_version": "1", "kernel": "6.1", "tags": []string{}}, &made); status >= 300 {
		p.t.Fatalf("enrol: %d", status)
	}
	a.id, a.key = made.Agent, made.Key
	return a
}

func (a *handAgent) post(path string, body, into any) int {
	a.p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		a.p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(a.p.t.Context(), http.MethodPost, a.p.base+path, bytes.NewReader(text))
	if err != nil {
		a.p.t.Fatal(err)
	}
	r.Header.Set("DD-API-KEY", a.key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		a.p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK || answer.StatusCode == http.StatusCreated {
		if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
			a.p.t.Fatal(err)
		}
	}
	return answer.StatusCode
}

// sync tells the engine how the agent is, and takes its orders.
func (a *handAgent) sync(edit func(*orders.Sync)) orders.Orders {
	a.p.t.Helper()
	s := orders.Sync{Agent: a.id, Instance: "i", Host: a.host, AgentVersion: "1", Kernel: "6.1", Tags: []string{}, Sequence: a.last.Sequence, InForce: a.last.Policies.Version}
	if edit != nil {
		edit(&s)
	}
	var signed orders.Signed
	switch status := a.post("/api/nightjar/v1/agents/sync", s, &signed); status {
	case http.StatusNoContent:
	case http.StatusOK:
		a.last = orders.Orders{}
		if err := json.Unmarshal(signed.Payload, &a.last); err != nil {
			a.p.t.Fatal(err)
		}
	default:
		a.p.t.Fatalf("sync: %d", status)
	}
	return a.last
}

// signalAbout has a rule find an event of an agent, and returns the signal's id.
func (p *process) signalAbout(host string, pid int) string {
	p.t.Helper()
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"miner","message":"m","isEnabled":true,"type":"log_detection",
		"queries":[{"query":"source:runtime-security-agent @agent.rule_id:miner","groupByFields":["host"]}],"cases":[{"status":"high","condition":"a > 0","notifications":["@webhook-soc"]}],
		"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":600}}`), nil)
	text, err := json.Marshal(map[string]any{
		"timestamp": time.Now().UnixMilli(), "source": "runtime-security-agent", "hostname": host,
		"agent": map[string]any{"rule_id": "miner", "boot_id": "b00t", "process_start": 9_007_199_254_740_993}, "evt": map[string]any{"name": "exec"},
		"process": map[string]any{"pid": pid, "created_at": 1_772_366_340_000_000_123, "args": "-o pool", "user": "www-data", "file": map[string]any{"path": "/tmp/x", "inode": 7}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.call(http.MethodPost, "/api/v2/logs", text, nil)
	return p.theSignal(host)
}

// theSignal waits for a signal about a host, and returns its id.
func (p *process) theSignal(host string) (id string) {
	p.t.Helper()
	p.await("a signal about "+host, func() bool {
		out, _, _ := p.run("signals", "list", "host:"+host, "--output", "jsonl")
		var s struct{ ID string }
		_ = json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &s)
		id = s.ID
		return id != ""
	})
	return id
}

// respond runs the command, which must succeed, and returns the response's id.
func (p *process) respond(args ...string) string {
	p.t.Helper()
	out, errs, code := p.run(append([]string{"signals", "respond", "--output", "json", "--wait", "0", "--yes"}, args...)...)
	var r struct{ ID string }
	if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || r.ID == "" {
		p.t.Fatalf("exit %d, %v: %s %s", code, err, out, errs)
	}
	return r.ID
}

// shows fails where a command's output lacks something.
func (p *process) shows(want []string, args ...string) {
	p.t.Helper()
	out, errs, code := p.run(args...)
	for _, w := range want {
		if !strings.Contains(out+errs, w) {
			p.t.Errorf("nightjar %s (exit %d) does not show %q:\n%s%s", strings.Join(args, " "), code, w, out, errs)
		}
	}
}

// comesToShow is shows for what is written after what it tells of, by a worker that runs
// beside the call: the history of a signal, the audit log. The command only reads.
func (p *process) comesToShow(want []string, args ...string) {
	p.t.Helper()
	if !comesTrue(patience, func() bool {
		out, errs, _ := p.run(args...)
		return !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(out+errs, w) })
	}) {
		p.shows(want, args...)
	}
}

// TestAResponseReachesItsAgentAndItsEndTheSignal has the engine killed between all that
// happens: asked for, fetched, done, told.
func TestAResponseReachesItsAgentAndItsEndTheSignal(t *testing.T) {
	t.Parallel()
	hook := newSinkOf(t, "sesame")
	p := startEngine(t, "--allow-private-targets")
	p.call(http.MethodPost, targetsPath, []byte(fmt.Sprintf(`{"name":"soc","type":"webhook","url":%q,"secret":"sesame","on":["responded"]}`, hook.URL)), nil)
	id := p.signalAbout("web-1", 4711)
	p.await("the signal told", func() bool { return len(hook.told()[id]) == 1 })

	_, errs, code := p.run("signals", "respond", id, "kill", "--reason", "a miner", "--yes")
	if code == 0 || !strings.Contains(errs, "no agent enrolled on host") {
		t.Errorf("exit %d: %s", code, errs)
	}
	a := p.enrol("web-1")
	a.sync(nil)
	if _, errs, code := p.run("signals", "respond", id, "kill", "--reason", "a miner"); code == 0 || !strings.Contains(errs, "nothing was done") || !strings.Contains(errs, "/tmp/x[4711] -o pool by www-data") {
		t.Errorf("nobody said yes: exit %d: %s", code, errs)
	}
	if _, errs, code := p.run("signals", "respond", id, "kill", "--yes"); code != 2 || !strings.Contains(errs, "--reason") {
		t.Errorf("without a reason: exit %d: %s", code, errs)
	}
	r := p.respond(id, "kill", "--reason", "a miner", "--scope", "cgroup")
	p.kill()
	p.start()
	o := a.sync(nil)
	if len(o.Commands) != 1 || o.Commands[0].ID != r || o.Commands[0].Kill == nil || o.Commands[0].Kill.Scope != "cgroup" {
		t.Fatalf("the agent's orders: %+v", o)
	}
	if q := o.Commands[0].Kill.Process; q.PID != 4711 || q.Boot != "b00t" || q.SinceBoot != 9_007_199_254_740_993 || q.Executable != "/tmp/x" || q.Inode != 7 {
		t.Errorf("the process is %+v", q)
	}
	p.kill()
	p.start()
	done := func(s *orders.Sync) {
		s.Results = []orders.Result{{ID: r, Status: "partially_performed", Error: "one was protected", At: 1_772_366_400_000, Report: json.RawMessage(`{"type":"kill","killed":[4711]}`)}}
	}
	if o := a.sync(done); len(o.Commands) != 0 {
		t.Errorf("what was answered is ordered still: %+v", o.Commands)
	}
	p.kill()
	p.start()
	a.sync(done) // the agent did not hear that it was taken
	p.await("the response told", func() bool { return len(hook.told()[id]) == 2 })
	if got := fmt.Sprint(hook.told()[id]); got != "[opened responded]" {
		t.Errorf("told %s", got)
	}
	p.comesToShow([]string{"kill done: partially_performed: one was protected", "/tmp/x[4711] on web-1", "a miner"}, "signals", "get", id, "--output", "table")
	p.shows([]string{r, "done", "partially_performed: one was protected", `"killed"`}, "responses", "get", r)
	p.shows([]string{r, id, "web-1"}, "responses", "--signal", id)
	p.comesToShow([]string{"ResponseService/RespondToSignal", "kill /tmp/x[4711] on web-1: a miner", "response done", "partially_performed: one was protected", "begun"}, "audit", "list", "--output", "json")
}

// TestAnAgentThatIsAwayIsWaitedForUntilTheDeadline holds the ends of a response that no
// agent gives it, and the switch.
func TestAnAgentThatIsAwayIsWaitedForUntilTheDeadline(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	id := p.signalAbout("web-2", 12)
	a := p.enrol("web-2")
	r := p.respond(id, "collect", "--reason", "what is it", "--deadline", "1s")
	p.await("the deadline", func() bool {
		out, _, _ := p.run("responses", "get", r, "--output", "json")
		return strings.Contains(out, `"expired"`)
	})
	if o := a.sync(nil); len(o.Commands) != 0 {
		t.Errorf("ordered after the deadline: %+v", o.Commands)
	}
	p.comesToShow([]string{"collect expired", "/tmp/x[12] on web-2"}, "signals", "get", id, "--output", "table")

	r = p.respond(id, "kill", "--reason", "a miner")
	p.shows([]string{"cancelled"}, "responses", "cancel", r)
	isolated := p.respond(id, "isolate", "--reason", "ticket 1")
	if o := a.sync(nil); len(o.Commands) != 1 || o.Isolation == nil || o.Isolation.Reason != "ticket 1" {
		t.Errorf("not to be isolated: %+v", o)
	}
	a.sync(func(s *orders.Sync) {
		s.Results = []orders.Result{{ID: isolated, Status: "performed"}}
		s.Isolated = true
	})

	p.shows([]string{"disarmed", "a drill", "isolated again when agents are armed: web-2"}, "agents", "disarm", "--reason", "a drill")
	if o := a.sync(func(s *orders.Sync) { s.WaitSeconds = 5 }); !o.Disarmed || o.Isolation != nil {
		t.Errorf("not disarmed: %+v", o)
	}
	p.shows([]string{"all agents are disarmed"}, "agents")
	p.shows([]string{"all agents are disarmed"}, "status")
	p.shows([]string{"nothing is killed or blocked until"}, "signals", "respond", id, "kill", "--reason", "r", "--yes")
	p.shows([]string{"armed", "isolated: web-2"}, "agents", "arm", "--reason", "mended")
	if o := a.sync(nil); o.Disarmed || o.Isolation == nil {
		t.Errorf("not armed: %+v", o)
	}
	p.shows([]string{"release", "waiting"}, "responses", "create", "release", "--host", "web-2", "--reason", "mended", "--yes", "--wait", "0")
	if o := a.sync(nil); o.Isolation != nil {
		t.Errorf("isolated still: %+v", o.Isolation)
	}
	p.comesToShow([]string{"ResponseService/DisarmAgents", "a drill", "ResponseService/ArmAgents"}, "audit", "list", "--output", "json")
}

// TestAHostThatEnrolsAnewStaysIsolated over a kill, as both ends and the audit log say, until
// it is released: then its earlier agent is too, but for one that is heard of beside it.
func TestAHostThatEnrolsAnewStaysIsolated(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	ask := func(action string, to *handAgent) string {
		t.Helper()
		out, errs, code := p.run("responses", "create", action, "--agent", to.id, "--reason", "ticket 4711", "--output", "json", "--wait", "0", "--yes")
		var r struct{ ID string }
		if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || r.ID == "" {
			t.Fatalf("%s: exit %d, %v: %s %s", action, code, err, out, errs)
		}
		return r.ID
	}
	perform := func(action string, by *handAgent) {
		t.Helper()
		id := ask(action, by)
		if o := by.sync(nil); len(o.Commands) != 1 || o.Commands[0].ID != id {
			t.Fatalf("%s: its orders: %+v", action, o)
		}
		by.sync(func(s *orders.Sync) {
			s.Results = []orders.Result{{ID: id, Status: "performed", At: 1_772_366_400_000}}
		})
	}
	isolated := func(a *handAgent) bool {
		t.Helper()
		return a.sync(nil).Isolation != nil
	}
	one := p.enrol("web-1")
	one.sync(nil)
	perform("isolate", one)
	again, other := p.enrol("web-1"), p.enrol("web-2")
	if o := again.sync(nil); o.Isolation == nil || o.Isolation.Reason != "the host enrolled anew: ticket 4711" || len(o.Commands) != 0 {
		t.Errorf("enrolling anew lets the host back: %+v", o)
	}
	if isolated(other) {
		t.Error("another host is isolated")
	}
	p.kill()
	p.start()
	if !isolated(again) {
		t.Error("a kill of the engine lets the host back")
	}
	p.shows([]string{"isolate", "web-1", "done", "the host enrolled anew: ticket 4711"}, "responses", "--host", "web-1")
	p.comesToShow([]string{"response done", "isolate host web-1", again.id, "the host enrolled anew: ticket 4711"}, "audit", "list", "--kind", "response", "--output", "json")

	perform("release", again)
	if isolated(again) || isolated(one) || isolated(p.enrol("web-1")) {
		t.Error("released, the host or an agent of it is isolated")
	}
	p.comesToShow([]string{"for the host's earlier agents too: " + one.id}, "audit", "list", "--kind", "response", "--output", "json")

	perform("isolate", one) // which is heard of after another enrolled under its name
	mallory := p.enrol("web-1")
	if !isolated(mallory) || !isolated(one) {
		t.Error("enrolling under its name lets the host back")
	}
	perform("release", mallory)
	if isolated(mallory) || !isolated(one) {
		t.Error("the release of another machine lets the host back")
	}
}
