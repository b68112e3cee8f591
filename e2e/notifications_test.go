package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sinkOf is a webhook that refuses, hangs up and drips, as its faults say, and remembers
// what it took.
type sinkOf struct {
	t *testing.T
	*httptest.Server

	mu    sync.Mutex
	calls int
	fault func(call int, w http.ResponseWriter) bool // true: the call failed
	taken []taken
	byKey map[string]string
	twice int // bodies that came again under a key that was taken
}

type taken struct {
	Kind     string
	SignalID string `json:"signal_id"`
	Title    string
	Severity string
	RuleID   string `json:"rule_id"`
	Group    []string
	URL      string
	Digest   bool
	Signals  []struct {
		SignalID string `json:"signal_id"`
	}
	key string
}

func newSinkOf(t *testing.T, secret string) *sinkOf {
	s := &sinkOf{t: t, byKey: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls++
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if got, want := r.Header.Get("Nightjar-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signed %s, want %s", got, want)
		}
		key := r.Header.Get("Idempotency-Key")
		if s.fault != nil && s.fault(s.calls, w) {
			return
		}
		var b taken
		if err := json.Unmarshal(body, &b); err != nil || key == "" {
			t.Errorf("%s: %v", body, err)
		}
		if _, again := s.byKey[key]; again {
			s.twice++
			return
		}
		b.key = key
		s.byKey[key] = b.SignalID
		s.taken = append(s.taken, b)
	}))
	t.Cleanup(s.Close)
	return s
}

// told are the kinds that were told of each signal, in order; those of digests too.
func (s *sinkOf) told() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]string{}
	for _, b := range s.taken {
		ids := []string{b.SignalID}
		if b.Digest {
			ids = nil
			for _, one := range b.Signals {
				ids = append(ids, one.SignalID)
			}
		}
		for _, id := range ids {
			out[id] = append(out[id], b.Kind)
		}
	}
	return out
}

// TestWhoIsNamedIsTold sends signals of a case, a message and a notification rule to a
// webhook that fails now and then, kills the engine in the middle, and retracts, mutes and
// floods.
func TestWhoIsNamedIsTold(t *testing.T) {
	t.Parallel() // it waits more than it works
	hook := newSinkOf(t, "sesame")
	hook.fault = func(call int, w http.ResponseWriter) bool {
		switch call % 4 {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
			return true
		case 2:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	}
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then it is seen that the other side hung up
		<-r.Context().Done()
	}))
	t.Cleanup(func() {
		hanging.CloseClientConnections()
		hanging.Close()
	})
	clock := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(clock, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startEngineWith(t, []string{clockVariable + "=" + clock}, "--allow-private-targets", "--public-url", "https://nightjar.example/")
	p.call(http.MethodPost, targetsPath, []byte(fmt.Sprintf(`{"name":"soc","type":"webhook","url":%q,"secret":"sesame"}`, hook.URL)), nil)
	p.call(http.MethodPost, targetsPath, []byte(fmt.Sprintf(`{"name":"stuck","type":"webhook","url":%q}`, hanging.URL)), nil)
	rule := func(name, query, message string, notifications string) string {
		return fmt.Sprintf(`{"name":%q,"message":%q,"isEnabled":true,"type":"log_detection","queries":[{"name":"a","query":%q,"aggregation":"count","groupByFields":["host"]}],
			"cases":[{"name":"","status":"high","condition":"a > 0","notifications":[%s]}],"options":{"evaluationWindow":60,"keepAlive":300,"maxSignalDuration":3600}}`, name, message, query, notifications)
	}
	_, answer, _ := p.request(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule("by case", "source:case", "m", `"@webhook-soc","@webhook-stuck","@slack-none"`)))
	if !strings.Contains(string(answer), "there is no target @slack-none: nobody is told") {
		t.Errorf("a handle that is no target: %s", answer)
	}
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule("by message", "source:message", "see @webhook-soc", "")), nil)
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(rule("by rule", "source:rule", "m", "")), nil)
	p.call(http.MethodPost, "/api/v2/security/signals/notification_rules", []byte(`{"data":{"type":"notification_rules","attributes":{"name":"n","enabled":true,"targets":["@webhook-soc"],
		"selectors":{"trigger_source":"security_signals","severities":["high"],"query":"source:rule"}}}}`), nil)
	send := func(source, host string) {
		t.Helper()
		if status, answer, err := p.request(http.MethodPost, "/api/v2/logs", []byte(fmt.Sprintf(`[{"ddsource":%q,"hostname":%q,"message":"<!channel> [x](http://evil.example) \r\nBcc: a"}]`, source, host))); err != nil || status != http.StatusAccepted {
			t.Fatalf("%d %s %v", status, answer, err)
		}
	}
	for _, source := range []string{"case", "message", "rule", "nobody"} {
		send(source, "h1")
	}
	p.await("three signals told", func() bool { return len(hook.told()) == 3 })
	for _, b := range hook.taken {
		if b.Kind != "opened" || b.Severity != "high" || b.Title == "" || b.RuleID == "" || len(b.Group) != 1 || b.URL != "https://nightjar.example/signals/"+b.SignalID {
			t.Errorf("told %+v", b)
		}
	}

	if _, said, code := p.run("notifications", "mute", "host:h2", "--until", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli()), "--reason", "upgrade"); code != 0 {
		t.Fatal(said)
	}
	send("case", "h2")
	p.await("a mute", func() bool {
		out, _, _ := p.run("notifications", "--state", "muted")
		return strings.Contains(out, "upgrade")
	})

	// A storm, and a crash in the middle of telling.
	for i := range 60 {
		send("message", fmt.Sprintf("storm-%d", i))
	}
	p.await("some of the storm", func() bool { return len(hook.told()) > 8 })
	p.kill()
	if err := os.WriteFile(clock, []byte("61s"), 0o600); err != nil { // the minute of the digest is over
		t.Fatal(err)
	}
	p.start()
	p.await("all of the storm", func() bool { return len(hook.told()) >= 63 })
	out, _, _ := p.run("signals", "list", "--limit", "200", "--output", "jsonl")
	known := strings.Count(out, "storm-")
	for id, kinds := range hook.told() {
		if len(kinds) != 1 {
			t.Errorf("signal %s was told %q", id, kinds)
		}
	}
	hook.mu.Lock()
	digests := 0
	for _, b := range hook.taken {
		if b.Digest {
			digests++
			if len(b.Signals) < 2 {
				t.Errorf("a digest of %d signals", len(b.Signals))
			}
		}
	}
	hook.mu.Unlock()
	if digests == 0 || len(hook.told()) != 63 || known == 0 {
		t.Errorf("%d digests, %d signals told", digests, len(hook.told()))
	}
	for what, want := range map[string]string{"--state=sent": "@webhook-soc", "--target=@webhook-stuck": "waiting"} {
		if out, _, _ := p.run("notifications", what, "--limit", "1000"); !strings.Contains(out, want) {
			t.Errorf("notifications %s: %s", what, out)
		}
	}

	preview, said, code := p.run("notifications", "targets", "preview", "@webhook-soc")
	if code != 0 || strings.Contains(preview, "sesame") || !strings.Contains(preview, "Idempotency-Key") {
		t.Errorf("preview: %s%s", preview, said)
	}
	list, _, _ := p.run("notifications", "targets", "list", "--output", "json")
	objects, _, _ := p.run("sql", "SELECT * FROM events LIMIT 10")
	if everything := list + objects + p.output.String(); strings.Contains(everything, "sesame") {
		t.Errorf("a secret is shown: %s", everything)
	}
	if kept, err := os.ReadFile(p.dir + "/secrets/target-webhook-soc"); err != nil || string(kept) != "sesame" {
		t.Errorf("the secret is kept as %q %v", kept, err)
	}
}
