package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTheShellOfSQL talks to the program over a terminal, and over standard input.
func TestTheShellOfSQL(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	state := t.TempDir()
	ask := func(stdin *os.File, args ...string) *exec.Cmd {
		c := exec.Command(e.path, append([]string{"sql", "--server", e.base}, args...)...)
		c.Env = append(os.Environ(), "NIGHTJAR_API_KEY="+e.key, "XDG_STATE_HOME="+state)
		c.Stdin = stdin
		return c
	}
	terminal, program := newTerminal(t)
	c := ask(program)
	c.Stdout, c.Stderr = program, program
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var said lockedBuffer
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(&said, terminal)
		read <- err
	}()
	for i, line := range []string{"SELECT 41 + 1\r", "AS answer;\r", "SELECT 7 AS seven\\G\r", "SELEC 1;\r", "exit\r"} {
		e.await("a prompt", func() bool {
			return strings.Count(said.String(), "nightjar> ")+strings.Count(said.String(), "-> ") > i
		})
		if _, err := terminal.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	program.Close()
	<-read // EIO: nobody is at the other end
	if text := said.String(); !strings.Contains(text, "42") || !strings.Contains(text, "seven: 7") || !strings.Contains(text, "SELEC is refused") {
		t.Errorf("the shell said %q", text)
	}
	kept, err := os.ReadFile(filepath.Join(state, "nightjar", "sql_history"))
	if err != nil || !strings.Contains(string(kept), "AS answer;") {
		t.Errorf("history %q, %v", kept, err)
	}

	c = ask(nil, "--output", "jsonl")
	c.Stdin = strings.NewReader("SELECT 1 AS a; -- first\nSELECT ';' AS b")
	out, err := c.Output()
	if err != nil || string(out) != "{\"a\":1}\n{\"b\":\";\"}\n" {
		t.Errorf("standard input: %q, %v", out, err)
	}
	c = ask(nil, "--output", "json")
	c.Stdin = strings.NewReader("SELECT 1; SELECT 2")
	if err := c.Run(); err == nil || c.ProcessState.ExitCode() != 2 {
		t.Errorf("two documents for one: %v", err)
	}
}

// newTerminal is the two ends of a pseudoterminal.
func newTerminal(t *testing.T) (terminal, program *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no terminal can be had here: %v", err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return terminal, program
}

// TestCtrlCEndsTheStatementAndNotTheShell interrupts a statement that takes long, drops
// one that is half typed, and goes on; then it tells the shell to end.
func TestCtrlCEndsTheStatementAndNotTheShell(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	terminal, program := newTerminal(t)
	c := exec.Command(e.path, "sql", "--server", e.base)
	c.Env = append(os.Environ(), "NIGHTJAR_API_KEY="+e.key, "XDG_STATE_HOME="+t.TempDir())
	c.Stdin, c.Stdout, c.Stderr = program, program, program
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var said lockedBuffer
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(&said, terminal)
		read <- err
	}()
	state := func() *unix.Termios {
		now, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	await := func(what string, done func() bool) { t.Helper(); e.await(what, done) }
	await("a prompt", func() bool { return strings.Contains(said.String(), "nightjar> ") })
	typed := func(text string) {
		t.Helper()
		if _, err := terminal.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		typed("SELECT max(cityHash64(a, b)) FROM (SELECT arrayJoin(range(100000)) AS a) AS x CROSS JOIN (SELECT arrayJoin(range(1000000)) AS b) AS y;\r")
		await("a running statement", func() bool { return state().Lflag&unix.ISIG != 0 })
		typed("\x03")
		await("its end", func() bool { return strings.Count(said.String(), "interrupted") == i+1 && state().Lflag&unix.ISIG == 0 })
	}
	typed("SELECT 'half\r")
	await("more", func() bool { return strings.Contains(said.String(), "-> ") })
	typed("typed\x03SELECT 40 + 2;\r")
	await("an answer", func() bool { return strings.Contains(said.String(), "42") })
	await("a prompt", func() bool { return state().Lflag&unix.ISIG == 0 })
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || c.ProcessState.ExitCode() != exitFailure {
		t.Errorf("told to end: %v", err)
	}
	if after := state(); *after != *before {
		t.Errorf("the terminal is left as %+v, was %+v", after, before)
	}
	program.Close()
	<-read
}
