package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/testenv"
)

const sshdRule = `{"name":"r","message":"m","isEnabled":true,"type":"log_detection",
	"queries":[{"name":"a","query":"source:sshd \"Failed password\"","groupByFields":["@network.client.ip"]}],
	"cases":[{"status":"high","condition":"a > 2"}],"options":{"evaluationWindow":300,"keepAlive":300,"maxSignalDuration":300}}`

// TestBacktestsReadLogsAsTheyLie runs one rule over the same three failures as raw
// lines, compressed, in a folder, and in the forms that others export.
func TestBacktestsReadLogsAsTheyLie(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		content := []byte(text)
		if filepath.Ext(name) == ".gz" {
			content = gzipped(t, content)
		}
		return putFile(t, filepath.Join(dir, name), content)
	}
	rule := put("rule.json", sshdRule)
	var raw, vendor, elastic []string
	for i := range 3 {
		line := fmt.Sprintf("Mar  1 12:00:0%d h sshd[1]: Failed password for root from 192.0.2.9 port 1 ssh2", i)
		raw = append(raw, line)
		vendor = append(vendor, fmt.Sprintf(`{"id":"AQ%d","type":"log","attributes":{"timestamp":"2026-03-01T12:00:0%dZ","message":%q,"service":"ssh","host":"h","status":"info","tags":["source:sshd"],"attributes":{"network":{"client":{"ip":"192.0.2.9"}}}}}`, i, i, line))
		elastic = append(elastic, fmt.Sprintf(`{"_index":"x","_id":"%d","_source":{"@timestamp":"2026-03-01T12:00:0%dZ","source":"sshd","message":%q,"network":{"client":{"ip":"192.0.2.9"}}}}`, i, i, line))
	}
	lines := strings.Join(raw, "\n") + "\n"
	put("logs/auth.log", raw[0]+"\n")
	put("logs/auth.log.1.gz", strings.Join(raw[1:], "\n"))
	want := ""
	for _, c := range []struct {
		name string
		args []string
	}{
		{"raw lines", []string{"--events", put("auth.log", lines), "--source", "sshd", "--year", "2026"}},
		{"compressed", []string{"--events", put("auth.log.gz", lines), "--source", "sshd", "--year", "2026"}},
		{"a folder", []string{"--events", filepath.Join(dir, "logs"), "--source", "sshd", "--year", "2026"}},
		{"a pattern", []string{"--events", filepath.Join(dir, "logs", "auth*"), "--source", "sshd", "--year", "2026"}},
		{"Datadog's export", []string{"--events", put("dd.json", `{"data":[`+strings.Join(vendor, ",")+`],"meta":{}}`), "--source", "sshd"}},
		{"Elastic's export", []string{"--events", put("es.json", `{"took":1,"hits":{"total":{"value":3},"hits":[`+strings.Join(elastic, ",")+`]}}`)}},
		{"Elastic's lines", []string{"--events", put("es.ndjson", strings.Join(elastic, "\n"))}},
	} {
		stdout, stderr, code := offline(t, append([]string{"backtest", "--rule", rule, "--output", "jsonl"}, c.args...)...)
		var s signalFound
		if code != exitOK || json.Unmarshal([]byte(stdout), &s) != nil || s.Events != 3 || !strings.Contains(stderr, "3 read, 3 matched") {
			t.Errorf("%s: exit %d\n%s%s", c.name, code, stdout, stderr)
			continue
		}
		if want == "" {
			want = stdout
		}
		if stdout != want {
			t.Errorf("%s: %s, want %s", c.name, stdout, want)
		}
	}
	stdout, stderr, code := offline(t, "backtest", "--rule", rule, "--events", filepath.Join(dir, "auth.log"), "--source", "other")
	if code != exitOK || stdout != "" || !strings.Contains(stderr, "3 read, 3 left out, 0 matched") || !strings.Contains(stderr, "no signals") {
		t.Errorf("nothing found: exit %d\n%s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := offline(t, "search", "root", "--events", filepath.Join(dir, "auth.log.gz"), "--source", "sshd"); code != exitOK || stdout != lines {
		t.Errorf("search: exit %d\n%s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := offline(t, "search", "nobody", "--events", filepath.Join(dir, "auth.log.gz"), "--source", "sshd"); code != exitOK || stdout != "" || !strings.Contains(stderr, "3 read, 0 matched") {
		t.Errorf("search for nothing: exit %d\n%s%s", code, stdout, stderr)
	}
	// The heads of the lines name the program, and that tells the source.
	if _, stderr, code := offline(t, "backtest", "--rule", rule, "--events", filepath.Join(dir, "auth.log")); code != exitOK || !strings.Contains(stderr, "3 read, 3 matched") {
		t.Errorf("without --source: exit %d\n%s", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "plain.log"), []byte("no head tells where this is from\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := offline(t, "backtest", "--rule", rule, "--events", filepath.Join(dir, "plain.log")); code != exitFailure || !strings.Contains(stderr, "plain.log:1: ") || !strings.Contains(stderr, "--source sshd") {
		t.Errorf("a line of nobody without --source: exit %d\n%s", code, stderr)
	}
}

// TestAFileHasTheLimitsOfTheAPI asks a file and the API whether a rule is one.
func TestAFileHasTheLimitsOfTheAPI(t *testing.T) {
	t.Parallel()
	testenv.RequireLibrary(t)
	f := newFolder(t)
	events := f.put("e.ndjson", `{"timestamp":1000000000000,"message":"m"}`+"\n")
	cases := func(n int) string {
		return strings.Replace(sshdRule, `"cases":[`, `"cases":[`+strings.Repeat(`{"status":"low","condition":"a > 9"},`, n-1), 1)
	}
	newValue := func(days int) string {
		return strings.Replace(strings.Replace(sshdRule, `"evaluationWindow":300`, fmt.Sprintf(`"detectionMethod":"new_value","newValueOptions":{"forgetAfter":%d,"learningDuration":0},"evaluationWindow":0`, days), 1),
			`"groupByFields":["@network.client.ip"]`, `"groupByFields":["@network.client.ip"],"metrics":["@usr.id"],"aggregation":"new_value"`, 1)
	}
	refused := 0
	for name, rule := range map[string]string{
		"10 cases": cases(10), "11 cases": cases(11), "100 cases": cases(100), "101 cases": cases(101),
		"forget 0": newValue(0), "forget 1": newValue(1), "forget 30": newValue(30), "forget 31": newValue(31),
	} {
		status, answer, err := f.p.request(http.MethodPost, "/api/v2/security_monitoring/rules/validation", []byte(rule))
		if err != nil {
			t.Fatal(err)
		}
		path := f.put("r.json", rule)
		_, stderr, code := offline(t, "backtest", "--rule", path, "--events", events)
		if (status < 300) != (code == exitOK) {
			t.Errorf("%s: the API says %d %s, a backtest exits with %d: %s", name, status, answer, code, stderr)
		}
		if _, said, valid := offline(t, "rules", "validate", path); valid != code {
			t.Errorf("%s: validate exits with %d, a backtest with %d: %s", name, valid, code, said)
		}
		if code != exitOK {
			refused++
		}
	}
	if refused == 0 || refused == 8 {
		t.Errorf("%d of 8 rules were refused", refused)
	}
}
