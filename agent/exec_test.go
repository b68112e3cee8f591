package agent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestArgumentsOf100KBAreThereWhole(t *testing.T) {
	w := watch(t, `long: exec.comm == "true" && exec.argv in ["nightjar-long"]`)
	for _, size := range []int{100, 7_900, 8_100, 20_000, 100_000, 200_000} {
		args := []string{"nightjar-long"}
		for n := 0; n < size; n += 100 {
			args = append(args, fmt.Sprintf("%0100d", n))
		}
		c := exec.Command("/bin/true", args...)
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		p := w.one("long", c.Process.Pid).event.Process
		if p.ArgsTruncated || strings.Join(p.Argv, " ") != strings.Join(args, " ") {
			t.Errorf("of %d arguments there are %d, cut: %v", len(args), len(p.Argv), p.ArgsTruncated)
		}
		if p.EnvsTruncated || len(p.Envp) != len(os.Environ()) {
			t.Errorf("with %d bytes of arguments there are %d of %d variables, cut: %v", size, len(p.Envp), len(os.Environ()), p.EnvsTruncated)
		}
	}
}

func TestWhatIsTooLongIsMarked(t *testing.T) {
	w := watch(t, `long: exec.comm == "true" && exec.args_truncated && exec.argv in ["nightjar-too-long"]`)
	args := []string{"nightjar-too-long"}
	for range 10 {
		args = append(args, strings.Repeat("x", 100_000))
	}
	c := exec.Command("/bin/true", args...)
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	p := w.one("long", c.Process.Pid).event.Process
	if len(p.Args) < 200_000 || !p.EnvsTruncated {
		t.Errorf("%d bytes of arguments are left, environment cut: %v", len(p.Args), p.EnvsTruncated)
	}
}

func TestScriptsHaveAnInterpreter(t *testing.T) {
	script := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n:\n"), 0o751); err != nil {
		t.Fatal(err)
	}
	w := watch(t, `script: exec.file.path == "`+script+`"`)
	c := exec.Command(script, "argument")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	p := w.one("script", c.Process.Pid).event.Process
	if p.File.Mode != 0o100751 || p.File.Inode == 0 || p.Interpreter.Path != realPath(t, "/bin/sh") {
		t.Errorf("the file is %+v, the interpreter %s", p.File, p.Interpreter.Path)
	}
	if p.Argv[len(p.Argv)-1] != "argument" {
		t.Errorf("the arguments are %v", p.Argv)
	}
}

func init() {
	works["memfd"] = func([]string) error {
		text, err := os.ReadFile("/bin/true")
		if err != nil {
			return err
		}
		fd, err := unix.MemfdCreate("evil", 0)
		if err != nil {
			return err
		}
		if _, err := unix.Write(fd, text); err != nil {
			return err
		}
		return unix.Exec(fmt.Sprintf("/proc/self/fd/%d", fd), []string{"true", "innocent"}, nil)
	}
	works["thread"] = func([]string) error {
		failed := make(chan error)
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == unix.Getpid() {
				go func() {
					runtime.LockOSThread()
					failed <- unix.Exec("/bin/true", []string{"true", "from-a-thread"}, nil)
				}()
				select {}
			}
			failed <- unix.Exec("/bin/true", []string{"true", "from-a-thread"}, nil)
		}()
		return <-failed
	}
	works["again"] = func([]string) error {
		return unix.Exec("/bin/sh", []string{"sh", "-c", "exec /bin/true nightjar-again"}, nil)
	}
}

func TestProgramsInMemoryLinksAndThreadsThatExecute(t *testing.T) {
	program := realPath(t, "/bin/true")
	link := filepath.Join(t.TempDir(), "true")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	w := watch(t, `
		memory: exec.file.name == "memfd:evil"
		link: exec.file.path == "`+link+`"
		thread: exec.args == "from-a-thread"
		ended: exit.args == "from-a-thread"
		again: exec.args == "nightjar-again" && process.ancestors.comm == "sh"
	`)
	pid := do(t, "memfd")
	if m := w.one("memory", pid); m.event.Process.Args != "innocent" {
		t.Errorf("the arguments are %s", m.event.Process.Args)
	}
	c := exec.Command(link)
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if m := w.one("link", c.Process.Pid); m.event.Process.File.Path != program {
		t.Errorf("the file is %s", m.event.Process.File.Path)
	}
	pid = do(t, "thread")
	w.one("thread", pid)
	w.one("ended", pid)
	pid = do(t, "again")
	m := w.one("again", pid)
	if p := m.event.Process.Parent; p == nil || p.PID != int64(pid) {
		t.Errorf("what the process was before is not its parent: %+v", p)
	}
	w.stop()
	for _, rule := range []string{"memory", "link", "thread", "ended", "again"} {
		if n := len(w.of(rule, 0)); n != 1 {
			t.Errorf("rule %s matched %d times", rule, n)
		}
	}
}
