package deny

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() {
	works["say"] = func([]string) error { fmt.Println("ran"); return nil }
	// run executes a program and says what came of it.
	works["run"] = func(a []string) error {
		c := exec.Command(a[0], a[1:]...)
		c.Env = append(os.Environ(), workVariable+"=say")
		out, err := c.Output()
		fmt.Println(outcome(err), strings.TrimSpace(string(out)))
		return nil
	}
	works["open"] = func(a []string) error {
		_, err := os.ReadFile(a[0])
		fmt.Println(outcome(err))
		return nil
	}
	works["execveat"] = func(a []string) error {
		fd, err := unix.Open(a[0], unix.O_PATH, 0)
		if err != nil {
			return err
		}
		path, _ := unix.BytePtrFromString("")
		argv := []*byte{path, nil}
		_, _, errno := unix.Syscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(path)),
			uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&argv[1])), unix.AT_EMPTY_PATH, 0)
		fmt.Println(outcome(errno))
		return nil
	}
	works["memfd"] = func(a []string) error {
		b, err := os.ReadFile(a[0])
		if err != nil {
			return err
		}
		fd, err := unix.MemfdCreate("copy", 0)
		if err != nil {
			return err
		}
		if _, err := unix.Write(fd, b); err != nil {
			return err
		}
		return works["run"]([]string{"/proc/self/fd/" + strconv.Itoa(fd)})
	}
	works["handle"] = func(a []string) error {
		h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, a[0], 0)
		if err != nil {
			fmt.Println("no handles:", err)
			return nil
		}
		dir, err := unix.Open(filepath.Dir(a[0]), unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		_, err = unix.OpenByHandleAt(dir, h, unix.O_RDONLY)
		fmt.Println(outcome(err))
		return nil
	}
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		return "denied"
	}
	return err.Error()
}

// say is what a work says.
func say(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := work(name, args...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

func TestAListedProgramIsNotExecuted(t *testing.T) {
	evil, other := program(t, "evil"), program(t, "other")
	g := guard(t, `r: exec.file.path == "`+evil+`"`)
	o := g.Outlook()[0]
	if o.By != ByLSM && o.By != ByFanotify {
		t.Fatalf("nothing denies: %+v", o)
	}
	if os.Getenv("REQUIRE_BPF_LSM") != "" && o.By != ByLSM {
		t.Fatalf("REQUIRE_BPF_LSM is set: %+v", o)
	}
	if got := g.says(t, "denied", "run", evil); got != "denied" {
		t.Errorf("%s: %s", evil, got)
	}
	if got := say(t, "run", other); got != "done ran" {
		t.Errorf("a program that is not listed: %s", got)
	}
	if d := g.denials(); o.By == ByFanotify && (len(d) != 1 || d[0].Path != evil || g.Entry(d[0].Entry).Rules[0] != "r") {
		t.Errorf("told %+v", d)
	}
}

// TestWaysAroundADeniedProgram pins which evasions are caught, and which are not.
func TestWaysAroundADeniedProgram(t *testing.T) {
	evil := program(t, "evil")
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	script := at("script")
	for _, err := range []error{
		os.Link(evil, filepath.Join(filepath.Dir(evil), "hardlink")), os.Symlink(evil, at("symlink")),
		exec.Command("cp", evil, at("copy")).Run(), os.WriteFile(script, []byte("#!"+evil+"\n"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	g := guard(t, `r: exec.file.path == "`+evil+`"`)
	for _, way := range []struct{ name, work, path, want string }{
		{"hard link", "run", filepath.Join(filepath.Dir(evil), "hardlink"), "denied"},
		{"symbolic link", "run", at("symlink"), "denied"},
		{"as the interpreter of a script", "run", script, "denied"},
		{"descriptor", "execveat", evil, "denied"},
		{"a copy is another file", "run", at("copy"), "done ran"},
		{"so is one in memory", "memfd", evil, "done ran"},
	} {
		if got := g.says(t, way.want, way.work, way.path); got != way.want {
			t.Errorf("%s: %s, want %s", way.name, got, way.want)
		}
	}
}

func TestAListedScriptIsNotExecutedButItsInterpreterReadsIt(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho ran\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	g := guard(t, `r: exec.file.path == "`+script+`"`)
	if got := g.says(t, "denied", "run", script); got != "denied" {
		t.Errorf("the script: %s", got)
	}
	if got := say(t, "run", "/bin/sh", script); got != "done ran" {
		t.Errorf("sh with the script, of which the rule says nothing: %s", got)
	}
}

func TestAListedFileIsNotOpened(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	other := secret + "2"
	link := secret + "3"
	for _, at := range []string{secret, other} {
		if err := os.WriteFile(at, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(secret, link); err != nil {
		t.Fatal(err)
	}
	g := guard(t, `r: open.file.path == "`+secret+`"`)
	for at, want := range map[string]string{secret: "denied", link: "denied", other: "done"} {
		if got := g.says(t, want, "open", at); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
	if got := g.says(t, "denied", "handle", secret); got != "denied" && !strings.HasPrefix(got, "no handles") {
		t.Errorf("by its handle: %s", got)
	}
	if _, err := os.ReadFile(secret); err != nil {
		t.Errorf("the agent itself: %v", err)
	}
}

func TestAFileThatComesLaterIsDenied(t *testing.T) {
	evil := program(t, "evil")
	away := evil + ".away"
	if err := os.Rename(evil, away); err != nil {
		t.Fatal(err)
	}
	guard(t, `r: exec.file.path == "`+evil+`"`)
	if got := say(t, "run", away); got != "done ran" {
		t.Fatalf("under another name: %s", got)
	}
	if err := os.Rename(away, evil); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return say(t, "run", evil) == "denied" }) {
		t.Error("it is executed")
	}
	if err := os.Rename(evil, away); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return say(t, "run", away) == "done ran" }) {
		t.Error("it is denied though it is not there any more")
	}
}

func eventually(holds func() bool) bool {
	for range 6000 {
		if holds() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestTheSwitchEndsAllDenying(t *testing.T) {
	evil := program(t, "evil")
	g := guard(t, `r: exec.file.path == "`+evil+`"`)
	for _, step := range []struct {
		armed bool
		want  string
	}{{true, "denied"}, {false, "done ran"}, {true, "denied"}} {
		if err := g.Arm(step.armed); err != nil {
			t.Fatal(err)
		}
		if got := g.says(t, step.want, "run", evil); got != step.want {
			t.Errorf("armed %v: %s", step.armed, got)
		}
	}
}

func TestRulesAreReplaced(t *testing.T) {
	one, two := program(t, "one"), program(t, "two")
	g := guard(t, `r: exec.file.path == "`+one+`"`)
	if err := g.Replace(rulesOf(t, `s: exec.file.path == "`+two+`"`)); err != nil {
		t.Fatal(err)
	}
	if got := say(t, "run", one); got != "done ran" {
		t.Errorf("of the rule that is gone: %s", got)
	}
	if got := g.says(t, "denied", "run", two); got != "denied" {
		t.Errorf("of the new rule: %s", got)
	}
	if err := g.Replace(nil); err != nil {
		t.Fatal(err)
	}
	if got := say(t, "run", two); got != "done ran" {
		t.Errorf("without rules: %s", got)
	}
}

// TestProtectedProgramsAreNotDenied: neither are they denied, nor are they kept from
// opening what others may not.
func TestProtectedProgramsAreNotDenied(t *testing.T) {
	vital := program(t, "vital")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g := guard(t, "r: exec.file.path == \""+vital+"\"\ns: open.file.path == \""+secret+"\"", func(o *Options) { o.Protected = func() []string { return []string{vital} } })
	if got := say(t, "run", vital); got != "done ran" {
		t.Errorf("a protected program: %s", got)
	}
	c := exec.Command(vital, secret)
	c.Env = append(os.Environ(), workVariable+"=open")
	if out, err := c.Output(); err != nil || strings.TrimSpace(string(out)) != "done" {
		t.Errorf("a protected process opens: %s %v", out, err)
	}
	if got := g.says(t, "denied", "open", secret); got != "denied" {
		t.Errorf("another process opens: %s", got)
	}
	if text := g.Outlook()[0].Text(); !strings.Contains(text, "protected") {
		t.Errorf("nobody says so: %s", text)
	}
}
