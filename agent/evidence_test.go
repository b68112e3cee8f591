package agent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nightjar/secl/policy"
)

// TestAMatchHasTheHashesOfItsFile holds that a hash action's result is in the event, also
// of a program that ended, and removed itself, before anybody looked.
func TestAMatchHasTheHashesOfItsFile(t *testing.T) {
	dir := t.TempDir()
	quick := program(t, dir, "quick", "/bin/true")
	w := killing(t, policy.Monitoring, fmt.Sprintf("- {id: ran, expression: 'exec.file.path == %q', actions: [{hash: {}}, {log: {level: debug, message: '%%{exec.file.name} ran'}}]}\n", quick))
	want, err := exec.Command("sha256sum", quick).Output()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(quick)
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	f := w.one("ran", c.Process.Pid)
	sum := "sha256:" + strings.Fields(string(want))[0]
	list := actions(t, f)
	if len(list) != 2 || list[0]["status"] != "performed" || !strings.Contains(fmt.Sprint(list[0]["hashes"]), sum) || list[1]["message"] != "quick ran" {
		t.Errorf("the reports are %v, want %s", list, sum)
	}
	file, _ := f.json["process"].(map[string]any)["file"].(map[string]any)
	if !strings.Contains(fmt.Sprint(file["hashes"]), sum) {
		t.Errorf("process.file of the event is %v", file)
	}
}

// TestAMatchHasTheVariablesThatAreNotPrivate holds what of set actions is told.
func TestAMatchHasTheVariablesThatAreNotPrivate(t *testing.T) {
	quick := program(t, t.TempDir(), "quick", "/bin/true")
	w := killing(t, policy.Monitoring, fmt.Sprintf("- {id: ran, expression: 'exec.file.path == %q', actions: [{set: {name: seen, field: exec.file.name, append: true}}, {set: {name: hidden, value: 1, private: true}}]}\n", quick))
	c := exec.Command(quick)
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	about, _ := w.one("ran", c.Process.Pid).json["agent"].(map[string]any)
	if got := fmt.Sprint(about["variables"]); got != "map[seen:[quick]]" {
		t.Errorf("the variables are %s", got)
	}
}

// TestTheMemoryIsWrittenBeforeTheProcessIsKilled holds that a rule that wants both gets
// both.
func TestTheMemoryIsWrittenBeforeTheProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	sleep := program(t, dir, "sleeper", "/bin/sleep")
	state := filepath.Join(dir, "state")
	rule := fmt.Sprintf("- {id: sleeper, expression: 'exec.file.path == %q', actions: [{kill: {signal: SIGKILL}}, {coredump: {process: true}}]}\n", sleep)
	w := killing(t, policy.Blocking, rule, func(c *Config, _ *watched) { c.StateDir = state })
	c := exec.Command(sleep, "60")
	_ = c.Run()
	if statusOf(c) != syscall.SIGKILL {
		t.Fatalf("it ended with %v", c.ProcessState)
	}
	list := actions(t, w.one("sleeper", c.Process.Pid))
	if len(list) != 2 || list[0]["type"] != "kill" || list[0]["status"] != "performed" || list[1]["held"] != true {
		t.Fatalf("the reports are %v", list)
	}
	if info, err := os.Stat(fmt.Sprint(list[1]["path"])); err != nil || info.Size() == 0 || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
