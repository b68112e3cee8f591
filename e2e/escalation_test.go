package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWhatNobodyTriagesEscalates to another target, which the configuration file has; what
// somebody took care of does not.
func TestWhatNobodyTriagesEscalates(t *testing.T) {
	t.Parallel() // it waits more than it works
	first, second := newSinkOf(t, "sesame"), newSinkOf(t, "sesame")
	dir := t.TempDir()
	clock, config := filepath.Join(dir, "clock"), filepath.Join(dir, "config.yaml")
	text := fmt.Sprintf("notification_targets:\n  - {name: first, type: webhook, url: %q, secret: 'secret:hook'}\n  - {name: second, type: webhook, url: %q, secret: 'secret:hook'}\n", first.URL, second.URL)
	for path, text := range map[string]string{clock: "0", config: text} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := startEngineWith(t, []string{clockVariable + "=" + clock, "NIGHTJAR_SECRET_HOOK=sesame"}, "--allow-private-targets", "--config", config)
	if out, said, code := p.run("notifications", "rules", "add", "n", "--notify", "@webhook-first", "--severity", "high", "--escalate-after", "10m", "--escalate-to", "@webhook-second"); code != 0 {
		t.Fatal(out, said)
	}
	if out, _, _ := p.run("notifications", "rules", "list"); !strings.Contains(out, "after 10m0s to @webhook-second") {
		t.Errorf("notification rules: %s", out)
	}
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{"name":"r","message":"m","isEnabled":true,"type":"log_detection","queries":[{"name":"a","query":"source:x","aggregation":"count","groupByFields":["host"]}],
		"cases":[{"name":"","status":"high","condition":"a > 0"}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`), nil)
	for _, host := range []string{"cared", "forgotten"} {
		p.call(http.MethodPost, "/api/v2/logs", []byte(fmt.Sprintf(`[{"ddsource":"x","hostname":%q,"message":"m"}]`, host)), nil)
	}
	p.await("both are told to the first", func() bool { return len(first.told()) == 2 })
	var cared string
	for _, b := range first.taken {
		if slices.Contains(b.Group, "cared") {
			cared = b.SignalID
		}
	}
	p.call(http.MethodPatch, "/api/v2/security_monitoring/signals/"+cared+"/state", []byte(`{"data":{"attributes":{"state":"under_review"}}}`), nil)
	if n := len(second.told()); n != 0 {
		t.Errorf("the second was told %d signals at once", n)
	}
	if err := os.WriteFile(clock, []byte("11m"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.await("the forgotten one escalates", func() bool { return len(second.told()) > 0 })
	p.await("the other need not", func() bool {
		out, _, _ := p.run("notifications", "--state", "dropped")
		return strings.Contains(out, "@webhook-second")
	})
	for id, kinds := range second.told() {
		if id == cared || !slices.Equal(kinds, []string{"escalated"}) {
			t.Errorf("%s was told %q", id, kinds)
		}
	}

	// The file is applied at every start: what changed in it changes, and nothing twice.
	text = strings.Replace(text, "name: second, type: webhook", "name: second, type: webhook, enabled: false", 1)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.terminate()
	p.start()
	out, _, _ := p.run("notifications", "targets", "list", "--output", "jsonl")
	if strings.Count(out, "\n") != 2 || strings.Count(out, `"enabled":false`) != 1 {
		t.Errorf("targets after a restart: %s", out)
	}
}
