package deny

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf/rlimit"
)

// works are what children of the tests do: what the guard's own process asks for is
// let through.
var works = map[string]func(args []string) error{}

const workVariable = "NIGHTJAR_DENY_WORK"

func TestMain(m *testing.M) {
	RunStandIn()
	if name := os.Getenv(workVariable); name != "" {
		if err := works[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work makes a command that does a work in a process of its own.
func work(name string, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), workVariable+"="+name)
	return c
}

// guarded is a guard that runs for a test.
type guarded struct {
	*Guard
	mu   sync.Mutex
	told []Denial
}

func (g *guarded) denials() []Denial {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Denial(nil), g.told...)
}

// guard makes a guard with rules, whose control group is one of the test's own.
func guard(t *testing.T, rules string, change ...func(*Options)) *guarded {
	t.Helper()
	needEBPF(t)
	out := &guarded{}
	o := Options{CGroup: childGroup(t), Denied: func(d Denial) {
		out.mu.Lock()
		defer out.mu.Unlock()
		out.told = append(out.told, d)
	}}
	for _, f := range change {
		f(&o)
	}
	g, err := NewGuard(o)
	if err != nil {
		t.Fatal(err)
	}
	out.Guard = g
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := g.Replace(rulesOf(t, rules)); err != nil {
		t.Fatal(err)
	}
	return out
}

// says is what a work says. Where it should be denied and the guard did not answer in time,
// as on a machine that has much else to do, it was let through, which must have been
// counted: then it is tried again.
func (g *guarded) says(t *testing.T, want, name string, args ...string) (got string) {
	t.Helper()
	const most = 50
	for range most {
		before := g.LetThrough()
		got = say(t, name, args...)
		if want != "denied" || !strings.HasPrefix(got, "done") || !eventually(func() bool { return g.LetThrough() > before }) {
			return got
		}
	}
	return got
}

// needEBPF skips where the kernel or the user has no eBPF, unless that must not be.
func needEBPF(t *testing.T) {
	t.Helper()
	err := haveEBPF()
	switch {
	case err == nil:
	case os.Getenv("REQUIRE_EBPF") != "":
		t.Fatalf("REQUIRE_EBPF is set, and uid %d has none: %v", os.Getuid(), err)
	default:
		t.Skipf("needs root or another kernel: uid %d: %v", os.Getuid(), err)
	}
}

var haveEBPF = sync.OnceValue(func() error {
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	g, err := NewGuard(Options{})
	if err != nil {
		return err
	}
	return g.Close()
})

// childGroup makes a control group for the test: nothing is attached to the root.
func childGroup(t *testing.T) string {
	t.Helper()
	root, err := groupOr("")
	if err != nil {
		t.Skipf("needs root or another kernel: %v", err)
	}
	at, err := os.MkdirTemp(root, "nightjar-deny-test-")
	if err != nil {
		t.Skipf("needs root or another kernel: %v", err)
	}
	t.Cleanup(func() {
		for range 100 { // until those in it have ended
			if os.Remove(at) == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	return at
}

// in runs a work in a control group, and returns what it said.
func in(t *testing.T, group, name string, args ...string) string {
	t.Helper()
	c := work(name, append([]string{group}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return strings.TrimSpace(string(out))
}

// enter moves the own process to a control group.
func enter(group string) error {
	return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
}

// program writes an executable of the test's own that prints "ran".
func program(t *testing.T, name string) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), name)
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return at
}
