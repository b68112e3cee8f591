package e2e

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBadInputAtEveryDoorIsToldWhereAndTheEngineStaysUp knocks at each door
// with something that can't be taken.
func TestBadInputAtEveryDoorIsToldWhereAndTheEngineStaysUp(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	garbage := make([]byte, 10<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(garbage)
	unknownLabel := bytes.Replace(thresholdRule("x", 1, 60), []byte("a > 1"), []byte("a > 1 && nope > 2"), 1)
	for _, c := range []struct {
		name, method, path string
		body               []byte
		status             int
		says               []string
	}{
		{"a rule with an unknown label", "POST", "/api/v2/security_monitoring/rules", unknownLabel, 400, []string{"cases[0].condition", "1:10", `unknown label \"nope\"`}},
		{"a rule whose query does not parse", "POST", "/api/v2/security_monitoring/rules", bytes.Replace(thresholdRule("x", 1, 60), []byte("source:sshd"), []byte("(source:sshd"), 1), 400, []string{"queries[0].query", "1:"}},
		{"a rule that is broken JSON", "POST", "/api/v2/security_monitoring/rules", []byte("{\n  \"name\": ,}"), 400, []string{"2:"}},
		{"a rule with a wrong kind of value", "POST", "/api/v2/security_monitoring/rules", []byte(`{"name":"x","queries":[{"groupByFields":7}]}`), 400, []string{"queries[0].groupByFields"}},
		{"10 MiB of garbage as a rule", "POST", "/api/v2/security_monitoring/rules", garbage, 0, []string{"errors"}},
		{"10 MiB of garbage as logs", "POST", "/api/v2/logs", garbage, 400, []string{"byte 0"}},
		{"broken JSON as logs", "POST", "/api/v2/logs", []byte(`[{"message":"a"},{"message":}]`), 400, []string{"event 1"}},
		{"SQL that is no query", "POST", "/api/nightjar/v1/sql", []byte(`{"query":"DROP TABLE events"}`), 400, []string{"SELECT"}},
		{"SQL that reads files", "POST", "/api/nightjar/v1/sql", []byte(`{"query":"SELECT file('/etc/passwd')"}`), 400, []string{"file"}},
		{"a signal query that does not parse", "POST", "/api/v2/security_monitoring/signals/search", []byte(`{"filter":{"query":"status:(high"}}`), 400, []string{"1:"}},
		{"an unknown path", "GET", "/api/v2/nothing", nil, 404, []string{"errors"}},
		{"a wrong method", "DELETE", "/api/v2/logs", nil, 405, []string{"errors"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text, err := p.request(c.method, c.path, c.body)
			if err != nil {
				t.Fatal(err)
			}
			if (c.status != 0 && status != c.status) || status < 400 || status >= 500 {
				t.Errorf("status %d, want %d: %s", status, c.status, text)
			}
			for _, want := range c.says {
				if !strings.Contains(string(text), want) {
					t.Errorf("the answer does not say %q: %.500s", want, text)
				}
			}
		})
	}
	t.Run("a wrong key", func(t *testing.T) {
		status, _, err := p.request("GET", "/api/nightjar/v1/status", nil, "DD-API-KEY", "wrong")
		if err != nil || status != http.StatusForbidden {
			t.Errorf("got %d %v, want 403", status, err)
		}
	})
	p.caughtUp() // it is still up, and at work
	if strings.Contains(p.output.String(), p.key) {
		t.Error("the key is in what the engine printed")
	}
}

func TestCommandLineMistakesExitWithTwo(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unknown := filepath.Join(dir, "unknown.yaml")
	if err := os.WriteFile(unknown, []byte("latenes: 1h\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"up", "--nonsense"}, exitUsage, "--nonsense"},
		{[]string{"nonsense"}, exitUsage, "nonsense"},
		{[]string{"up", "--lateness", "soon"}, exitUsage, "lateness"},
		{[]string{"up", "--config", unknown}, exitUsage, `unknown setting "latenes"`},
		{[]string{"up", "--clickhouse", "http://u:hunter2@h:1/d"}, exitFailure, "clickhouse://"},
		{[]string{"ingest", "--source", "sshd"}, exitUsage, "at least 1"},
		{[]string{"ingest", "x"}, exitFailure, "no such file"},
		{[]string{"sql", "SELECT 1", "--data-dir", dir}, exitFailure, "no API key"},
		{[]string{"signals", "list", "--output", "xml"}, exitUsage, "xml"},
		{[]string{"backtest"}, exitUsage, "--rule"},
		{[]string{"backtest", "--rule", "absent.json", "--events", "absent"}, exitFailure, "absent.json"},
	} {
		cmd := exec.Command(path, c.args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); err == nil || code != c.code {
			t.Errorf("%q: exit %d, want %d: %s", c.args, code, c.code, out)
		}
		if !strings.Contains(string(out), c.says) {
			t.Errorf("%q: does not say %q: %s", c.args, c.says, out)
		}
		if strings.Contains(string(out), "hunter2") {
			t.Errorf("%q: shows the password: %s", c.args, out)
		}
	}
}

// TestTheFirstStartEndsWithASignal is `make run` on an empty data folder.
func TestTheFirstStartEndsWithASignal(t *testing.T) {
	t.Parallel()
	started := time.Now()
	p := startEngine(t, "--demo", "--agent=false")
	p.await("a signal on the screen", func() bool {
		out := p.output.String()
		return strings.Contains(out, "203.0.113.66") && strings.Contains(out, "Next, in another terminal")
	})
	t.Logf("the signals were on the screen %s after the start", time.Since(started).Round(100*time.Millisecond))
	p.caughtUp()
	got := p.signals("")
	if marked := p.signals("env:demo"); len(got) < 5 || len(marked) != len(got) {
		t.Errorf("got signals %+v, want those of the demo and no others", got)
	}
	for _, s := range got {
		if !strings.Contains(p.output.String(), s.Rule) {
			t.Errorf("no signal of %s is on the screen:\n%s", s.Rule, p.output)
		}
	}
	if !strings.Contains(p.output.String(), "/signals?query=env%3Ademo") {
		t.Errorf("it does not say where to look in the page:\n%s", p.output)
	}
	stdout, stderr, code := p.run("signals", "list", "--output", "json")
	var items []json.RawMessage
	if code != exitOK || json.Unmarshal([]byte(stdout), &items) != nil || len(items) != len(got) {
		t.Errorf("signals list: exit %d, %s %s", code, stdout, stderr)
	}
	var demo demoState
	p.call(http.MethodGet, "/api/nightjar/v1/demo", nil, &demo)
	stdout, stderr, code = p.run("coverage", demo.RuleIDs[0], "--output", "json")
	if code != exitOK || !strings.Contains(stdout, `"evaluated"`) {
		t.Errorf("coverage: exit %d, %s %s", code, stdout, stderr)
	}
	p.call(http.MethodPost, "/api/nightjar/v1/demo", []byte("{}"), nil) // of which there is one
	if n := p.count("SELECT count() FROM events WHERE has(tags, 'env:demo')"); n != uint64(demo.Events) {
		t.Errorf("%d events are stored of the demo's %d", n, demo.Events)
	}
	p.terminate()
	p.start()
	if strings.Contains(p.output.String(), "First start") {
		t.Error("the demo ran again on a folder that was in use")
	}
}

func TestASecondEngineOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	out, err := exec.Command(p.path, "up", "--data-dir", p.dir, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "in use by another nightjar") {
		t.Errorf("got %v: %s", err, out)
	}
	p.caughtUp()
}
