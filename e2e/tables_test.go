package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBacktestAsksReferenceTables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rule := func(name string, present string) string {
		return write(name, `{"name":"r","isEnabled":true,"message":"","tags":[],"filters":[],
			"queries":[{"name":"a","query":"source:sshd","groupByFields":["@ip"]}],
			"cases":[{"status":"high","condition":"a > 0"}],"options":{"evaluationWindow":0},
			"referenceTables":[{"tableName":"bad","columnName":"net","logFieldPath":"@ip","ruleQueryName":"a","checkPresence":`+present+`}]}`)
	}
	events := write("events.ndjson", strings.Join([]string{
		`{"timestamp":1700000000000,"source":"sshd","attributes":{"ip":"192.0.2.7"}}`,
		`{"timestamp":1700000000001,"source":"sshd","attributes":{"ip":"198.51.100.1"}}`,
		`{"timestamp":1700000000002,"source":"sshd","attributes":{"ip":["198.51.100.1","::ffff:192.0.2.9"]}}`,
	}, "\n"))
	table := "bad=" + write("bad.csv", "net,why\r\n192.0.2.0/24,scanner\r\n")
	run := func(args ...string) (groups, talk string, code int) {
		t.Helper()
		path, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		c := exec.Command(path, append([]string{"backtest", "--events", events, "--output", "json"}, args...)...)
		c.Stdout, c.Stderr = &out, &errs
		_ = c.Run() // the code says how it ended
		var signals []signalFound
		if code = c.ProcessState.ExitCode(); code == 0 {
			if err := json.Unmarshal(out.Bytes(), &signals); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range signals {
			groups += s.Group[0] + " "
		}
		return groups, errs.String(), code
	}
	in, out := rule("in.json", "true"), rule("out.json", "false")
	got, talk, _ := run("--rule", in, "--reference-table", table)
	if got != "192.0.2.7 198.51.100.1 ::ffff:192.0.2.9 " || !strings.Contains(talk, `reference table bad: 1 rows with columns "net", "why"`) {
		t.Errorf("in the table: %s\n%s", got, talk)
	}
	if got, _, _ := run("--rule", out, "--reference-table", table); got != "198.51.100.1 " {
		t.Errorf("not in the table: %s", got)
	}
	if got, talk, _ := run("--rule", in); got != "" || !strings.Contains(talk, `no reference table "bad"`) {
		t.Errorf("in no table: %s\n%s", got, talk)
	}
	broken := "bad=" + write("broken.csv", "net,why\n1,2,3\n")
	if _, talk, code := run("--rule", in, "--reference-table", broken); code != 1 || !strings.Contains(talk, "broken.csv:2:1: the line has 3 values, and there are 2 columns") {
		t.Errorf("a broken file ends with %d and says %s", code, talk)
	}
	if _, talk, code := run("--rule", in, "--reference-table", "bad"); code != 2 {
		t.Errorf("a flag without a file ends with %d and says %s", code, talk)
	}
}

// A table made of a file at the command line is asked by a live rule, and the
// next file of it too.
func TestTablesOfFilesAreAskedByLiveRules(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	path := filepath.Join(t.TempDir(), "domains.csv")
	fill := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, talk, code := p.run("tables", "import", "bad_domains", path); code != 0 {
			t.Fatal(talk)
		}
	}
	fill("domain:wildcard,why\n*.evil.example,phishing\n")
	p.call(http.MethodPost, "/api/v2/security_monitoring/rules", []byte(`{
		"name": "asks", "type": "log_detection", "isEnabled": true, "message": "", "tags": [], "filters": [],
		"queries": [{"name": "a", "query": "source:dns", "aggregation": "count", "groupByFields": ["@name"], "distinctFields": []}],
		"cases": [{"name": "", "status": "high", "condition": "a > 0", "notifications": []}],
		"options": {"detectionMethod": "threshold", "evaluationWindow": 0, "keepAlive": 0, "maxSignalDuration": 0},
		"referenceTables": [{"tableName": "bad_domains", "columnName": "domain", "logFieldPath": "@name", "ruleQueryName": "a", "checkPresence": true}]}`), nil)
	ask := func(names ...string) {
		t.Helper()
		var lines []string
		for _, n := range names {
			lines = append(lines, `{"ddsource":"dns","message":"","name":"`+n+`"}`)
		}
		p.call(http.MethodPost, "/api/v2/logs", []byte("["+strings.Join(lines, ",")+"]"), nil)
		p.caughtUp()
	}
	ask("www.evil.example", "www.good.example")
	fill("domain:wildcard,why\n*.good.example,a mistake\n")
	ask("a.evil.example", "a.good.example")
	p.terminate()
	p.start()
	ask("b.evil.example", "b.good.example")
	out, _, _ := p.run("tables", "rows", "bad_domains", "--output", "json")
	if !strings.Contains(out, `"domain": "*.good.example"`) && !strings.Contains(out, `"domain":"*.good.example"`) {
		t.Errorf("rows %s", out)
	}
	if _, talk, code := p.run("tables", "delete", "bad_domains"); code != 0 {
		t.Error(talk)
	}
	ask("c.evil.example", "c.good.example")
	if out, _, _ := p.run("tables", "list", "--output", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("a deleted table is listed: %s", out)
	}
	if _, talk, code := p.run("tables", "get", "bad_domains"); code != 1 || !strings.Contains(talk, "there is no such reference table: bad_domains") {
		t.Errorf("a deleted table: %d %s", code, talk)
	}
	var got []string
	for _, s := range p.signals("*") {
		got = append(got, s.Group[0])
	}
	slices.Sort(got)
	if want := "a.good.example b.good.example www.evil.example"; strings.Join(got, " ") != want {
		t.Errorf("signals about %v, want %s", got, want)
	}
}
