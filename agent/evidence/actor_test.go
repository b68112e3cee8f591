package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/agent/respond"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// ruleOf loads a rule about opens of a file, with actions.
func ruleOf(t *testing.T, actions string) *ruleset.Rule {
	t.Helper()
	p, problems := policy.Read("P", []byte("rules:\n  - {id: r, expression: open.file.path != \"\", actions: ["+actions+"]}\n"))
	for _, p := range problems {
		t.Fatal(p)
	}
	set, err := policy.Load([]*policy.Policy{p}, policy.Options{Model: event.Model(), World: event.World{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Problems {
		t.Fatal(p)
	}
	rule, err := ruleset.New(set, event.World{}).Find("r")
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// acted takes the actions of a rule about an event, and gives the event's JSON and the
// reports as they are stored.
func acted(t *testing.T, c Config, rule *ruleset.Rule, e *event.Event) (string, []map[string]any) {
	t.Helper()
	a, err := NewActor(c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx := &secl.Context{Event: e}
	text := append(event.AppendJSON([]byte("{"), ctx), '}')
	var out []map[string]any
	for _, action := range rule.Pending(ctx) {
		reports := make(chan respond.Report, 1)
		a.Act(rule, action, ctx, func(r respond.Report) { reports <- r })
		r := <-reports
		if r.Finish != nil {
			text = r.Finish(text)
		}
		report, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		one := map[string]any{}
		d := json.NewDecoder(bytes.NewReader(report))
		d.UseNumber()
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	if !json.Valid(text) {
		t.Errorf("the event is no JSON any more: %s", text)
	}
	return string(text), out
}

// TestHashesAreInTheEvent holds where a rule finds the hashes of the file of its event,
// and of the program: in the fields file.hashes, and in the report of the action.
func TestHashesAreInTheEvent(t *testing.T) {
	e := &event.Event{Type: "open", Process: processOf(t, os.Getpid())}
	e.File = fileAt(t, write(t, filepath.Join(t.TempDir(), "f"), "abc"))
	text, reports := acted(t, Config{}, ruleOf(t, "{hash: {}}, {hash: {field: process.file}}, {hash: {max_file_size: 2}}"), e)
	var stored struct {
		File    struct{ Hashes []string }
		Process struct{ File struct{ Hashes []string } }
	}
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(stored.File.Hashes) != fmt.Sprint(ofABC) || len(stored.Process.File.Hashes) != len(ofABC) {
		t.Errorf("%s", text)
	}
	if r := reports[0]; r["type"] != "hash" || r["status"] != "performed" || fmt.Sprint(r["hashes"]) != fmt.Sprint(ofABC) || r["path"] != e.File.Path || r["field"] != "open.file" {
		t.Errorf("%v", r)
	}
	if r := reports[2]; r["status"] != "error" || !strings.Contains(fmt.Sprint(r["error"]), "3 bytes, and the limit is 2") {
		t.Errorf("a file that is too large: %v", r)
	}
	e.File.Inode++
	if text, reports = acted(t, Config{}, ruleOf(t, "{hash: {}}"), e); reports[0]["status"] != "aborted" || strings.Contains(text, "hashes") {
		t.Errorf("another file: %v in %s", reports, text)
	}
}

// TestALineHasWhatTheRuleSays holds log actions.
func TestALineHasWhatTheRuleSays(t *testing.T) {
	var out bytes.Buffer
	e := &event.Event{Type: "open", Process: &event.Process{PID: 7}}
	e.File.SetPath("/etc/shadow\nlevel=ERROR")
	_, reports := acted(t, Config{Log: slog.New(slog.NewTextHandler(&out, nil))}, ruleOf(t, "{log: {level: warn, message: '%{open.file.path} was read by %{process.pid}'}}, {log: {level: debug}}, {log: {level: info}}"), e)
	if lines := strings.Split(out.String(), "\n"); len(lines) != 3 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "/etc/shadow�level=ERROR was read by 7") ||
		!strings.Contains(lines[1], "level=INFO msg=\"rule r matched\" rule=r") {
		t.Errorf("%s", out.String())
	}
	if r := reports[0]; r["status"] != "performed" || r["level"] != "warn" || !strings.Contains(fmt.Sprint(r["message"]), "was read by 7") {
		t.Errorf("%v", r)
	}
}

// TestADumpIsReported holds coredump actions.
func TestADumpIsReported(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	e := &event.Event{Type: "open", Process: start(t, "/proc/self/exe", "wait", nil).process}
	e.File.SetPath("/x")
	rule := ruleOf(t, "{coredump: {process: true}}")
	_, reports := acted(t, In(dir), rule, e)
	r := reports[0]
	info, err := os.Stat(fmt.Sprint(r["path"]))
	if err != nil || fmt.Sprint(r["size"]) != fmt.Sprint(info.Size()) || !strings.HasPrefix(fmt.Sprint(r["path"]), dir) || r["held"] != false {
		t.Errorf("%v, %v", r, err)
	}
	e.Process.Key -= 1_000_000_000
	if _, reports = acted(t, In(dir), rule, e); reports[0]["status"] != "aborted" || !strings.Contains(fmt.Sprint(reports[0]["error"]), "ended") {
		t.Errorf("a process that has ended: %v", reports)
	}
}

// TestADeniedProgramHasNoMemory holds that where a program was kept from running, the memory
// of who tried is not taken for its own.
func TestADeniedProgramHasNoMemory(t *testing.T) {
	dir := t.TempDir()
	e := &event.Event{Type: "exec", Retval: -1, Process: start(t, "/proc/self/exe", "wait", nil).process}
	e.File.SetPath("/x")
	_, reports := acted(t, In(dir), ruleOf(t, "{coredump: {process: true}}"), e)
	if r := reports[0]; r["status"] != "aborted" || r["path"] != nil || !strings.Contains(fmt.Sprint(r["error"]), "kept from running") {
		t.Errorf("%v", r)
	}
}

// FuzzWithMember holds that what is JSON stays so, with nothing but the member more.
func FuzzWithMember(f *testing.F) {
	f.Add(`{"a":{"b":1}}`, "a")
	f.Add(`{"x":[{"a":{}}],"a":{"b":{}}}`, "a.b")
	f.Add(`{"a":"{"}`, "a")
	f.Add(`{`, "a")
	f.Fuzz(func(t *testing.T, text, object string) {
		got := withMember([]byte(text), object, "hashes", []string{"x"})
		if string(got) == text {
			return
		}
		const member = `"hashes":["x"]`
		without := strings.Replace(strings.Replace(string(got), member+",", "", 1), member, "", 1)
		if json.Valid([]byte(text)) && !json.Valid(got) || !strings.Contains(string(got), member) || len(without) > len(text) {
			t.Errorf("%q of %q became %q", object, text, got)
		}
	})
}
