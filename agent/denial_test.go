package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/deny"
	"nightjar/secl/policy"
)

func init() {
	works["nothing"] = func([]string) error { return nil }
	works["read"] = func(a []string) error { _, err := os.ReadFile(a[0]); return err }
	works["connect from a group"] = func(a []string) error {
		if err := os.WriteFile(filepath.Join(a[0], "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			return err
		}
		c, err := net.Dial("tcp4", a[1])
		if err == nil {
			c.Close()
		}
		return err
	}
}

// stranger makes a command that does a work with a program that is not the agent's own:
// the agent's is protected.
func stranger(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(program(t, t.TempDir(), "stranger", "/proc/self/exe"), args...)
	c.Env = append(os.Environ(), workVariable+"="+name)
	return c
}

// blockingPolicy is a policy of rules `id: expression` that kill, in a mode.
func blockingPolicy(t *testing.T, mode policy.Mode, rules string) *policy.Policy {
	t.Helper()
	p := policyOf(t, rules)
	p.Mode = mode
	for _, r := range p.Rules {
		r.Actions = []*policy.ActionDef{{Kill: &policy.KillDef{Signal: "SIGKILL"}}}
	}
	return p
}

func denying(t *testing.T, mode policy.Mode, rules string) (w *watched, group string) {
	t.Helper()
	needEBPF(t)
	group = ownGroup(t)
	w = watch(t, "", func(c *Config, _ *watched) {
		c.Policies = []*policy.Policy{blockingPolicy(t, mode, rules)}
		c.CGroup = group
		c.StateDir = t.TempDir()
	})
	if why := w.agent.denials.why; why != "" {
		t.Fatal(why)
	}
	return w, group
}

// ownGroup makes a control group of version 2 for the test.
func ownGroup(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); f[2] == "cgroup2" {
			at, err := os.MkdirTemp(f[1], "nightjar-agent-test-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				for range 100 {
					if os.Remove(at) == nil {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
			return at
		}
	}
	t.Skip("needs root or another kernel: no control groups of version 2")
	return ""
}

// reports are what the event says of the actions of its rule.
func (f found) reports() []map[string]any {
	var out []map[string]any
	b, _ := json.Marshal(f.json["agent"].(map[string]any)["rule_actions"])
	_ = json.Unmarshal(b, &out)
	return out
}

func eventually(holds func() bool) bool {
	for range 12000 {
		if holds() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// evilProgram is a program that does nothing, when tests execute it.
func evilProgram(t *testing.T) string {
	t.Helper()
	t.Setenv(workVariable, "nothing")
	return program(t, t.TempDir(), "evil", "/proc/self/exe")
}

// writeProgram writes a program that can be executed at once: nothing forks meanwhile,
// whose child would have it open for writing until it executes something else.
func writeProgram(path string, text []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, text, 0o755)
}

// tried executes a program from a shell. The agent itself must execute nothing that it
// denies: while Go's runtime forks, it answers nobody.
func tried(program string) error { return exec.Command("/bin/sh", "-c", "exec "+program).Run() }

// isDenied reports whether a shell could not execute.
func isDenied(err error) bool {
	var exit *exec.ExitError
	const notExecuted = 126
	return errors.As(err, &exit) && exit.ExitCode() == notExecuted
}

// inTime runs what is to be denied until it was, and says so. Where the agent did not
// answer in time, as on a machine that has much else to do, it was let through, which
// must have been counted.
func (w *watched) inTime(denied func() bool) {
	w.t.Helper()
	const most = 50
	for range most {
		before := w.letThrough()
		if denied() {
			return
		}
		if !eventually(func() bool { return w.letThrough() > before }) {
			w.t.Fatal("it was not denied, and is not counted as let through")
		}
	}
	w.t.Fatalf("%d times it was let through", most)
}

func (w *watched) letThrough() uint64 { return w.agent.denials.guard.LetThrough() }

// TestADeniedExecIsAnEvent: with the rule, what acted, and what had happened; and whoever
// asked for it lives on.
func TestADeniedExecIsAnEvent(t *testing.T) {
	evil := evilProgram(t)
	link := filepath.Join(filepath.Dir(evil), "other-name")
	if err := os.Link(evil, link); err != nil {
		t.Fatal(err)
	}
	w, _ := denying(t, policy.Blocking, `r: exec.file.path == "`+evil+`"`)
	for i, at := range []string{evil, link} {
		w.inTime(func() bool {
			out, _ := exec.Command("/bin/sh", "-c", at+"; echo went on").CombinedOutput()
			if !bytes.Contains(out, []byte("went on")) {
				t.Errorf("the shell says %q", out)
			}
			out = bytes.ToLower(out)
			return bytes.Contains(out, []byte("not permitted")) || bytes.Contains(out, []byte("denied"))
		})
		denials := func() []found {
			return slices.DeleteFunc(w.of("r", 0), func(f found) bool { return f.event.Retval >= 0 }) // what was let through
		}
		if !eventually(func() bool { return len(denials()) > i }) {
			t.Fatalf("%s: no event", at)
		}
		m := denials()[i]
		if m.event.File.Path != at || m.event.Retval != -int64(unix.EPERM) || m.event.Type != "exec" {
			t.Errorf("event %s of %s, retval %d", m.event.Type, m.event.File.Path, m.event.Retval)
		}
		// The shell forked for it, or not: its program is the parent's.
		if p := m.event.Process; p.File.Path != at || p.Parent == nil || p.Parent.Argv0 != "/bin/sh" {
			t.Errorf("the process is %s, of %v", p.File.Path, p.Parent != nil)
		}
		r := m.reports()
		if len(r) != 1 || r[0]["type"] != "deny" || r[0]["status"] != "performed" || r[0]["denied"] != evil {
			t.Fatalf("reports %v", r)
		}
		if by := r[0]["mechanism"]; by != deny.ByFanotify && by != deny.ByLSM || os.Getenv("REQUIRE_BPF_LSM") != "" && by != deny.ByLSM {
			t.Errorf("by %v", by)
		}
	}
	w.stop()
	w.adds()
	if n := w.last.Denials; n != 2 {
		t.Errorf("%d denials are counted", n)
	}
}

// TestADeniedOpenIsOneEvent: the return of the call is not told again. Who tried is
// killed, as the rule says.
func TestADeniedOpenIsOneEvent(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, _ := denying(t, policy.Blocking, `
		r: open.file.path == "`+secret+`"
	`)
	var c *exec.Cmd
	var m found
	w.inTime(func() bool {
		c = stranger(t, "read", secret)
		_ = c.Run()
		m = w.one("r", c.Process.Pid)
		return m.event.Retval < 0
	})
	if m.event.File.Path != secret || m.event.Retval != -int64(unix.EPERM) {
		t.Errorf("event of %s, retval %d", m.event.File.Path, m.event.Retval)
	}
	r := m.reports()
	if len(r) != 2 || r[0]["type"] != "deny" || r[1]["type"] != "kill" || r[0]["status"] != "performed" {
		t.Fatalf("reports %v", r)
	}
	w.stop()
	w.adds()
	if all := w.of("r", c.Process.Pid); len(all) != 1 {
		t.Errorf("%d events of one open", len(all))
	}
}

func TestADeniedConnectIsOneEvent(t *testing.T) {
	w, group := denying(t, policy.Blocking, `
		r: connect.addr.ip == 127.9.8.7 && connect.addr.port == 4444
	`)
	c := stranger(t, "connect from a group", group, "127.9.8.7:4444")
	_ = c.Run()
	m := w.one("r", c.Process.Pid)
	s := m.event.Connect
	if s.IP.String() != "127.9.8.7/32" || s.Port != 4444 || s.Protocol != unix.IPPROTO_TCP || m.event.Retval != -int64(unix.EPERM) {
		t.Errorf("event of %+v, retval %d", s, m.event.Retval)
	}
	r := m.reports()
	if len(r) != 2 || r[0]["type"] != "deny" || r[0]["mechanism"] != deny.ByCGroup && r[0]["mechanism"] != deny.ByLSM {
		t.Fatalf("reports %v", r)
	}
	w.stop()
	w.adds()
	if all := w.of("r", c.Process.Pid); len(all) != 1 {
		t.Errorf("%d events of one connect", len(all))
	}
}

// TestAMonitoringPolicyDeniesNothing holds for the same rules.
func TestAMonitoringPolicyDeniesNothing(t *testing.T) {
	evil := evilProgram(t)
	w, _ := denying(t, policy.Monitoring, `r: exec.file.path == "`+evil+`"`)
	c := exec.Command(evil)
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	r := w.one("r", c.Process.Pid).reports()
	if len(r) != 1 || r[0]["type"] != "kill" || r[0]["status"] != "would_have_performed" {
		t.Errorf("reports %v", r)
	}
}

// TestNothingIsDeniedWhileTheHostIsDisarmed holds for `nightjar agent disarm`.
func TestNothingIsDeniedWhileTheHostIsDisarmed(t *testing.T) {
	evil := evilProgram(t)
	w, _ := denying(t, policy.Blocking, `r: exec.file.path == "`+evil+`"`)
	w.inTime(func() bool { return isDenied(tried(evil)) })
	state := w.agent.config.StateDir
	s, err := Tell(state, Order{Do: "disarm", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if o := s.Protect.Rules; len(o) != 1 || o[0].By == "" || o[0].What[0] != evil {
		t.Errorf("the status says %+v", s.Protect)
	}
	if err := tried(evil); err != nil {
		t.Errorf("disarmed: %v", err)
	}
	if _, err := Tell(state, Order{Do: "arm"}); err != nil {
		t.Fatal(err)
	}
	w.inTime(func() bool { return isDenied(tried(evil)) })
}

// TestWaysAroundADeniedFile pins which ways to open a file are caught: all that end at
// its inode.
func TestWaysAroundADeniedFile(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, _ := denying(t, policy.Blocking, `r: open.file.path == "`+secret+`"`)
	at := filepath.Join(dir, "int80")
	if err := writeProgram(at, program32(5, secret)); err != nil {
		t.Fatal(err)
	}
	for name, way := range map[string]func() *exec.Cmd{
		"io_uring": func() *exec.Cmd { return stranger(t, "uring one", secret) },
		"int 0x80": func() *exec.Cmd { return exec.Command(at) },
	} {
		w.inTime(func() bool {
			before, c := w.letThrough(), way()
			out, err := c.CombinedOutput()
			if c.Process == nil {
				t.Fatalf("%s: %v", name, err)
			}
			if bytes.Contains(out, []byte("no such way")) || err != nil && strings.Contains(err.Error(), "signal: seg") {
				t.Logf("%s: not on this kernel", name)
				return true
			}
			// Of io_uring it is told before, too, that it was asked: the process may be killed
			// for that before anything is denied.
			denied := func() bool {
				return slices.ContainsFunc(w.of("r", c.Process.Pid), func(f found) bool {
					r := f.reports()
					return len(r) > 0 && (r[0]["type"] == "deny" || f.event.Async && statusOf(c) != 0)
				})
			}
			if !eventually(func() bool { return denied() || w.letThrough() > before }) {
				t.Fatalf("%s: no denial of %d matches; %s", name, len(w.of("r", c.Process.Pid)), out)
			}
			return denied() && !bytes.Contains(out, []byte("it is open"))
		})
	}
}

func init() {
	works["uring one"] = func(a []string) error {
		const open = 18
		res, err := ring(open, -100, text(a[0]), 0, 0, 0)
		if err != nil {
			fmt.Println("no such way:", err)
			return nil
		}
		if res >= 0 {
			return errors.New("it is open")
		}
		return nil
	}
}
