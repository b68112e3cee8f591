package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/agent/orders"
)

// TestAnAdministratorChangesHowLongEventsAreKept while the engine runs: it is said what that
// deletes before it is done, it is done, it holds over a kill, and the audit log says who.
func TestAnAdministratorChangesHowLongEventsAreKept(t *testing.T) {
	t.Parallel()
	clock := filepath.Join(t.TempDir(), "clock")
	move := func(by string) {
		if err := os.WriteFile(clock, []byte(by), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	move("-480h")
	p := startEngineWith(t, []string{clockVariable + "=" + clock})
	const event = `[{"ddsource":"app","message":"long ago"},{"ddsource":"app","message":"and so is this"}]`
	p.call(http.MethodPost, "/api/v2/logs", []byte(event), nil)
	p.caughtUp()
	move("0h")
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"app","message":"now"}]`), nil)
	p.caughtUp()
	events := func() uint64 { return p.count("SELECT count() FROM events WHERE source = 'app'") }
	if n := events(); n != 3 {
		t.Fatalf("%d events", n)
	}
	reader := p.make("keys", map[string]string{"name": "reader", "role": "reader"})
	if status, _ := p.as(reader.Key, "PUT", "/api/nightjar/v1/retention", `{"settings":{"events":"6d"}}`); status != 403 {
		t.Errorf("a reader: %d", status)
	}
	if out, errs, code := p.run("retention", "set", "events=never"); code == exitOK || !strings.Contains(errs, "events") || !strings.Contains(errs, "write 48h, 90d") {
		t.Errorf("a time that is none: %d %s%s", code, out, errs)
	}
	if out, errs, code := p.run("retention", "set", "events=6d"); code == exitOK || !strings.Contains(errs, "2 rows of events") || !strings.Contains(errs, "--yes") {
		t.Errorf("without a word: %d %s%s", code, out, errs)
	}
	if out, _, code := p.run("retention", "set", "events=6d", "--preview"); code != exitOK || !strings.Contains(out, "events") {
		t.Errorf("the preview: %d %s", code, out)
	}
	if events() != 3 {
		t.Fatal("looking deleted something")
	}
	if out, errs, code := p.run("retention", "set", "events=6d", "--yes"); code != exitOK || !strings.Contains(out, "6d") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	p.await("the old events to go", func() bool { return events() == 1 })
	p.kill()
	p.start()
	if out, _, _ := p.run("retention"); !strings.Contains(out, "6d") || !strings.Contains(out, "set by") || !strings.Contains(out, "90d") {
		t.Errorf("after a kill: %s", out)
	}
	if out, _, _ := p.run("audit", "list", "--kind", "deletion", "--output", "jsonl"); !strings.Contains(out, `"detail":"events=6d"`) || !strings.Contains(out, "first key") {
		t.Errorf("the audit log: %s", out)
	}
	if out, errs, code := p.run("retention", "reset"); code != exitOK || strings.Contains(out, "6d") {
		t.Errorf("reset: %d %s%s", code, out, errs)
	}
}

// TestOneAgentIsDisarmedAndToldWhy, and no other, from the command line; both ends say so.
func TestOneAgentIsDisarmedAndToldWhy(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	one, other := p.enrol("web-1"), p.enrol("web-2")
	one.sync(nil)
	other.sync(nil)
	if _, errs, code := p.run("agents", "disarm", "web-1"); code == exitOK || !strings.Contains(errs, "--reason") {
		t.Errorf("without a reason: %d %s", code, errs)
	}
	if _, errs, code := p.run("agents", "disarm", "web-9", "--reason", "r"); code == exitOK || !strings.Contains(errs, "web-9") {
		t.Errorf("an agent that there is not: %d %s", code, errs)
	}
	out, errs, code := p.run("agents", "disarm", "web-1", "--reason", "it kills backups")
	if code != exitOK || !strings.Contains(out, "the agent of web-1 is disarmed") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	if o := one.sync(nil); !o.Disarmed || !strings.HasPrefix(o.DisarmedWhy, "by ") || !strings.HasSuffix(o.DisarmedWhy, "it kills backups") {
		t.Errorf("its orders: %+v", o)
	}
	if o := other.sync(nil); o.Disarmed {
		t.Errorf("another's: %+v", o)
	}
	again := p.enrol("web-1")
	if o := again.sync(nil); !o.Disarmed || !strings.HasSuffix(o.DisarmedWhy, "it kills backups") {
		t.Errorf("enrolling anew arms the host: %+v", o)
	}
	one.sync(func(s *orders.Sync) { s.Disarmed = "server" })
	out, errs, _ = p.run("agents")
	if !strings.Contains(out, "disarmed by server") || !strings.Contains(errs, "it kills backups") {
		t.Errorf("agents: %s%s", out, errs)
	}
	if _, answer := p.as(p.key, "GET", "/api/nightjar/v1/agents", ""); !strings.Contains(answer, `"disarmed_alone":{"id":"`+one.id+`"`) || strings.Contains(answer, `"id":"`+other.id+`","host":"","disarmed":true`) {
		t.Errorf("agents: %s", answer)
	}
	if out, errs, code := p.run("agents", "arm", one.id, "--reason", "mended"); code != exitOK || !strings.Contains(out, "is armed") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	for _, agent := range []*handAgent{one, again} {
		if o := agent.sync(nil); o.Disarmed {
			t.Errorf("its orders: %+v", o)
		}
	}
	if out, _, _ := p.run("audit", "list", "--kind", "response", "--output", "jsonl"); !strings.Contains(out, "DisarmAgent") || !strings.Contains(out, "it kills backups") || !strings.Contains(out, "ArmAgent") {
		t.Errorf("the audit log: %s", out)
	}
}
