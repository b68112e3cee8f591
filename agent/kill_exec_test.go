package agent

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightjar/agent/respond"
	"nightjar/secl/policy"
)

// noDisarmers lets a rule of a test kill as often as it likes.
const noDisarmers = ", disable_executable_disarmer: true, disable_container_disarmer: true"

// miners runs a program that writes a file as often as asked, and returns how often it
// was killed, and how many files there are.
func miners(t *testing.T, miner string, times int, args ...string) (killed, wrote int) {
	t.Helper()
	dir := t.TempDir()
	for i := range times {
		c := as("touch", miner, append(args, filepath.Join(dir, fmt.Sprint(i)))...)
		_ = c.Run()
		if statusOf(c) == syscall.SIGKILL {
			killed++
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return killed, len(files)
}

// TestAMinerIsKilledBeforeItWritesAnything holds the way through the kernel: 200 of 200,
// each with its event, in which bpf_send_signal acted. In a monitoring policy all of
// them write.
func TestAMinerIsKilledBeforeItWritesAnything(t *testing.T) {
	const many = 200
	miner := program(t, t.TempDir(), "xmrig-test", "/bin/touch")
	for _, by := range []string{`exec.file.path == "` + miner + `"`, `exec.file.name == "xmrig-test"`} {
		w := killing(t, policy.Blocking, killRule("miner", by, noDisarmers))
		killed, wrote := miners(t, miner, many)
		w.stop()
		performed := 0
		for _, m := range w.of("miner", 0) {
			r := actions(t, m)[0]
			if r["status"] == "performed" && r["mechanism"] == "bpf_send_signal" && r["exited_at"] != nil {
				performed++
			} else {
				t.Error(r)
			}
		}
		t.Logf("%s: %d of %d killed, %d wrote, %d events", by, killed, many, wrote, performed)
		if killed != many || wrote != 0 || performed != many {
			t.Errorf("%d of %d killed, %d wrote, %d events", killed, many, wrote, performed)
		}
	}
	w := killing(t, policy.Monitoring, killRule("miner", `exec.file.path == "`+miner+`"`, noDisarmers))
	killed, wrote := miners(t, miner, many)
	w.stop()
	if killed != 0 || wrote != many {
		t.Errorf("monitoring: %d killed, %d of %d wrote", killed, wrote, many)
	}
	for _, m := range w.of("miner", 0) {
		if r := actions(t, m)[0]; r["status"] != "would_have_performed" || r["mechanism"] != "bpf_send_signal" {
			t.Error(r)
		}
	}
	if n := len(w.of("miner", 0)); n != many {
		t.Errorf("monitoring: %d events", n)
	}
}

// TestTheKernelFollowsTheFileOfAPath holds that what is killed is the file that the path
// of the rule leads to when it is executed: made after the agent began, replaced, also by
// another name (a hard link), but not a copy, and not what was renamed away.
func TestTheKernelFollowsTheFileOfAPath(t *testing.T) {
	dir := t.TempDir()
	at, other, link := filepath.Join(dir, "miner"), filepath.Join(dir, "other"), filepath.Join(dir, "link")
	w := killing(t, policy.Blocking, killRule("miner", `exec.file.path == "`+at+`"`, noDisarmers))
	run := func(what, path string) (killed bool) {
		t.Helper()
		n, wrote := miners(t, path, 1)
		if n+wrote != 1 {
			t.Errorf("%s: killed %d, wrote %d", what, n, wrote)
		}
		return n == 1
	}
	must := func(what, path string, want bool) {
		t.Helper()
		if got := run(what, path); got != want {
			t.Errorf("%s: killed is %v", what, got)
		}
	}
	program(t, dir, "miner", "/bin/touch")
	must("made after the agent began", at, true)
	program(t, dir, "new", "/bin/touch")
	if err := os.Rename(filepath.Join(dir, "new"), at); err != nil {
		t.Fatal(err)
	}
	must("replaced", at, true)
	must("a copy", program(t, dir, "copy", at), false)
	if err := os.Rename(at, other); err != nil {
		t.Fatal(err)
	}
	must("renamed", other, false)
	if err := errors.Join(os.Link(other, link), os.Rename(other, at)); err != nil {
		t.Fatal(err)
	}
	killed := false
	for range 600 { // hard links are looked up every second
		if killed = run("a hard link", link); killed {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if !killed {
		t.Fatal("the hard link was not killed")
	}
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	must("what is no link of it any more", link, false)
	w.stop()
	byLink := 0
	for _, m := range w.of("miner", 0) {
		r := actions(t, m)[0]
		if r["mechanism"] != "bpf_send_signal" {
			t.Error(r)
		}
		if r["matched_by"] != nil {
			byLink++
		}
	}
	if n := len(w.of("miner", 0)); n != 3 || byLink != 1 {
		t.Errorf("%d events, %d of them by the hard link; want 3 and 1", n, byLink)
	}
}

// TestAScriptIsNotItsInterpreter holds that a rule about the interpreter does not hit its
// scripts, and one about a script hits the process that runs it.
func TestAScriptIsNotItsInterpreter(t *testing.T) {
	dir := t.TempDir()
	shell := program(t, dir, "sh", realPath(t, "/bin/sh"))
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!"+shell+"\nread wait\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(killed bool, args ...string) {
		t.Helper()
		c := exec.Command(args[0], args[1:]...)
		stdin, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if !killed {
			time.Sleep(200 * time.Millisecond) // for who would kill it
			stdin.Close()
		}
		_ = c.Wait()
		if got := statusOf(c) == syscall.SIGKILL; got != killed {
			t.Errorf("%v: killed is %v", args, got)
		}
	}
	w := killing(t, policy.Blocking, killRule("shell", `exec.file.path == "`+shell+`"`, noDisarmers))
	run(false, script)
	run(true, shell, "-c", "read wait")
	w.stop()
	w = killing(t, policy.Blocking, killRule("script", `exec.file.path == "`+script+`"`, noDisarmers))
	run(true, script)
	run(false, shell, "-c", "read wait")
	w.stop()
	if r := actions(t, w.of("script", 0)[0])[0]; r["status"] != "performed" || r["mechanism"] != "pidfd" {
		t.Error(r)
	}
}

// TestFurtherConditionsAreNotSkipped holds that a file alone decides nothing where the
// rule asks more.
func TestFurtherConditionsAreNotSkipped(t *testing.T) {
	sleep := program(t, t.TempDir(), "sleeper", "/bin/sleep")
	w := killing(t, policy.Blocking, killRule("long", `exec.file.path == "`+sleep+`" && exec.argv in ["60"]`, noDisarmers))
	for range 20 {
		if err := as("sleep", sleep, "0.01").Run(); err != nil {
			t.Fatal(err)
		}
	}
	c := as("sleep", sleep, "60")
	if _ = c.Run(); statusOf(c) != syscall.SIGKILL {
		t.Error("it was not killed")
	}
	w.stop()
	if len(w.of("long", 0)) != 1 {
		t.Errorf("%d events", len(w.of("long", 0)))
	}
}

// TestTheDisarmerHoldsInTheKernel holds that five a minute are killed there, and the
// sixth says why it is not; `arm` ends that.
func TestTheDisarmerHoldsInTheKernel(t *testing.T) {
	miner, state := program(t, t.TempDir(), "miner", "/bin/touch"), t.TempDir()
	w := killing(t, policy.Blocking, killRule("miner", `exec.file.path == "`+miner+`"`, ""), func(c *Config, _ *watched) { c.StateDir = state })
	limit := respond.DefaultLimits.Kills
	if killed, wrote := miners(t, miner, 3*limit); killed != limit || wrote != 2*limit {
		t.Errorf("%d of %d killed, %d wrote; want %d killed", killed, 3*limit, wrote, limit)
	}
	s, err := Tell(state, Order{Do: "arm", Rule: "miner"})
	if err != nil || len(s.Disarmed) != 0 {
		t.Fatal(s.Disarmed, err)
	}
	if killed, _ := miners(t, miner, limit+2); killed != limit {
		t.Errorf("%d killed after it was armed, want %d", killed, limit)
	}
	if s, err = Ask(state); err != nil || len(s.Disarmed) != 1 || s.Disarmed[0].Target != miner || s.Disarmed[0].Status != respond.RuleDisarmed {
		t.Errorf("the status tells %+v, %v", s.Disarmed, err)
	}
	w.stop()
	counts := map[any]int{}
	for _, m := range w.of("miner", 0) {
		r := actions(t, m)[0]
		counts[r["status"]]++
		if r["status"] == "rule_disarmed" && (r["disarmer_type"] != "executable" || r["error"] == nil) {
			t.Error(r)
		}
	}
	if counts["performed"] != 2*limit || counts["rule_disarmed"] != 2*limit+2 {
		t.Errorf("the events say %v", counts)
	}
}

// TestAProtectedProgramIsSparedInTheKernel holds that no rule kills it by its path, its
// name, or another name of its file.
func TestAProtectedProgramIsSparedInTheKernel(t *testing.T) {
	dir := t.TempDir()
	guarded := program(t, dir, "guarded", "/bin/touch")
	link := filepath.Join(dir, "link")
	if err := os.Link(guarded, link); err != nil {
		t.Fatal(err)
	}
	rules := killRule("path", `exec.file.path == "`+guarded+`"`, noDisarmers) + killRule("name", `exec.file.name == "guarded"`, noDisarmers) +
		killRule("link", `exec.file.path == "`+link+`"`, noDisarmers)
	w := killing(t, policy.Blocking, rules, func(c *Config, _ *watched) { c.Protect = []string{guarded} })
	if killed, wrote := miners(t, guarded, 20); killed != 0 || wrote != 20 {
		t.Errorf("%d killed, %d wrote", killed, wrote)
	}
	w.stop()
	for _, id := range []string{"path", "name"} {
		for _, m := range w.of(id, 0) {
			// It may have ended before anybody looked: then it is what its event says.
			if r := actions(t, m)[0]; r["status"] != "aborted" || !strings.HasPrefix(r["error"].(string), "protected: ") {
				t.Error(r)
			}
		}
		if n := len(w.of(id, 0)); n != 20 {
			t.Errorf("%d events of %s", n, id)
		}
	}
}

// TestWhatWasKilledCountsOnOverAReplacement holds that a disarmed rule stays so when the
// rules are replaced, unless it is another rule by then; and that the kernel kills for
// the new rules only.
func TestWhatWasKilledCountsOnOverAReplacement(t *testing.T) {
	dir := t.TempDir()
	miner, second := program(t, dir, "miner", "/bin/touch"), program(t, dir, "second", "/bin/touch")
	policyWith := func(rules string) []*policy.Policy {
		p, problems := policy.Read("kill.policy", []byte("version: 1.0.0\nrules:\n"+rules))
		for _, problem := range problems {
			t.Fatal(problem)
		}
		p.Mode = policy.Blocking
		return []*policy.Policy{p}
	}
	rule := killRule("miner", `exec.file.path == "`+miner+`"`, "")
	w := killing(t, policy.Blocking, rule)
	replace := func(rules string) {
		t.Helper()
		if err := w.agent.Replace(t.Context(), policyWith(rules), nil); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what, path string, want int) {
		t.Helper()
		if killed, wrote := miners(t, path, 10); killed != want || wrote != 10-want {
			t.Errorf("%s: %d of 10 killed, %d wrote; want %d killed", what, killed, wrote, want)
		}
	}
	limit := respond.DefaultLimits.Kills
	expect("at first", miner, limit)
	replace(rule + killRule("second", `exec.file.path == "`+second+`"`, noDisarmers))
	expect("the same rule", miner, 0)
	expect("another beside it", second, 10)
	replace(killRule("miner", `exec.file.path in ["`+miner+`", "/nowhere"]`, ""))
	expect("a changed rule", miner, limit)
	expect("a rule that is gone", second, 0)
}
