package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	bookOfResponses "nightjar/agent/responses"
	"nightjar/api/access"
	"nightjar/api/access/audit"
	"nightjar/api/services/responses"
	"nightjar/api/services/signals"
	"nightjar/schema"
)

// agentEvent is a sample of a signal: an event of an agent about a process.
func agentEvent(host string, pid int, executable string) string {
	return fmt.Sprintf(`{"eventId":"e%d","queryIndex":0,"content":{"timestamp":"2026-03-01T11:59:0%d.000Z","source":"runtime-security-agent","host":%q,"service":"","status":"","message":"","tags":[],
		"custom":{"agent":{"rule_id":"miner","boot_id":"b00t","process_start":%d000},"evt":{"name":"exec"},"process":{"pid":%d,"created_at":1772366340000000000,"args":"--secret-9","user":"www-data","file":{"path":%q,"inode":7}},"container":{"id":""}}}}`,
		pid, pid%10, host, pid, pid, executable)
}

// withSignal has the world show a signal of these samples, and agents on hosts a and b.
func (w *world) withSignal(samples ...string) {
	doc := fmt.Sprintf(`{"nightjar":{"events":%d},"samples":[%s]}`, len(samples), strings.Join(samples, ","))
	w.signals = []signals.Signal{{ID: "s1", At: schema.MillisOf(testNow), Attributes: doc}}
	w.agents = []responses.Agent{{ID: "agent-a", Host: "a", LastContact: schema.MillisOf(testNow)}, {ID: "agent-b", Host: "b"}}
}

func (w *world) keyOf(t *testing.T, r access.Role) string {
	t.Helper()
	_, key, err := w.guard().Keys.Create(t.Context(), access.Key{Name: string(r), Role: r})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const respondPath = "/api/nightjar/v1/signals/s1/respond"

// TestEachActionNeedsItsPermission asks for every action with every role, about a signal
// and without one, and takes it back with every role.
func TestEachActionNeedsItsPermission(t *testing.T) {
	need := map[string]access.Permission{
		"kill": access.KillProcesses, "isolate": access.IsolateHosts, "release": access.IsolateHosts, "collect": access.CollectProcesses,
	}
	for action, permission := range need {
		w := newWorld()
		w.withSignal(agentEvent("a", 11, "/tmp/x"))
		s := w.start(t)
		for _, p := range everybody(t, w) {
			want := p.expects(permission)
			got, text := call(t, s, "POST", respondPath, fmt.Sprintf(`{"action":%q,"reason":"a drill"}`, action), "DD-API-KEY", p.key)
			checkAnswer(t, action+" of a signal", p, got, want, text)
			if want == 0 && got != http.StatusCreated {
				t.Errorf("%s of a signal by %s: %d %s", action, p.name, got, text)
			}
			got, text = call(t, s, "POST", "/api/nightjar/v1/responses", fmt.Sprintf(`{"action":%q,"reason":"a drill","host":"a","process":{"pid":11,"executable":"/tmp/x","boot":"b","since_boot":5}}`, action), "DD-API-KEY", p.key)
			checkAnswer(t, action+" of a host", p, got, want, text)
			if want == 0 && got != http.StatusCreated {
				t.Errorf("%s of a host by %s: %d %s", action, p.name, got, text)
			}
			waiting := w.responses.List(bookOfResponses.Query{State: bookOfResponses.Waiting})
			if len(waiting) == 0 {
				if _, err := w.responses.Create(t.Context(), bookOfResponses.Response{Action: bookOfResponses.Action(action), Agent: "agent-a", Host: "a", Reason: "r",
					Process: processOf11(), Deadline: schema.MillisOf(testNow) + 60_000}); err != nil {
					t.Fatal(err)
				}
				waiting = w.responses.List(bookOfResponses.Query{State: bookOfResponses.Waiting})
			}
			got, text = call(t, s, "POST", "/api/nightjar/v1/responses/"+waiting[0].ID+"/cancel", "{}", "DD-API-KEY", p.key)
			checkAnswer(t, "taking back "+action, p, got, want, text)
		}
	}
}

func processOf11() *bookOfResponses.Process {
	p := &bookOfResponses.Process{}
	p.PID, p.Executable, p.Boot, p.SinceBoot = 11, "/tmp/x", "b", 5
	return p
}

// TestAResponseIsWrittenDownBeforeItIsThere holds the table: who, what, when, why; and that
// nothing is asked of an agent that could not be written down.
func TestAResponseIsWrittenDownBeforeItIsThere(t *testing.T) {
	w := newWorld()
	w.withSignal(agentEvent("a", 11, "/tmp/x"))
	s := w.start(t)
	key := w.keyOf(t, access.Responder)
	w.audit = nil
	if got, text := call(t, s, "POST", respondPath, `{"action":"kill","reason":"a miner","process":{"pid":11}}`, "DD-API-KEY", key); got != http.StatusCreated {
		t.Fatalf("%d %s", got, text)
	}
	if len(w.audit) != 2 {
		t.Fatalf("written down: %+v", w.audit)
	}
	begun, done := w.audit[0], w.audit[1]
	if begun.Outcome != audit.Begun || begun.Kind != "response" || begun.Action != "ResponseService/RespondToSignal" || begun.Caller != "responder" || begun.Object != "s1" || begun.Detail != "kill [11]: a miner" {
		t.Errorf("before: %+v", begun)
	}
	id := w.responses.List(bookOfResponses.Query{})[0].ID
	if done.Outcome != audit.Done || done.Object != id+": kill /tmp/x[11] on a" || strings.Contains(begun.Detail+done.Object+done.Detail, "secret") {
		t.Errorf("after: %+v", done)
	}
	w.auditFails = fmt.Errorf("the disk is full")
	if got, text := call(t, s, "POST", respondPath, `{"action":"kill","reason":"a miner"}`, "DD-API-KEY", key); got < 500 {
		t.Errorf("%d %s", got, text)
	}
	if n := len(w.responses.List(bookOfResponses.Query{})); n != 1 {
		t.Errorf("%d responses, though the second was not written down", n)
	}
}

// TestWhereATargetIsNotOneTheAnswerListsThem holds how a target is found in a signal.
func TestWhereATargetIsNotOneTheAnswerListsThem(t *testing.T) {
	w := newWorld()
	w.withSignal(agentEvent("a", 11, "/tmp/x"), agentEvent("a", 12, "/tmp/y"), agentEvent("b", 13, "/tmp/z"), agentEvent("a", 11, "/tmp/x"),
		`{"eventId":"e9","content":{"source":"sshd","host":"c","custom":{"process":{"pid":14}}}}`)
	s := w.start(t)
	key := w.keyOf(t, access.Responder)
	for _, x := range []struct {
		body   string
		status int
		want   []string
	}{
		{`{"action":"kill","reason":"r"}`, 409, []string{"several targets", "/tmp/x", "/tmp/y", "/tmp/z", "process.pid"}},
		{`{"action":"isolate","reason":"r"}`, 409, []string{"several targets", `"a"`, `"b"`}},
		{`{"action":"kill","reason":"r","process":{"pid":99}}`, 400, []string{"names such a target"}},
		{`{"action":"kill","reason":"r","process":{"pid":14}}`, 400, []string{"names such a target"}},
		{`{"action":"kill","reason":"r","process":{"pid":11,"executable":"/tmp/y"}}`, 400, []string{"names such a target"}},
		{`{"action":"kill","reason":"r","host":"c","process":{"pid":11}}`, 400, []string{"names such a target"}},
		{`{"action":"kill","reason":"r","agent":"nobody","process":{"pid":11}}`, 400, []string{"no agent", "nobody"}},
		{`{"action":"kill","reason":"","process":{"pid":11}}`, 400, []string{"reason"}},
		{`{"action":"kill","reason":"r","process":{"pid":11},"scope":"container"}`, 400, []string{"in no container"}},
		{`{"action":"kill","reason":"r","process":{"pid":11},"scope":"host"}`, 400, []string{"scope"}},
		{`{"action":"kill","reason":"r","process":{"pid":11},"signal_name":"SIGNAL"}`, 400, []string{"SIGKILL"}},
		{`{"action":"kill","reason":"r","process":{"pid":11},"deadline_seconds":-1}`, 400, []string{"deadline_seconds"}},
		{`{"action":"reboot","reason":"r"}`, 400, []string{"isolate"}},
		{`{"action":"kill","reason":"r","process":{"pid":11}}`, 201, []string{`"since_boot":"11000"`, `"executable":"/tmp/x"`, `"boot":"b00t"`, `"agent":"agent-a"`, `"state":"waiting"`, `"scope":"process"`, `"signal_name":"SIGKILL"`}},
		{`{"action":"isolate","reason":"r","host":"b"}`, 201, []string{`"agent":"agent-b"`, `"target":"host b"`}},
	} {
		got, text := call(t, s, "POST", respondPath, x.body, "DD-API-KEY", key)
		if got != x.status {
			t.Errorf("%s: %d, want %d: %s", x.body, got, x.status, text)
		}
		for _, want := range x.want {
			if !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), want) {
				t.Errorf("%s: no %s in %s", x.body, want, text)
			}
		}
	}
	if got, text := call(t, s, "POST", "/api/nightjar/v1/responses", `{"action":"kill","reason":"r","host":"a","process":{"pid":11}}`, "DD-API-KEY", key); got != 400 || !strings.Contains(text, "when it started") {
		t.Errorf("a pid alone: %d %s", got, text)
	}
	if got, text := call(t, s, "POST", "/api/nightjar/v1/responses", `{"action":"isolate","reason":"r","host":"nowhere"}`, "DD-API-KEY", key); got != 400 || !strings.Contains(text, "no agent enrolled") {
		t.Errorf("a host without an agent: %d %s", got, text)
	}
	_, text := call(t, s, "GET", respondPath, "", "DD-API-KEY", key)
	var targets struct {
		Targets []struct {
			Host   string
			Agents []struct{ ID string }
		}
		LookedAt int `json:"looked_at"`
	}
	if err := json.Unmarshal([]byte(text), &targets); err != nil || len(targets.Targets) != 3 || targets.LookedAt != 5 || targets.Targets[0].Agents[0].ID != "agent-b" {
		t.Errorf("%v: %s", err, text)
	}
}

// TestEventsThatASignalDoesNotShowAreLookedAt finds a process of an event that is stored,
// and no sample of the signal.
func TestEventsThatASignalDoesNotShowAreLookedAt(t *testing.T) {
	w := newWorld()
	w.withSignal(agentEvent("a", 11, "/tmp/x"))
	w.signals[0].Attributes = strings.Replace(w.signals[0].Attributes, `"nightjar":{"events":1}`,
		`"nightjar":{"events":3,"first_seen":1000,"last_seen":2000,"window":500,"group":["a"],"group_by":["host"]},"queries":[{"query":"@agent.rule_id:miner"}]`, 1)
	attributes, err := schema.ParseAttributes(`{"agent":{"rule_id":"miner"},"process":{"pid":21,"file":{"path":"/tmp/y"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	w.logs = []schema.Event{{At: 1500, Seq: 7, Source: schema.AgentSource, Host: "a", Attributes: attributes}}
	s := w.start(t)
	_, text := call(t, s, "GET", respondPath, "", "DD-API-KEY", testKey)
	for _, want := range []string{`"pid":21`, `"pid":11`, `"looked_at":2`, `"events":3`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if q := w.asked; q.From != 500 || q.To != 2001 || q.Query == nil || q.Limit == 0 {
		t.Errorf("asked for %+v", q)
	}
}

// TestTheSwitchStopsWhatKillsAndBlocks disarms with every role that may.
func TestTheSwitchStopsWhatKillsAndBlocks(t *testing.T) {
	w := newWorld()
	w.withSignal(agentEvent("a", 11, "/tmp/x"))
	s := w.start(t)
	key := w.keyOf(t, access.Responder)
	call(t, s, "POST", respondPath, `{"action":"kill","reason":"r"}`, "DD-API-KEY", key)
	if got, text := call(t, s, "POST", "/api/nightjar/v1/agents/disarm", `{}`, "DD-API-KEY", key); got != 400 || !strings.Contains(text, "reason") {
		t.Errorf("without a reason: %d %s", got, text)
	}
	got, text := call(t, s, "POST", "/api/nightjar/v1/agents/disarm", `{"reason":"it kills backups"}`, "DD-API-KEY", key)
	for _, want := range []string{`"disarmed":true`, `"by":"responder"`, `"taken_back":1`, `"away":["b"]`} {
		if got != 200 || !strings.Contains(text, want) {
			t.Errorf("%d, no %s in %s", got, want, text)
		}
	}
	for action, want := range map[string]int{"kill": 409, "isolate": 409, "release": 201, "collect": 201} {
		got, text := call(t, s, "POST", respondPath, fmt.Sprintf(`{"action":%q,"reason":"r"}`, action), "DD-API-KEY", key)
		if got != want || want == 409 && !strings.Contains(text, "it kills backups") {
			t.Errorf("%s while disarmed: %d %s", action, got, text)
		}
	}
	if got, text := call(t, s, "POST", "/api/nightjar/v1/agents/arm", `{"reason":"mended"}`, "DD-API-KEY", key); got != 200 || !strings.Contains(text, `"disarmed":false`) {
		t.Errorf("%d %s", got, text)
	}
	if got, text := call(t, s, "POST", respondPath, `{"action":"kill","reason":"r"}`, "DD-API-KEY", key); got != 201 {
		t.Errorf("armed again: %d %s", got, text)
	}
}
