package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestARuleThatCannotFireAndASourceThatChangesAreTold makes a rule over what no event
// has, and lets an attribute vanish from a source, across a crash.
func TestARuleThatCannotFireAndASourceThatChangesAreTold(t *testing.T) {
	t.Parallel() // it waits more than it works
	clock := filepath.Join(t.TempDir(), "clock")
	moveTo := func(offset string) {
		t.Helper()
		if err := os.WriteFile(clock, []byte(offset), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond) // it is read now and then
	}
	moveTo("0")
	p := startEngineWith(t, []string{clockVariable + "=" + clock})
	send := func(n int, event string) {
		t.Helper()
		body := "[" + strings.Repeat(event+",", n-1) + event + "]"
		if status, answer, err := p.request(http.MethodPost, "/api/v2/logs", []byte(body)); err != nil || status != http.StatusAccepted {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		p.caughtUp()
	}
	const whole, broken = `{"ddsource":"vault","message":"m","usr":{"id":"u"},"evt":{"name":"read"}}`, `{"ddsource":"vault","message":"m","evt":{"name":"read"}}`
	for i := range 4 {
		moveTo(fmt.Sprintf("%dm", 10*i))
		for range 2 {
			send(50, whole)
		}
	}

	rule := func(name, query string) string {
		return fmt.Sprintf(`{"name":%q,"message":"m","isEnabled":true,"type":"log_detection",
			"queries":[{"name":"a","query":%q,"aggregation":"count","groupByFields":[]}],
			"cases":[{"status":"high","condition":"a > 0"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`, name, query)
	}
	file := filepath.Join(t.TempDir(), "rule.json")
	if err := os.WriteFile(file, []byte(rule("dead", "source:vault @usr.idd:u")), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "this rule can't fire yet: no event of source:vault has @usr.idd; did you mean @usr.id?"
	if _, said, code := p.run("rules", "validate", file); code != 0 || !strings.Contains(said, want) {
		t.Errorf("rules validate ends with %d and says %q", code, said)
	}
	if _, said, code := p.run("rules", "validate", "--offline", file); code != 0 || strings.Contains(said, "fire") {
		t.Errorf("rules validate --offline ends with %d and says %q", code, said)
	}
	if _, said, code := p.run("rules", "validate", "--strict", file); code != 1 || !strings.Contains(said, want) {
		t.Errorf("rules validate --strict ends with %d and says %q", code, said)
	}
	for query, want := range map[string]string{"source:vault @usr.idd:u": want, "source:valt": "no event has source:valt; did you mean source:vault?", "source:vault @usr.id:nobody": ""} {
		_, answer, err := p.request(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule(query, query)))
		if err != nil || !strings.Contains(string(answer), want) || want == "" && strings.Contains(string(answer), "no event") {
			t.Errorf("making %s answers %s %v, want %q", query, answer, err, want)
		}
	}
	p.await("what is found of the rules", func() bool {
		list, _, _ := p.run("rules", "list")
		status, _, _ := p.run("status", "--output", "json")
		return strings.Contains(list, want) && strings.Contains(status, want)
	})

	p.kill()
	p.start()
	moveTo("50m")
	for range 5 { // of what is stored in one block, a part is looked at
		send(50, broken)
	}
	// It is told when it lasts.
	time.Sleep(10 * time.Second)
	moveTo("56m")
	p.await("the change of the source", func() bool {
		found, _, code := p.run("search", "source:nightjar @evt.name:attribute_vanished @catalogue.source:vault @catalogue.attributes:usr.id")
		return code == 0 && strings.Contains(found, "@usr.id vanished from the events of source:vault")
	})
}
