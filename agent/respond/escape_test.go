package respond

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightjar/agent/process"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// built is a program that is made of C.
func built(t *testing.T, text string) string {
	t.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no compiler of C:", err)
	}
	at := filepath.Join(t.TempDir(), "program")
	c := exec.Command(compiler, "-pthread", "-x", "c", "-o", at, "-")
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return at
}

// headless starts a program whose first thread has ended, and whose second one goes on.
func headless(t *testing.T, at string) *exec.Cmd {
	t.Helper()
	c := exec.Command(at)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	for range 12000 {
		if s, err := process.StatOf(c.Process.Pid); err == nil && s.Zombie {
			return c
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("its first thread does not end")
	return nil
}

const headlessProgram = `
#include <pthread.h>
#include <unistd.h>
static void *go_on(void *p) { for (;;) pause(); }
int main(void) { pthread_t t; pthread_create(&t, 0, go_on, 0); pthread_exit(0); }
`

// TestAProcessWhoseFirstThreadHasEndedIsKilled holds that what looks like a zombie, and
// goes on in other threads, does not get away; nor is it taken for unprotected.
func TestAProcessWhoseFirstThreadHasEndedIsKilled(t *testing.T) {
	at := built(t, headlessProgram)
	c := headless(t, at)
	s, err := process.StatOf(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	guarded := NewProtected([]string{at})
	if why, ok := guarded.Live(c.Process.Pid); !ok {
		t.Errorf("it is not protected: %q", why)
	}
	p := NewProtected(nil)
	const tick = uint64(time.Second) / process.Ticks
	target := Target{PID: c.Process.Pid, Start: s.Start * tick, Exe: Exe{Path: at}}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if r := NewKiller(p, &Switch{}).Kill(ctx, target, "SIGKILL", ScopeProcess); r.Status != Performed || r.ExitedAt.IsZero() {
		t.Errorf("%+v", r)
	}
}

// TestANameThatEndsInDeletedProtectsNothing holds that a file of root's that somebody has
// mounted at the path of a protected program, with " (deleted)" behind it, is not taken
// for that program, which an update replaced.
func TestANameThatEndsInDeletedProtectsNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root mounts")
	}
	dir := t.TempDir()
	const script = `mount -t tmpfs t /opt && touch '/opt/sshd (deleted)' && mount --bind /bin/sleep '/opt/sshd (deleted)' && exec '/opt/sshd (deleted)' 60`
	c := exec.Command("/bin/sh", "-c", script)
	c.Dir = dir
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := c.Start(); err != nil {
		t.Skip("no mount namespaces:", err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	runs := ""
	for range 12000 {
		if runs, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", c.Process.Pid)); strings.HasSuffix(runs, " (deleted)") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !strings.HasPrefix(runs, "/opt/sshd") {
		t.Skip("it could not be mounted: it runs", runs)
	}
	if why, ok := NewProtected(nil).Live(c.Process.Pid); ok {
		t.Error("protected:", why)
	}
}

// TestTheHostsProgramsAreProtectedFromAContainer holds that an agent in a container, which
// has other files, knows the protected programs of the host.
func TestTheHostsProgramsAreProtectedFromAContainer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root mounts")
	}
	const script = `mount -t tmpfs t /opt && cp /bin/sleep /opt/kubelet && exec /opt/kubelet 60`
	c := exec.Command("/bin/sh", "-c", script)
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := c.Start(); err != nil {
		t.Skip("no mount namespaces:", err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	at := fmt.Sprintf("/proc/%d", c.Process.Pid)
	runs := ""
	for range 12000 {
		if runs, _ = os.Readlink(at + "/exe"); strings.HasSuffix(runs, "kubelet") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if runs != "/opt/kubelet" {
		t.Skip("it could not be mounted: it runs", runs)
	}
	p := NewProtected(nil)
	if why, ok := p.Live(c.Process.Pid); ok {
		t.Error("protected, though the host has no such program:", why)
	}
	p.root = at + "/root" // as if the agent were elsewhere
	if _, ok := p.Live(c.Process.Pid); !ok {
		t.Error("not protected")
	}
	id, _ := identityOf(at + "/exe")
	if p.identities()[id] == "" {
		t.Error("the kernel is not told of it")
	}
}

// acted is what became of the kill of each rule that an event matches.
func acted(r *Responder, rules *ruleset.Set, e *event.Event, seen Seen) map[string]Report {
	out := map[string]Report{}
	match(rules, e, func(rule *ruleset.Rule, c *secl.Context) { out[rule.ID] = r.Act(rule, c, seen).Reports()[0] })
	return out
}

// TestAChangedModeBeginsWithAnEmptyDisarmer holds that what a rule would have killed does
// not keep it from killing once its policy blocks; and that status says why it may not.
func TestAChangedModeBeginsWithAnEmptyDisarmer(t *testing.T) {
	text := rule("r", `exec.file.path == "/x"`, kill)
	p := event.Process{PID: 1 << 30, Key: 1}
	p.File.SetPath("/x")
	r := New(Config{})
	install := func(mode policy.Mode, text string) *ruleset.Set {
		t.Helper()
		rules := rulesOf(t, mode, text)
		if err := r.Install(rules, &told{}); err != nil {
			t.Fatal(err)
		}
		return rules
	}
	status := func(rules *ruleset.Set) Status {
		return acted(r, rules, execEvent(p), Seen{Time: time.Now()})["r"].Status
	}
	rules := install(policy.Monitoring, text)
	for range 7 {
		status(rules)
	}
	if list := r.Disarmed(); len(list) != 1 || list[0].Why != "the rule would have killed the executable /x 5 times within 1m0s" {
		t.Fatalf("%+v", list)
	}
	rules = install(policy.Blocking, text)
	if got := status(rules); got != Aborted || len(r.Disarmed()) != 0 {
		t.Errorf("%s, %+v: want it aborted, since there is no such process", got, r.Disarmed())
	}
	for range 7 {
		status(rules)
	}
	install(policy.Blocking, rule("other", `exec.file.path == "/y"`, kill))
	rules = install(policy.Blocking, text) // that it was away meanwhile changes nothing
	if got := status(rules); got != RuleDisarmed {
		t.Errorf("%s", got)
	}
	rules = install(policy.Monitoring, text)
	if got := status(rules); got != WouldHavePerformed {
		t.Errorf("%s", got)
	}
}

// TestADisarmedRuleKillsNoneOfAGroupBehindTheKernel holds that a rule that may not kill
// signals nobody in the cgroup of a process that the kernel has killed because of another
// rule.
func TestADisarmedRuleKillsNoneOfAGroupBehindTheKernel(t *testing.T) {
	rules := rulesOf(t, policy.Blocking, rule("a", `exec.file.path == "/x"`, kill)+rule("b", `exec.file.path == "/x" && exec.uid == 0`, "{kill: {signal: SIGKILL, scope: cgroup}}"))
	p := event.Process{PID: 1 << 30, Key: 1}
	p.File.SetPath("/x")
	r := New(Config{})
	for range 5 {
		r.disarmer.Allow(Ask{Rule: "b", Executable: "/x", At: time.Now()})
	}
	seen := Seen{Time: time.Now(), Kernel: &Kernel{Signal: "SIGKILL", At: time.Now()}}
	if got := acted(r, rules, execEvent(p), seen)["b"]; got.Status != Queued {
		t.Fatalf("%+v", got) // it waits for the process to be gone
	}
	var report Report
	for _, w := range r.waiting[birth{p.PID, p.Key}] {
		if w.report.Scope == ScopeCGroup {
			report = w.report
		}
	}
	if report.Status != PartiallyPerformed || report.DisarmerType != "executable" {
		t.Errorf("%+v", report)
	}
}

// TestTheSwitchStopsAKillThatIsUnderWay holds that nobody else of a group is signalled
// when everything is disarmed meanwhile.
func TestTheSwitchStopsAKillThatIsUnderWay(t *testing.T) {
	off := &Switch{}
	k := NewKiller(NewProtected(nil), off)
	if err := off.Disarm(Host, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	k.send = func(int, int, syscall.Signal) error { t.Error("a signal"); return nil }
	if killed, _, err := k.signalFolder(groupOfTest(t), syscall.SIGKILL, nil); len(killed) > 0 || err == nil {
		t.Errorf("%v, %v", killed, err)
	}
}

// groupOfTest is a folder that looks like a cgroup with this process in it.
func groupOfTest(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
