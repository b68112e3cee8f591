package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"nightjar/content"
)

// folder is where a test keeps files, beside an engine that they are applied to.
type folder struct {
	t   *testing.T
	p   *process
	dir string
}

func newFolder(t *testing.T) *folder { return &folder{t, startEngine(t), t.TempDir()} }

func (f *folder) put(name, text string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
	return path
}

func (f *folder) run(want int, args ...string) (stdout, stderr string) {
	f.t.Helper()
	stdout, stderr, code := f.p.run(args...)
	if code != want {
		f.t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout, stderr
}

// names are the rules that there are, as `rules list` has them.
func (f *folder) names() string {
	f.t.Helper()
	stdout, _ := f.run(exitOK, "rules", "list", "--output", "jsonl")
	var out []string
	for line := range strings.Lines(stdout) {
		var r struct{ Name string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			f.t.Fatal(err)
		}
		out = append(out, r.Name)
	}
	return strings.Join(out, ", ")
}

func renamed(name string) string { return strings.Replace(ruleFile, `"one"`, `"`+name+`"`, 1) }

// What goes is said and asked about before anything is done; a new name beside an
// id is a new name, not a new rule.
func TestApplyPrunesAndRenames(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.put("one.json", ruleFile)
	f.put("two.json", renamed("two"))
	f.run(exitOK, "rules", "apply", f.dir)
	f.run(exitOK, "rules", "pull", f.dir)
	pulled := read(t, filepath.Join(f.dir, "one.json"))
	if !strings.Contains(pulled, `"id": "`) {
		t.Fatalf("pulled without its id: %s", pulled)
	}
	f.put("one.json", strings.Replace(pulled, `"name": "one"`, `"name": "first"`, 1))
	stdout, stderr := f.run(exitOK, "rules", "apply", f.dir)
	if f.names() != "first, two" || !strings.Contains(stdout, `+  "name": "first"`) || !strings.Contains(stderr, "0 to create, 1 to update, 1 unchanged") {
		t.Errorf("after a rename: %s\n%s%s", f.names(), stdout, stderr)
	}

	one := filepath.Join(f.dir, "one.json")
	_, stderr = f.run(exitUsage, "rules", "apply", one, "--prune") // nobody to ask
	if f.names() != "first, two" || !strings.Contains(stderr, `no file is about rule "two"`) || !strings.Contains(stderr, "--yes") {
		t.Errorf("prune without --yes: %s\n%s", f.names(), stderr)
	}
	stdout, stderr = f.run(exitOK, "rules", "diff", one, "--prune")
	if !strings.Contains(stdout, `-  "name": "two"`) || !strings.Contains(stderr, "1 to delete") || f.names() != "first, two" {
		t.Errorf("diff --prune: %s%s", stdout, stderr)
	}
	_, stderr = f.run(exitOK, "rules", "apply", one, "--prune", "--yes")
	if f.names() != "first" || !strings.Contains(stderr, `deleted rule "two"`) {
		t.Errorf("prune: %s\n%s", f.names(), stderr)
	}
	f.put("broken.json", "{")
	f.run(exitFailure, "rules", "apply", f.dir, "--prune", "--yes") // nothing goes when a file can't be read
	if f.names() != "first" {
		t.Errorf("prune beside a broken file: %s", f.names())
	}
}

const yamlRule = `# why we have it
name: one
message: m
isEnabled: true
type: log_detection
tags: ["source:sshd"]
groupSignalsBy: [host]
queries:
  - query: source:sshd
    groupByFields: [host, "@usr.name"]
cases:
  - {status: high, condition: a > 3}
options: {evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86400}
`

// A rule as YAML is the rule as JSON, in every command that reads one.
func TestRulesMayBeYAML(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	path := f.put("one.yaml", yamlRule)
	f.put("one_test.yaml", "tests: []") // tests stand beside rules
	f.run(exitOK, "rules", "apply", f.dir)
	asJSON := filepath.Join(t.TempDir(), "one.json")
	if err := os.WriteFile(asJSON, []byte(ruleFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr := f.run(exitOK, "rules", "diff", asJSON, "--exit-code"); stdout != "" {
		t.Errorf("the same as JSON differs: %s%s", stdout, stderr)
	}
	f.run(exitOK, "rules", "pull", f.dir)
	pulled := read(t, path)
	if !strings.Contains(pulled, "\nname: one\n") || strings.Contains(pulled, "{") {
		t.Errorf("pulled into a YAML file:\n%s", pulled)
	}
	f.run(exitOK, "rules", "diff", f.dir, "--exit-code")
	events := f.put("e.ndjson", `{"timestamp":1000,"source":"sshd","host":"h","attributes":{"usr":{"name":"u"}}}`+"\n")
	f.run(exitOK, "backtest", "--rule", path, "--events", events)
	f.put("bad.yaml", "name: one\nname: two\n")
	if _, stderr := f.run(exitFailure, "rules", "apply", f.dir); !strings.Contains(stderr, `bad.yaml:2:1: key "name" is there twice`) {
		t.Errorf("a mistake in YAML: %s", stderr)
	}
}

func TestRulesHaveAHistory(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	path := f.put("one.json", ruleFile)
	f.run(exitOK, "rules", "apply", path)
	f.run(exitOK, "rules", "disable", "one")
	f.run(exitOK, "rules", "disable", "one") // and a second time changes nothing
	if list, _ := f.run(exitOK, "rules", "list"); !strings.Contains(list, "false") {
		t.Errorf("disabled: %s", list)
	}
	f.run(exitOK, "rules", "enable", "one")
	f.put("one.json", strings.Replace(ruleFile, "a > 3", "a > 4", 1))
	f.run(exitOK, "rules", "apply", path)
	history, _ := f.run(exitOK, "rules", "history", "one")
	if lines := strings.Split(strings.TrimSpace(history), "\n"); len(lines) != 5 || !strings.HasPrefix(lines[1], "4 ") || !strings.Contains(lines[1], "cases") ||
		!strings.Contains(lines[2], "isEnabled = true") || !strings.Contains(lines[3], "isEnabled = false") || !strings.Contains(lines[4], "20") {
		t.Errorf("history:\n%s", history)
	}
	f.run(exitOK, "rules", "restore", "one", "--version", "1")
	if bare, _ := f.run(exitOK, "rules", "get", "one", "--bare"); !strings.Contains(bare, "a > 3") {
		t.Errorf("restored: %s", bare)
	}
	f.run(exitFailure, "rules", "restore", "one", "--version", "5") // it is in force
	f.run(exitFailure, "rules", "restore", "one", "--version", "9")
	f.run(exitUsage, "rules", "restore", "one")
	_, stderr := f.run(exitFailure, "rules", "enable", "none", "one") // one that there is not stops no other
	if !strings.Contains(stderr, `"none"`) || !strings.Contains(stderr, `"one"`) {
		t.Errorf("enable: %s", stderr)
	}

	s := f.put("s.json", `{"name":"s","enabled":true,"rule_query":"*","suppression_query":"env:test"}`)
	f.run(exitOK, "suppressions", "apply", s)
	f.run(exitOK, "suppressions", "disable", "s")
	if list, _ := f.run(exitOK, "suppressions", "list"); !strings.Contains(list, "false") {
		t.Errorf("disabled: %s", list)
	}
	f.run(exitOK, "suppressions", "restore", "s", "--version", "1")
	if history, _ := f.run(exitOK, "suppressions", "history", "s", "--output", "jsonl"); strings.Count(history, "\n") != 3 {
		t.Errorf("history: %s", history)
	}
}

// Every rule gets a file of its own, whatever it is named, and one that cannot be
// read stops no other.
func TestPullWritesEveryRule(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	long := strings.Repeat("Suspicious very long Sigma title ", 8)[:253]
	names := []string{long, "不審なログイン検知", "Вход", "entrée", "one", "One", "one!", "***", strings.Repeat("不審", 120)}
	var paths []string
	for i, name := range names {
		paths = append(paths, f.put("in"+string(rune('a'+i))+".json", renamed(name)))
	}
	f.run(exitOK, append([]string{"rules", "apply"}, paths...)...)
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "entrée.json"), 0o755); err != nil { // in the way
		t.Fatal(err)
	}
	_, stderr := f.run(exitFailure, "rules", "pull", dir)
	if !strings.Contains(stderr, "broken.json") || !strings.Contains(stderr, "entrée") || !strings.Contains(stderr, "9 rules, 8 files written") {
		t.Errorf("pull: %s", stderr)
	}
	if read(t, broken) != "{" {
		t.Error("a file that can't be read was written over")
	}
	os.Remove(broken)
	os.Remove(filepath.Join(dir, "entrée.json"))
	f.run(exitOK, "rules", "pull", dir)
	f.run(exitOK, "rules", "diff", dir, "--exit-code")
	f.run(exitOK, "rules", "apply", dir, "--prune") // each has its file: there is nothing to ask
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, e := range entries {
		found[e.Name()] = true
		if len(e.Name()) > 255 || !utf8.ValidString(e.Name()) {
			t.Errorf("file name %q", e.Name())
		}
	}
	if len(found) != len(names) || !found["不審なログイン検知.json"] || !found["вход.json"] || !found["entrée.json"] || !found["unnamed.json"] {
		t.Errorf("files %v", found)
	}
}

// TestBundledRulesAreAppliedFromTheBinary, wherever that stands: some by their names, then
// all that ship.
func TestBundledRulesAreAppliedFromTheBinary(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	ship, err := fs.Glob(content.Files, "rules/*.json")
	if err != nil {
		t.Fatal(err)
	}
	f.run(exitOK, "rules", "apply", "--bundled", "fleet-agent-s*", "ssh-brute-force")
	if f.names() != "An agent fell silent, or was ended, SSH brute force" {
		t.Errorf("by names: %s", f.names())
	}
	_, stderr := f.run(exitOK, "rules", "apply", "--bundled")
	if want := fmt.Sprintf("%d to create, 0 to update, 2 unchanged", len(ship)-2); !strings.Contains(stderr, want) {
		t.Errorf("all: want %s, it says\n%s", want, stderr)
	}
	if _, stderr = f.run(exitOK, "rules", "diff", "--bundled", "--exit-code"); !strings.Contains(stderr, "0 to create, 0 to update, ") {
		t.Errorf("a second time: %s", stderr)
	}
	if _, stderr = f.run(exitFailure, "rules", "apply", "--bundled", "ssh-nothing"); !strings.Contains(stderr, `"ssh-nothing"`) {
		t.Errorf("a name that none has: %s", stderr)
	}
}
