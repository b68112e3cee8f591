package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const ruleFile = `{"name":"one","message":"m","isEnabled":true,"type":"log_detection","tags":["source:sshd"],"groupSignalsBy":["host"],
	"queries":[{"query":"source:sshd","groupByFields":["host","@usr.name"]}],"cases":[{"status":"high","condition":"a > 3"}],
	"options":{"evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}`

// Files and a server: apply is idempotent and shows what it changes, what a file
// no longer says is gone, and what is pulled applies as it is.
func TestRulesAreKeptInFiles(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.json"), filepath.Join(dir, "sub", "two.json")
	put := func(path, text string) {
		t.Helper()
		putFile(t, path, []byte(text))
	}
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, code := p.run(args...)
		if code != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	put(one, ruleFile)
	put(two, strings.Replace(ruleFile, `"one"`, `"two"`, 1))
	if _, stderr := run(exitFailure, "rules", "diff", dir, "--exit-code"); !strings.Contains(stderr, "2 to create, 0 to update, 0 unchanged") {
		t.Errorf("diff before: %s", stderr)
	}
	if stdout, _ := run(exitOK, "rules", "apply", dir); strings.Count(stdout, "--- /dev/null") != 2 || !strings.Contains(stdout, `+  "name": "two"`) {
		t.Errorf("apply shows %s", stdout)
	}
	if stdout, stderr := run(exitOK, "rules", "apply", dir); stdout != "" || !strings.Contains(stderr, "2 unchanged") {
		t.Errorf("apply again: %s%s", stdout, stderr)
	}
	put(one, strings.Replace(strings.Replace(ruleFile, `"groupSignalsBy":["host"],`, "", 1), "a > 3", "a > 4", 1))
	stdout, _ := run(exitOK, "rules", "apply", dir, "--output", "json")
	var changes []struct{ Action, Diff string }
	if err := json.Unmarshal([]byte(stdout), &changes); err != nil || len(changes) != 2 {
		t.Fatalf("%s: %v", stdout, err)
	}
	if c := changes[0]; c.Action != "update" || !strings.Contains(c.Diff, `-  "groupSignalsBy": [`) || !strings.Contains(c.Diff, `+      "condition": "a > 4",`) || changes[1].Action != "unchanged" {
		t.Errorf("changed %+v", changes)
	}
	run(exitOK, "rules", "diff", dir, "--exit-code")

	pulled := filepath.Join(dir, "pulled")
	run(exitOK, "rules", "pull", pulled)
	run(exitOK, "rules", "diff", pulled, "--exit-code")
	if _, stderr := run(exitOK, "rules", "pull", pulled); !strings.Contains(stderr, "2 rules, 0 files written") {
		t.Errorf("pull again: %s", stderr)
	}
	if bare, _ := run(exitOK, "rules", "get", "one", "--bare"); bare != read(t, filepath.Join(pulled, "one.json")) {
		t.Errorf("get --bare is not what is pulled: %s", bare)
	}
	if list, _ := run(exitOK, "rules", "list", "source:sshd"); !strings.Contains(list, "one") || !strings.Contains(list, "log_detection  threshold  true     high") {
		t.Errorf("list: %s", list)
	}
	// What it costs is known of its signals, and not yet of an event.
	if list, _ := run(exitOK, "rules", "list", "source:sshd", "--output", "csv"); !strings.Contains(list, ",US/EVENT,SIGNALS/DAY,BEHIND,") || !strings.Contains(list, "one,log_detection,threshold,true,high,,0,,") {
		t.Errorf("list with costs: %s", list)
	}
	if out, err := exec.Command(p.path, "rules", "validate", dir).CombinedOutput(); err != nil {
		t.Errorf("validate: %v %s", err, out)
	}
	put(two, strings.Replace(ruleFile, "a > 3", "b > 3", 1))
	if out, err := exec.Command(p.path, "rules", "validate", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "two.json: ") {
		t.Errorf("validate: %v %s", err, out)
	}
	put(one, ruleFile)
	run(exitFailure, "rules", "apply", one, two) // one of them is wrong: neither is applied
	run(exitOK, "rules", "diff", pulled, "--exit-code")
	run(exitFailure, "rules", "apply", one, filepath.Join(pulled, "one.json")) // one rule, two files
	run(exitOK, "rules", "delete", "one", "two")
	if list, _ := run(exitOK, "rules", "list", "--output", "json"); strings.TrimSpace(list) != "[]" {
		t.Errorf("after delete: %s", list)
	}
	run(exitFailure, "rules", "get", "one")
	run(exitUsage, "rules", "apply")
}

func TestSuppressionsAreKeptInFiles(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	path := filepath.Join(t.TempDir(), "s.json")
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, code := p.run(args...)
		if code != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	for i, attributes := range []string{
		`{"name":"s","enabled":true,"rule_query":"*","suppression_query":"env:test","expiration_date":1900000000000,"tags":["b","a"]}`,
		`{"name":"s","enabled":true,"rule_query":"*","suppression_query":"env:test"}`,
	} {
		if err := os.WriteFile(path, []byte(`{"data":{"type":"suppressions","attributes":`+attributes+`}}`), 0o644); err != nil {
			t.Fatal(err)
		}
		if stdout, _ := run(exitOK, "suppressions", "apply", path); !strings.Contains(stdout, []string{`+  "expiration_date": 1900000000000`, `-  "expiration_date": 1900000000000`}[i]) {
			t.Errorf("apply shows %s", stdout)
		}
		if _, stderr := run(exitOK, "suppressions", "apply", path); !strings.Contains(stderr, "1 unchanged") {
			t.Errorf("apply again: %s", stderr)
		}
	}
	if list, _ := run(exitOK, "suppressions", "list"); !strings.Contains(list, "env:test") {
		t.Errorf("list: %s", list)
	}
	run(exitOK, "suppressions", "delete", "s")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
