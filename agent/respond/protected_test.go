package respond

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/policy"
	"nightjar/secl/ruleset"
)

// protectedSet are processes that no rule may hit: living ones, which the test started or
// which are always there, and those of programs that this machine may not have.
func protectedSet(t *testing.T, guarded string) []event.Process {
	t.Helper()
	living := exec.Command(guarded, "3600")
	if err := living.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = living.Process.Kill(); _ = living.Wait() })
	set := []event.Process{{PID: 1}, {PID: int64(os.Getpid())}, {PID: int64(living.Process.Pid)}}
	set[0].File.SetPath("/usr/lib/systemd/systemd")
	own, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	set[1].File.SetPath(own)
	set[2].File.SetPath(guarded)
	const gone = 1 << 30 // no pid of this machine
	for i, at := range []string{
		"/usr/bin/kubelet", "/usr/bin/containerd", "/usr/local/bin/containerd-shim-runc-v2", "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session",
		"/usr/bin/dockerd", "/usr/sbin/runc", "/usr/lib/systemd/systemd-journald", "/usr/lib/systemd/systemd-logind", "/usr/bin/conmon",
	} {
		p := event.Process{PID: int64(gone + i)}
		p.File.SetPath(at)
		set = append(set, p)
	}
	kthread := event.Process{PID: 2, IsKworker: true}
	set = append(set, kthread)
	for i := range set {
		set[i].Key, set[i].Comm = uint64(i)+1, set[i].File.Name
		set[i].UID, set[i].Argv, set[i].Args = int64(i%2), []string{"-x", "y"}, "-x y"
	}
	return set
}

// randomRule is a rule that kills, of whatever kind: what it asks is true of many of the
// processes.
func randomRule(r *rand.Rand, id string, set []event.Process) string {
	p := set[r.IntN(len(set))]
	kind := []string{"exec", "open", "connect", "setuid", "ptrace"}[r.IntN(5)]
	own := kind + "." + map[string]string{"exec": "file.path", "open": "file.path", "connect": "addr.port", "setuid": "uid", "ptrace": "request"}[kind]
	always := fmt.Sprintf("%s %s", own, map[bool]string{true: `!= "/none"`, false: `!= 77`}[strings.HasSuffix(own, "path")])
	condition := func() string {
		switch r.IntN(9) {
		case 0:
			return fmt.Sprintf(`process.file.path == "%s"`, p.File.Path)
		case 1:
			return fmt.Sprintf(`process.file.name in ["%s", "%s"]`, p.File.Name, set[r.IntN(len(set))].File.Name)
		case 2:
			return fmt.Sprintf(`process.pid == %d`, p.PID)
		case 3:
			return fmt.Sprintf(`process.pid > %d`, r.IntN(1000))
		case 4:
			return `process.file.path =~ "/usr/**"`
		case 5:
			return fmt.Sprintf(`process.uid == %d`, r.IntN(2))
		case 6:
			return `process.argv in ["-x", "y"]`
		case 7:
			return fmt.Sprintf(`process.comm != "%s"`, set[r.IntN(len(set))].Comm)
		}
		return `process.file.path != "/x"`
	}
	text := always
	for range r.IntN(3) {
		text = fmt.Sprintf("%s %s (%s)", condition(), []string{"&&", "||"}[r.IntN(2)], text)
	}
	if kind == "exec" && r.IntN(3) == 0 { // which the kernel could decide
		text = fmt.Sprintf(`exec.file.%s`, []string{`path == "` + p.File.Path + `"`, `name == "` + p.File.Name + `"`}[r.IntN(2)])
	}
	scope := []string{"", ", scope: process", ", scope: cgroup", ", scope: container"}[r.IntN(4)]
	signal := []string{"SIGKILL", "SIGTERM", "SIGSTOP", "SIGHUP"}[r.IntN(4)]
	return rule(id, text, fmt.Sprintf("{kill: {signal: %s%s%s}}", signal, scope, ", disable_executable_disarmer: true, disable_container_disarmer: true"))
}

// told is a Table that remembers what the kernel was told.
type told struct {
	kills  map[string]bpf.Kill
	inodes map[bpf.KillInode]bpf.Kill
}

func (k *told) SetKills(by map[string]bpf.Kill) error             { k.kills = by; return nil }
func (k *told) SetKillInodes(by map[bpf.KillInode]bpf.Kill) error { k.inodes = by; return nil }
func (k *told) SetSpared([]bpf.KillInode) error                   { return nil }
func (k *told) SetLease(uint32, uint64) error                     { return nil }
func (k *told) Taken(uint32) (uint64, error)                      { return 0, nil }
func (k *told) Arm(bool) error                                    { return nil }
func (k *told) Done() (uint64, error)                             { return 0, nil }
func (k *told) Leases() uint32                                    { return 1 << 20 }

// rulesVariable says how many rules TestNoRuleHitsAProtectedProcess runs, in thousands:
// 100 in `make test-kill`.
const rulesVariable = "NIGHTJAR_KILL_RULES"

// TestNoRuleHitsAProtectedProcess runs thousands of random rules that kill, of which most
// match, on events of protected processes. Signals are only written down: a fault in
// what is tested must not end this machine.
func TestNoRuleHitsAProtectedProcess(t *testing.T) {
	const together = 1_000
	many := 10 * together
	if text := os.Getenv(rulesVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		many = n * together
	}
	guarded := copyOf(t, "/bin/sleep", "guarded")
	set := protectedSet(t, guarded)
	responder := New(Config{Protected: NewProtected([]string{guarded})})
	hit := 0
	responder.Killer.send = func(_, pid int, s unix.Signal) error {
		hit++
		t.Errorf("signal %s to %d", s, pid)
		return errors.New("this is a test")
	}
	r := rand.New(rand.NewPCG(1, 2))
	matches, reduced := 0, 0
	for from := 0; from < many; from += together {
		var text strings.Builder
		for i := range together {
			text.WriteString(randomRule(r, fmt.Sprint("r", from+i), set))
		}
		rules := rulesOf(t, policy.Blocking, text.String())
		table := &told{}
		if err := responder.Install(rules, table); err != nil {
			t.Fatal(err)
		}
		reduced += len(responder.kernel.rules)
		for _, p := range set {
			_, path := table.kills[p.File.Path]
			_, name := table.kills[p.File.Name]
			if path || name {
				t.Fatalf("the kernel would kill %s", p.File.Path)
			}
		}
		if len(table.inodes) > 0 {
			t.Fatalf("the kernel would kill %v", table.inodes)
		}
		// Which processes are looked at is drawn, so that the test ends; every one is, often.
		for _, p := range []event.Process{set[r.IntN(len(set))], set[r.IntN(3)]} {
			for _, kind := range []string{"exec", "open", "connect", "setuid", "ptrace"} {
				e := execEvent(p)
				e.Type = kind
				match(rules, e, func(rule *ruleset.Rule, c *secl.Context) {
					matches++
					report := responder.Act(rule, c, Seen{Time: time.Now()}).Reports()[0]
					if report.Status != Aborted || !strings.HasPrefix(report.Error, "protected: ") {
						t.Errorf("process %d (%s), rule %s: %+v", p.PID, p.File.Path, rule.Text, report)
					}
				})
			}
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rules, %d matches on %d protected processes, %d rules that the kernel could decide: %d hit", many, matches, len(set), reduced, hit)
	if matches < many/2 || reduced < many/100 {
		t.Errorf("only %d matches, and %d rules that the kernel could decide", matches, reduced)
	}
}

// TestAProtectedNameElsewhereIsNotProtected holds that only what is installed where such
// programs are is protected, and not in containers.
func TestAProtectedNameElsewhereIsNotProtected(t *testing.T) {
	p := NewProtected([]string{"/opt/backup/run"})
	for at, want := range map[string]bool{
		"/usr/sbin/sshd": true, "/usr/lib/systemd/systemd-udevd": true, "/usr/bin/containerd-shim": true, "/opt/backup/run": true,
		"/var/lib/rancher/k3s/data/0/bin/containerd": true,
		"/tmp/sshd": false, "/home/a/kubelet": false, "/usr/bin/sshdx": false, "/usr/bin/bash": false, "/opt/backup/run2": false, "": false,
	} {
		e := event.Process{PID: 1 << 30}
		e.File.SetPath(at)
		if _, got := p.Of(&e); got != want {
			t.Errorf("%s: protected is %v", at, got)
		}
		e.Container = "c"
		if _, got := p.Of(&e); got {
			t.Errorf("%s in a container is protected", at)
		}
	}
}

// copyOf puts a copy of a program into a folder of the test.
func copyOf(t *testing.T, like, name string) string {
	t.Helper()
	text, err := os.ReadFile(like)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(at, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return at
}
