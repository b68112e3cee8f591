package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"nightjar/agent/probe"
	"nightjar/content"
	"nightjar/testenv"
)

// requireEBPF skips, loudly, where the kernel or the user has no eBPF; with
// REQUIRE_EBPF that is a failure.
var requireEBPF = func() func(testing.TB) {
	try := sync.OnceValue(func() error {
		p, err := probe.Open(probe.Options{})
		if err != nil {
			return err
		}
		return p.Close()
	})
	return func(t testing.TB) {
		t.Helper()
		switch err := try(); {
		case err == nil:
		case os.Getenv("REQUIRE_EBPF") != "":
			t.Fatalf("REQUIRE_EBPF is set, and uid %d has none: %v", os.Getuid(), err)
		default:
			t.Skipf("needs root or another kernel: uid %d: %v", os.Getuid(), err)
		}
	}
}()

// agentRules creates the rules over events of agents that ship.
func (p *process) agentRules() {
	p.t.Helper()
	for _, x := range agentDemoRules {
		text, err := content.Files.ReadFile(x)
		if err != nil {
			p.t.Fatal(err)
		}
		p.call(http.MethodPost, "/api/v2/security_monitoring/rules", text, nil)
	}
}

// startAgent runs an agent that sends to the engine, and waits until it watches.
func (p *process) startAgent(args ...string) (stop func()) {
	p.t.Helper()
	said := &lockedBuffer{}
	c := exec.Command(p.path, append([]string{"agent", "--server", p.base, "--data-dir", p.dir, "--state-dir", p.t.TempDir()}, args...)...)
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := c.Wait(); err != nil {
			p.t.Errorf("the agent: %v\n%s", err, said)
		}
	})
	p.t.Cleanup(stop)
	p.await("watching", func() bool { return strings.Contains(said.String(), agentWatches) })
	return stop
}

// writeProgram writes a program that can be executed at once: nothing forks meanwhile,
// whose child would have it open for writing until it executes something else.
func writeProgram(path string, text []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, text, 0o755)
}

// startAs starts a copy of a program under another name, and waits for its end.
func startAs(t *testing.T, program, name string, args ...string) string {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := writeProgram(path, text); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return path
}

// From a real exec to a signal: passwd that is executed, PHP and nginx that launch
// Bash, arguments of a cryptominer; and of what is not like these, none.
func TestWhatHappensOnThisHostBecomesASignal(t *testing.T) {
	requireEBPF(t)
	p := startEngine(t)
	p.agentRules()
	stop := p.startAgent("--hostname", "here")
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this host")
	}
	if bash, err = filepath.EvalSymlinks(bash); err != nil {
		t.Fatal(err)
	}
	want := []string{}
	startAs(t, "/bin/sh", "php", "-c", bash+" -c true; :")
	want = append(want, fmt.Sprintf("Shell started by PHP or a web server [here N/A root %s]", bash))
	startAs(t, "/bin/sh", "nginx", "-c", bash+" -c true; :")
	miner := startAs(t, "/bin/true", "kworker", "--donate-level=1", "-o", "stratum+tcp://pool.invalid:3333")
	want = append(want, fmt.Sprintf("Cryptominer started [here N/A root %s]", miner))
	if exec.Command("/usr/bin/passwd", "--help").Run() == nil {
		want = append(want, "Password changed [here N/A root /usr/bin/passwd]")
	}
	startAs(t, "/bin/sh", "editor", "-c", bash+" -c true; :")
	startAs(t, "/bin/true", "php", "-o", "https://pool.invalid:3333")
	stop() // which delivers
	p.caughtUp()
	got := []string{}
	for _, s := range p.signals("") {
		got = append(got, fmt.Sprint(s.Rule, " ", s.Group))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("signals\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The demo's own programs set off a signal each; the agent may crash, and the engine
// goes on and starts another.
func TestTheDemoShowsSignalsOfThisHostAndOutlivesItsAgent(t *testing.T) {
	requireEBPF(t)
	p := startEngine(t, "--demo")
	p.await("the end of the demo", func() bool { return strings.Contains(p.output.String(), "Next, in another terminal") })
	out := p.output.String()
	for _, want := range []string{"203.0.113.66", "Shell started by PHP", "Cryptominer started", "nightjar agents"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	watching := "agent: " + agentWatches
	for _, pid := range children(t, p.cmd.Process.Pid) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.HasPrefix(string(line), "nightjar\x00agent") {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.await("another agent", func() bool { return strings.Count(p.output.String(), watching) == 2 })
	before := len(p.signals("@process.file.path:*"))
	startAs(t, "/bin/true", "another", "--donate-level=1")
	p.await("a signal of the second agent", func() bool { return len(p.signals("@process.file.path:*")) > before })
	p.terminate()
}

// Without the rights to watch, the demo says what is missing and does the rest.
func TestWithoutRightsTheEngineSaysWhatIsMissingAndGoesOn(t *testing.T) {
	testenv.RequireLibrary(t)
	if os.Getuid() != 0 {
		t.Skip("needs root or another kernel: only root can become nobody")
	}
	const nobody = 65534
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("", "nightjar-nobody-") // t.TempDir is root's own
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, path: path, dir: filepath.Join(home, "data"), args: []string{"--demo"}, user: nobody}
	p.start()
	defer p.kill()
	p.await("the end of the demo", func() bool { return strings.Contains(p.output.String(), "Next, in another terminal") })
	for _, want := range []string{"watches no events of this host", "run as root", "203.0.113.66"} {
		if !strings.Contains(p.output.String(), want) {
			t.Errorf("no %q in\n%s", want, p.output)
		}
	}
	p.terminate()
}
