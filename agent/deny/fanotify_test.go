package deny

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	// stopped is likewise one that is stopped: nobody keeps the deadline.
	works["stopped"] = func(a []string) error {
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

// helper starts a work that watches a file, and waits until it does.
func helper(t *testing.T, name string) (secret string, c *exec.Cmd) {
	t.Helper()
	needEBPF(t)
	secret = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c = work(name, secret)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "watching") {
		t.Fatalf("%q %v", line, err)
	}
	return secret, c
}

func TestWhoGetsNoAnswerIsLetThroughAtTheDeadline(t *testing.T) {
	secret, _ := helper(t, "hang")
	began := time.Now()
	if got := say(t, "open", secret); got != "done" {
		t.Errorf("it is %s", got)
	}
	if time.Since(began) < Deadline {
		t.Error("nobody was asked: the test shows nothing")
	}
}

func TestNothingIsDeniedAnyMoreWhenTheAgentIsKilled(t *testing.T) {
	secret, c := helper(t, "stopped")
	if got := say(t, "open", secret); got != "denied" {
		t.Fatalf("before it is stopped: %s", got)
	}
	if err := c.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan string, 1)
	go func() { waiting <- say(t, "open", secret) }()
	select {
	case got := <-waiting:
		t.Fatalf("nobody was asked: %s", got)
	case <-time.After(2 * Deadline):
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := <-waiting; got != "done" {
		t.Errorf("who waited is %s", got)
	}
	if got := say(t, "open", secret); got != "done" {
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
