package deny

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	// hang denies a file by fanotify, with a handler that never comes to a decision.
	works["hang"] = func(a []string) error {
		f, err := openFanotify(func(*asking) (Denial, decision) { select {} }, func(Denial) {})
		if err != nil {
			return err
		}
		return watchOne(f, a[0])
	}
	// undecided says that somebody asks, and never comes to a decision.
	works["undecided"] = func(a []string) error {
		f, err := openFanotify(func(*asking) (Denial, decision) { fmt.Println("asked"); select {} }, func(Denial) {})
		if err != nil {
			return err
		}
		return watchOne(f, a[0])
	}
	// frugal is denying with few descriptors.
	works["frugal"] = func(a []string) error {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
			return err
		}
		return works["denying"](a)
	}
	// denying denies a file.
	works["denying"] = func(a []string) error {
		f, err := openFanotify(func(*asking) (Denial, decision) { return Denial{}, deny }, func(Denial) {})
		if err != nil {
			return err
		}
		return watchOne(f, a[0])
	}
}

func watchOne(f *fanotify, at string) error {
	var s unix.Stat_t
	if err := unix.Stat(at, &s); err != nil {
		return err
	}
	if err := f.mark(inodeOf(&s), at, unix.FAN_OPEN_PERM); err != nil {
		return err
	}
	fmt.Println("watching")
	select {}
}

// helper is a work that watches a file.
type helper struct {
	t      *testing.T
	secret string
	*exec.Cmd
	says *bufio.Scanner
}

// startHelper starts a work and waits until it watches.
func startHelper(t *testing.T, name string) *helper {
	t.Helper()
	needEBPF(t)
	h := &helper{t: t, secret: filepath.Join(t.TempDir(), "secret")}
	if err := os.WriteFile(h.secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.Cmd = work(name, h.secret)
	h.Stderr = os.Stderr
	out, err := h.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Process.Kill(); _ = h.Wait() })
	h.says = bufio.NewScanner(out)
	h.await("watching")
	return h
}

// await waits for a line of the helper.
func (h *helper) await(line string) {
	h.t.Helper()
	if !h.says.Scan() || h.says.Text() != line {
		h.t.Fatalf("%q instead of %q: %v", h.says.Text(), line, h.says.Err())
	}
}

// standIn waits for the helper's stand-in, other than one that was.
func (h *helper) standIn(but int) int {
	h.t.Helper()
	at := fmt.Sprintf("/proc/%d/task/*/children", h.Process.Pid)
	for range 6000 {
		tasks, _ := filepath.Glob(at)
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			for _, one := range strings.Fields(string(text)) {
				pid, _ := strconv.Atoi(one)
				line, _ := os.ReadFile("/proc/" + one + "/cmdline")
				if pid != but && strings.Contains(string(line), standInArg) {
					return pid
				}
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatal("there is no stand-in")
	return 0
}

// stop stops a process, and waits until the kernel has.
func (h *helper) stop(pid int) {
	h.t.Helper()
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		h.t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			h.t.Fatal(err)
		}
		if _, after, _ := strings.Cut(string(text), ") "); strings.HasPrefix(after, "T") {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// open opens the file in a process of its own. Who waits for longer than a minute waits
// for ever: the helper is ended, so that nobody does.
func (h *helper) open() string {
	h.t.Helper()
	got := make(chan string, 1)
	go func() { got <- say(h.t, "open", h.secret) }()
	select {
	case one := <-got:
		return one
	case <-time.After(time.Minute):
		_ = h.Process.Kill()
		<-got
		return "waiting"
	}
}

func TestWhoGetsNoAnswerIsLetThroughAtTheDeadline(t *testing.T) {
	h := startHelper(t, "hang")
	began := time.Now()
	if got := h.open(); got != "done" {
		t.Errorf("it is %s", got)
	}
	if time.Since(began) < Deadline {
		t.Error("nobody was asked: the test shows nothing")
	}
}

func TestAStoppedAgentKeepsNobodyWaiting(t *testing.T) {
	h := startHelper(t, "denying")
	h.standIn(0)
	h.denies("before it is stopped")
	h.stop(h.Process.Pid)
	for range 3 {
		if got := h.open(); got != "done" {
			t.Fatalf("while it is stopped: %s", got)
		}
	}
	if err := h.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	h.denies("when it goes on") // once the stand-in has had a sign of life
}

// denies opens the file until that is denied: who is not answered in time is let through.
func (h *helper) denies(when string) {
	h.t.Helper()
	for range 1000 {
		if h.open() == "denied" {
			return
		}
	}
	h.t.Fatalf("nothing is denied %s", when)
}

// TestAStandInNeedsFewDescriptors holds that one that may have few lets through all the
// same: the kernel denies what it has no descriptor for.
func TestAStandInNeedsFewDescriptors(t *testing.T) {
	h := startHelper(t, "frugal")
	h.standIn(0)
	h.stop(h.Process.Pid)
	if got := h.open(); got != "done" {
		t.Errorf("it is %s", got)
	}
}

func TestWhoAskedBeforeTheAgentWasStoppedIsLetThrough(t *testing.T) {
	h := startHelper(t, "undecided")
	h.standIn(0)
	got := make(chan string, 1)
	go func() { got <- h.open() }()
	h.await("asked")
	h.stop(h.Process.Pid)
	if one := <-got; one != "done" {
		t.Errorf("it is %s", one)
	}
}

func TestAStandInThatIsKilledIsReplaced(t *testing.T) {
	h := startHelper(t, "denying")
	first := h.standIn(0)
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.standIn(first)
	h.stop(h.Process.Pid)
	if got := h.open(); got != "done" {
		t.Errorf("it is %s", got)
	}
}

func TestNothingIsDeniedAnyMoreWhenTheAgentIsKilled(t *testing.T) {
	h := startHelper(t, "denying")
	h.stop(h.standIn(0)) // who answers for the agent must end with it, too
	h.denies("before it is stopped")
	h.stop(h.Process.Pid)
	waiting := make(chan string, 1)
	go func() { waiting <- h.open() }()
	select {
	case got := <-waiting:
		t.Fatalf("nobody was asked: %s", got)
	case <-time.After(2 * Deadline):
	}
	if err := h.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := <-waiting; got != "done" {
		t.Errorf("who waited is %s", got)
	}
	if got := h.open(); got != "done" {
		t.Errorf("later: %s", got)
	}
}

// BenchmarkOpen is what opening costs: of files that nobody has listed, with a guard
// and without, and of the listed file's own.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for _, name := range []string{"other", "listed"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	open := func(name string) func(*testing.B) {
		at := filepath.Join(dir, name)
		return func(b *testing.B) {
			for b.Loop() {
				if fd, err := unix.Open(at, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
					unix.Close(fd)
				}
			}
		}
	}
	b.Run("without a guard", open("other"))
	g, err := NewGuard(Options{})
	if err != nil {
		b.Skip(err)
	}
	defer g.Close()
	if err := g.Replace(rulesOf(b, `r: open.file.path == "`+filepath.Join(dir, "listed")+`"`)); err != nil {
		b.Fatal(err)
	}
	b.Run("not listed", open("other"))
	b.Run("listed, by the agent", open("listed"))
}
