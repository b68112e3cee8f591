package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/schema"
	"nightjar/testenv"
)

// TestFilesAreShippedAsTheyAreRead ships one log in several forms, and what cannot
// be read; every event is stored once, as a backtest reads it.
func TestFilesAreShippedAsTheyAreRead(t *testing.T) {
	t.Parallel()
	p := startEngine(t, longAgo...)
	dir := t.TempDir()
	put := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("Nov 28 20:00:01 web sshd[10]: Failed password for root from 203.0.113.66 port 4000 ssh2\n"))
	_ = z.Close()
	fault := func(name string) string {
		return testenv.Shared(t, "faults/12-ingest-reads-files-otherwise-than-backtest/"+name)
	}
	for _, c := range []struct {
		source, path string
		events       uint64
		query        string
		code         int
		says         string
	}{
		{"a", fault("array.json"), 3, "source = 's' AND message IN ('m0','m1','m2') AND timestamp < '2024-01-01'", exitOK, "3 lines acknowledged"},
		{"b", fault("pretty.json"), 6, "source = 's' AND message IN ('m0','m1','m2') AND timestamp < '2024-01-01'", exitOK, "3 lines acknowledged"},
		{"c", fault("bom.ndjson"), 8, "source = 's'", exitOK, "2 lines acknowledged"},
		{"sshd", fault("bom-auth.log"), 1, "attributes.network.client.ip = '203.0.113.66'", exitOK, "1 lines"},
		{"sshd", put("auth.log.gz", packed.Bytes()), 2, "attributes.network.client.ip = '203.0.113.66'", exitOK, "1 lines"},
		{"d", put("trail.json", []byte(`{"Records":[{"eventTime":"2023-11-14T22:13:20Z","eventName":"x"}]}`)), 1, "attributes.eventName = 'x' AND source = 'd' AND timestamp = '2023-11-14 22:13:20'", exitOK, "1 lines"},
		{"e", put("binary", make([]byte, 5000)), 0, "source = 'e'", exitFailure, "binary, and no text"},
		{"f", put("broken.ndjson", []byte("{\"a\":1}\n{\"a\":\n")), 1, "source = 'f'", exitFailure, "broken.ndjson:2: "},
		{"g", filepath.Join(dir, "none"), 0, "source = 'g'", exitFailure, "no such file"},
		{"", testenv.Shared(t, "data/evtx/fed85bf9-e075-4280-9159-fbe8a023d6fa.evtx"), 1, "source = 'windows.events' AND service = 'Sysmon' AND host = 'ar-win-dc.attackrange.local' AND status = 'info' AND timestamp = '2025-10-24 23:36:29.111' AND attributes.Event.System.EventID = 11", exitOK, "1 lines"},
		{"", put("audit.log", []byte("type=SYSCALL msg=audit(1700000000.000:1): pid=7\ntype=CWD msg=audit(1700000000.000:1): cwd=\"/\"\n")), 1, "source = 'auditd' AND attributes.process.pid = 7 AND attributes.process.working_directory = '/' AND timestamp = '2023-11-14 22:13:20'", exitOK, "1 lines"},
		{"", put("conn.log", []byte("#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n1700000000.5\tC1\t192.0.2.1\n")), 1, "source = 'zeek' AND service = 'conn' AND attributes.uid = 'C1' AND timestamp = '2023-11-14 22:13:20.500'", exitOK, "1 lines"},
		{"", put("raw.log", []byte("a line\n")), 1, "message = 'a line'", exitOK, "--source"},
		{"", put("nobody.json", []byte(`{"nobody":"nobody"}`)), 1, "attributes.nobody = 'nobody'", exitOK, "--source"},
	} {
		_, stderr, code := p.run("ingest", "--source", c.source, c.path)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d, %s", c.path, code, stderr)
		}
		p.caughtUp()
		if n := p.count("SELECT count() FROM events WHERE " + c.query); n != c.events {
			t.Errorf("%s: %d events where %s, want %d", c.path, n, c.query, c.events)
		}
	}
	before := p.count("SELECT count() FROM events")
	if _, stderr, code := p.run("ingest", "--source", "a", fault("array.json")); code != exitOK {
		t.Errorf("shipped again: %s", stderr)
	}
	p.caughtUp()
	if n := p.count("SELECT count() FROM events"); n != before {
		t.Errorf("shipped again, %d events became %d", before, n)
	}
}

// TestBacktestLeavesOutWhatHasNoTime gives the same output at any moment.
func TestBacktestLeavesOutWhatHasNoTime(t *testing.T) {
	t.Parallel()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	rule := writeFile(t, `{"name":"r","message":"m","isEnabled":true,"type":"log_detection","tags":[],"queries":[{"name":"a","query":"source:s","aggregation":"count","groupByFields":["@n"]}],"cases":[{"name":"","status":"medium","notifications":[],"condition":"a > 0"}],"options":{"evaluationWindow":0,"keepAlive":0,"maxSignalDuration":0}}`)
	events := filepath.Join(t.TempDir(), "events.ndjson")
	lines := `{"timestamp":1700000000000,"source":"s","n":0}` + "\n" + `{"timestamp":"soon","source":"s","n":1}` + "\n\n" + `{"source":"s","n":2}` + "\n" + `{"timestamp":"2023-11-14 16:13:20 CST","source":"s","n":3}` + "\n" + `{"timestamp":1000,"source":"s","n":4}` + "\n"
	if err := os.WriteFile(events, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "backtest", "--rule", rule, "--events", events, "--output", "json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code is looked at
	stdout, stderr, code := out.String(), errs.String(), cmd.ProcessState.ExitCode()
	var got []signalFound
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitOK || len(got) != 2 || got[0].FirstSeen != 1000 || got[1].FirstSeen != 1700000000000 {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	for _, says := range []string{`events.ndjson:2: left out: its time cannot be read: "soon"`, "events.ndjson:4: left out: it has no time", `events.ndjson:5: left out: its time cannot be read: "2023-11-14 16:13:20 CST"`} {
		if !strings.Contains(stderr, says) {
			t.Errorf("standard error lacks %q: %s", says, stderr)
		}
	}
}

// TestClocksThatAreOffAreInTheStatus sends events of a host that is 25 h behind, of
// one that is ahead, of one that was and is no more, and times that nobody reads.
func TestClocksThatAreOffAreInTheStatus(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	at := time.Now()
	send := func(host string, ahead time.Duration) {
		p.call(http.MethodPost, "/api/v2/logs", fmt.Appendf(nil, `{"ddsource":"clock","hostname":%q,"timestamp":%d}`, host, at.Add(ahead).UnixMilli()), nil)
	}
	send("behind", -25*time.Hour)
	send("behind", -25*time.Hour)
	send("ahead", time.Hour)
	send("slow", -2*time.Hour)
	send("mended", -2*time.Hour)
	send("mended", 0)
	send("right", -time.Minute)
	p.call(http.MethodPost, "/api/v2/logs", []byte(`[{"ddsource":"words","timestamp":"soon"},{"ddsource":"words","time":"later"}]`), nil)
	var status struct {
		Clocks []struct {
			Source, Host string
			Behind       float64 `json:"behind_seconds"`
			Events       json.Number
			NotEvaluated json.Number `json:"not_evaluated"`
		}
		Unreadable []struct {
			Source string
			Events json.Number
		} `json:"unreadable_times"`
	}
	p.call(http.MethodGet, "/api/nightjar/v1/status", nil, &status)
	var got []string
	for _, c := range status.Clocks {
		got = append(got, fmt.Sprintf("%s %s %.0fh %s %s", c.Source, c.Host, c.Behind/3600, c.Events, c.NotEvaluated))
	}
	if want := "clock behind 25h 2 2|clock slow 2h 1 0|clock ahead -1h 1 0"; strings.Join(got, "|") != want {
		t.Errorf("clocks %q, want %q", strings.Join(got, "|"), want)
	}
	if len(status.Unreadable) != 1 || status.Unreadable[0].Source != "words" || status.Unreadable[0].Events != "2" {
		t.Errorf("unreadable times: %+v", status.Unreadable)
	}
	for metric, want := range map[string]float64{
		"nightjar_ingest_clocks_off": 3, `nightjar_ingest_events_unreadable_time_total{source="words"}`: 2, "nightjar_ingest_late_events_total": 2,
	} {
		if n := p.metric(metric); n != want {
			t.Errorf("%s is %v, want %v", metric, n, want)
		}
	}
	if n := p.metric("nightjar_ingest_clock_skew_max_seconds"); n < 25*3600-60 || n > 25*3600+600 {
		t.Errorf("the furthest clock is off by %v s", n)
	}
	stdout, stderr, code := p.run("status")
	if code != exitOK || !strings.Contains(stderr, "the clock of behind (clock) is 25h0m") || !strings.Contains(stderr, "rules do not see its events") || !strings.Contains(stderr, "2 events of words have a time that cannot be read") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}

// TestALineMeansTheSameEventEverywhere posts lines and reads them offline: source,
// host, service, status, message, tags, attributes and, where it has one, the time.
func TestALineMeansTheSameEventEverywhere(t *testing.T) {
	t.Parallel()
	p := startEngine(t, longAgo...)
	lines := []string{
		`{"timestamp":1700000000000,"source":"same","host":"h","service":"s","status":"WARNING","message":"m","tags":["a:b"],"attributes":{"n":1}}`,
		`{"@timestamp":"2023-11-14T22:13:20Z","ddsource":"same","host":{"name":"h"},"log":{"level":"x"},"level":"error","msg":"m"}`,
		`{"ddsource":"same","message":"{\"eventTime\":\"2023-11-14T22:13:20Z\",\"level\":\"err\",\"a\":{\"b\":1}}"}`,
		`{"timestamp":946684799999,"source":"same","message":"before 2000"}`,
		`{"timestamp":"2023-11-14 15:13:20.000-0700","source":"same","deep":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`,
		`{"timestamp":1700000000000,"source":"same","big":"` + strings.Repeat("x", 1<<20) + `"}`,
	}
	for i, line := range lines {
		p.call(http.MethodPost, "/api/v2/logs", []byte(strings.Replace(line, "{", fmt.Sprintf(`{"case":%d,`, i), 1)), nil)
	}
	p.caughtUp()
	for i, line := range lines {
		e, err := ingest.NewOffline(time.Now(), nil, nil).Record([]byte(strings.Replace(line, "{", fmt.Sprintf(`{"case":%d,`, i), 1)), true)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Rows [][]any }
		body, _ := json.Marshal(map[string]string{"query": fmt.Sprintf("SELECT source, service, host, status, message, toString(tags), raw, toString(toUnixTimestamp64Milli(timestamp)) FROM events WHERE attributes.case = %d", i)})
		p.call(http.MethodPost, "/api/nightjar/v1/sql", body, &answer)
		if len(answer.Rows) != 1 {
			t.Fatalf("line %d: %d events are stored", i, len(answer.Rows))
		}
		row := answer.Rows[0]
		tags := "['" + strings.Join(e.Tags, "','") + "']"
		if len(e.Tags) == 0 {
			tags = "[]"
		}
		want := []any{e.Source, e.Service, e.Host, e.Status, e.Message, tags, e.JSON}
		if fmt.Sprint(row[:7]) != fmt.Sprint(want) {
			t.Errorf("line %d is stored as %.400v\nand read as %.400v", i, row[:7], want)
		}
		if stored := fmt.Sprint(row[7]); (stored == fmt.Sprint(int64(e.At))) != (e.At >= schema.MillisOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))) {
			t.Errorf("line %d is stored at %s and read at %d", i, stored, e.At)
		}
	}
}
