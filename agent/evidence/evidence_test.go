package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/secl/event"
)

// works are what children of the tests do, until their input ends.
var works = map[string]func(args []string) error{
	"wait": func([]string) error { return nil },
	"secret": func(args []string) error {
		secret := []byte(strings.Join(args, "-"))
		fmt.Printf("%p\n", &secret[0])
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Printf("%s\n", secret)
		return nil
	},
	// A file that only this process sees, in a file system that lies over others.
	"overlay": func(args []string) error {
		dir := args[0]
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return err
		}
		for _, d := range []string{"lower", "upper", "work", "merged"} {
			if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(dir+"/lower/f", []byte("abc"), 0o644); err != nil {
			return err
		}
		options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
		return unix.Mount("overlay", dir+"/merged", "overlay", 0, options)
	},
	"holds": func(args []string) error {
		var err error
		if kept, err = os.Open(args[0]); err != nil {
			return err
		}
		return os.Remove(args[0])
	},
}

// kept is a file that a child has open.
var kept *os.File

const workVariable = "NIGHTJAR_EVIDENCE_WORK"

func TestMain(m *testing.M) {
	if name := os.Getenv(workVariable); name != "" {
		err := works[name](os.Args[1:])
		if err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a process of a test.
type child struct {
	*exec.Cmd
	process *event.Process
	first   string // line that it printed
	in      io.Closer
	rest    io.Reader
}

// start starts a program that does a work, and waits until it says something.
func start(t *testing.T, program, name string, attr *unix.SysProcAttr, args ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(program, args...)}
	c.Env, c.Stderr, c.SysProcAttr = append(os.Environ(), workVariable+"="+name), os.Stderr, attr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	c.in, c.rest = in, out
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	one := make([]byte, 1)
	for one[0] != '\n' {
		if _, err := out.Read(one); err != nil {
			t.Fatalf("%s said nothing: %v", name, err)
		}
		c.first += string(one)
	}
	c.process = processOf(t, c.Process.Pid)
	return c
}

// processOf is a living process as an event has it.
func processOf(t *testing.T, pid int) *event.Process {
	t.Helper()
	p := &event.Process{PID: int64(pid), MountNS: namespaceOf(t, pid)}
	dir := fmt.Sprintf("/proc/%d", pid)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	held := &living{dir: fd, pid: uint32(pid)}
	defer held.close()
	began, err := held.began()
	if err != nil {
		t.Fatal(err)
	}
	p.Key = began * 1_000_000_000 / ticks
	path, err := os.Readlink(dir + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	p.File = fileAt(t, dir+"/exe")
	p.File.SetPath(strings.TrimSuffix(path, " (deleted)"))
	return p
}

func namespaceOf(t *testing.T, pid int) int64 {
	t.Helper()
	var s unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/ns/mnt", pid), &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Ino)
}

// fileAt is a file as an event has it.
func fileAt(t *testing.T, path string) event.File {
	t.Helper()
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		t.Fatal(err)
	}
	f := event.File{Inode: int64(s.Ino), Mode: int64(s.Mode), ModificationTime: s.Mtim.Nano(), ChangeTime: s.Ctim.Nano()}
	f.SetPath(path)
	return f
}

func collector(t *testing.T, c Config) *Collector {
	t.Helper()
	out, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	return out
}

// here is what the test's own process sees.
func here(t *testing.T, f event.File) subject {
	return newSubject(&event.Event{Process: &event.Process{PID: int64(os.Getpid()), MountNS: namespaceOf(t, os.Getpid())}}, &f, false, namespaceOf(t, os.Getpid()))
}

func needRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// hashes of "abc", from the standards that define the algorithms.
var ofABC = []string{
	"md5:900150983cd24fb0d6963f7d28e17f72",
	"sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const enough = 1 << 30

// TestAFileIsHashedAsItIs holds that the three hashes are those of the file, and that
// those of a file that nobody changed are computed once.
func TestAFileIsHashedAsItIs(t *testing.T) {
	c := collector(t, Config{})
	name := write(t, filepath.Join(t.TempDir(), "f"), "abc")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	s := here(t, fileAt(t, name))
	got, err := c.hashes.of(t.Context(), s, enough)
	if err != nil || fmt.Sprint(got.List) != fmt.Sprint(ofABC) || got.Changed != "" || got.Size != 3 || got.Cached {
		t.Fatalf("got %+v, %v", got, err)
	}
	// The inode has just changed: another change could not be told from this one.
	if again, err := c.hashes.of(t.Context(), s, enough); err != nil || again.Cached {
		t.Errorf("hashes of a file that has just changed were remembered: %+v, %v", again, err)
	}
	self := here(t, fileAt(t, "/proc/self/exe"))
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	self.file.SetPath(exe)
	for {
		first, err := c.hashes.of(t.Context(), self, enough)
		if err != nil {
			t.Fatal(err)
		}
		if first.Cached {
			break
		}
		time.Sleep(100 * time.Millisecond) // until the test's own program has settled
	}
}

// TestAFileThatChangedIsSaidToHave holds that hashes of a file that was written after the
// event are marked.
func TestAFileThatChangedIsSaidToHave(t *testing.T) {
	c := collector(t, Config{})
	name := write(t, filepath.Join(t.TempDir(), "f"), "before")
	s := here(t, fileAt(t, name))
	s.file.ModificationTime -= int64(time.Hour)
	got, err := c.hashes.of(t.Context(), s, enough)
	if err != nil || got.Changed != "since the event" || len(got.List) != len(ofABC) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestAnotherFileWithItsPathIsNotHashed holds that a file is told by its inode: who puts
// another one in its place does not get that one's hashes into the event.
func TestAnotherFileWithItsPathIsNotHashed(t *testing.T) {
	c := collector(t, Config{})
	dir := t.TempDir()
	name := write(t, filepath.Join(dir, "f"), "bad")
	s := here(t, fileAt(t, name))
	if err := os.Rename(write(t, filepath.Join(dir, "g"), "good"), name); err != nil {
		t.Fatal(err)
	}
	if got, err := c.hashes.of(t.Context(), s, enough); !errors.Is(err, ErrOther) {
		t.Errorf("replaced: got %+v, %v", got, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if got, err := c.hashes.of(t.Context(), s, enough); !errors.Is(err, ErrGone) {
		t.Errorf("removed: got %+v, %v", got, err)
	}
	if err := os.Symlink("/etc/passwd", name); err != nil {
		t.Fatal(err)
	}
	s.file.Inode = 0 // of a script that could not be looked up
	if got, err := c.hashes.of(t.Context(), s, enough); !errors.Is(err, ErrNotAFile) {
		t.Errorf("a link in its place: got %+v, %v", got, err)
	}
}

// TestAScriptIsHashedThroughTheLinkThatItWasCalledBy holds that a link leads to the file of
// the event, and to no other.
func TestAScriptIsHashedThroughTheLinkThatItWasCalledBy(t *testing.T) {
	c := collector(t, Config{})
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(write(t, filepath.Join(dir, "f"), "abc"), link); err != nil {
		t.Fatal(err)
	}
	s := here(t, fileAt(t, link))
	if got, err := c.hashes.of(t.Context(), s, enough); err != nil || fmt.Sprint(got.List) != fmt.Sprint(ofABC) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := errors.Join(os.Remove(link), os.Symlink("/etc/passwd", link)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.hashes.of(t.Context(), s, enough); !errors.Is(err, ErrOther) {
		t.Errorf("a link to another file: got %+v, %v", got, err)
	}
}

// TestOnlyRegularFilesAreOpened holds that nothing is opened that does something or waits
// when it is.
func TestOnlyRegularFilesAreOpened(t *testing.T) {
	c := collector(t, Config{})
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, "/dev/null", "/dev/tty", "/proc/kmsg", "/proc/self/maps", "/sys/kernel/uevent_seqnum", t.TempDir()} {
		f := event.File{}
		f.SetPath(name)
		if got, err := c.hashes.of(t.Context(), here(t, f), enough); !errors.Is(err, ErrNotAFile) && !errors.Is(err, ErrGone) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	f := fileAt(t, write(t, filepath.Join(t.TempDir(), "f"), "abc"))
	f.Filesystem = "fuse.sshfs"
	if got, err := c.hashes.of(t.Context(), here(t, f), enough); !errors.Is(err, ErrNotAFile) {
		t.Errorf("a file that somebody else answers for: got %+v, %v", got, err)
	}
}

// TestLimitsOfHashesAreKeptAndSaid holds the limits of size and of number.
func TestLimitsOfHashesAreKeptAndSaid(t *testing.T) {
	c := collector(t, Config{Limits: Limits{HashRate: 1}})
	dir := t.TempDir()
	s := here(t, fileAt(t, write(t, filepath.Join(dir, "f"), "abc")))
	if got, err := c.hashes.of(t.Context(), s, 2); !errors.Is(err, ErrTooLarge) || got.Size != 3 {
		t.Errorf("3 bytes of at most 2: got %+v, %v", got, err)
	}
	if _, err := c.hashes.of(t.Context(), s, 3); err != nil {
		t.Errorf("3 bytes of at most 3: %v", err)
	}
	var often error
	for i := range 100 {
		other := here(t, fileAt(t, write(t, filepath.Join(dir, fmt.Sprint(i)), "abc")))
		if _, err := c.hashes.of(t.Context(), other, enough); err != nil {
			often = err
		}
	}
	if !errors.Is(often, ErrTooOften) {
		t.Errorf("101 files at once with a limit of one a second: %v", often)
	}
}

// copyOfSelf is this test's program under another name.
func copyOfSelf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "program")
	const executable = 0o700
	if err := os.WriteFile(name, text, executable); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestARemovedProgramIsStillHashed holds that what a process executes is found where the
// process has it: when its file was removed, when another has its name, and when it never
// had one.
func TestARemovedProgramIsStillHashed(t *testing.T) {
	c := collector(t, Config{})
	own := namespaceOf(t, os.Getpid())
	want, err := c.hashes.of(t.Context(), here(t, func() event.File {
		f := fileAt(t, "/proc/self/exe")
		path, _ := os.Readlink("/proc/self/exe")
		f.SetPath(path)
		return f
	}()), enough)
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, p *event.Process) {
		t.Helper()
		got, err := c.hashes.of(t.Context(), newSubject(&event.Event{Process: p}, &p.File, true, own), enough)
		if err != nil || fmt.Sprint(got.List) != fmt.Sprint(want.List) {
			t.Errorf("got %+v, %v, want %v", got, err, want.List)
		}
	}
	t.Run("removed", func(t *testing.T) {
		name := copyOfSelf(t)
		ch := start(t, name, "wait", nil)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		ch.process = processOf(t, ch.Process.Pid)
		check(t, ch.process)
	})
	t.Run("replaced", func(t *testing.T) {
		name := copyOfSelf(t)
		ch := start(t, name, "wait", nil)
		if err := os.Rename(write(t, name+".new", "good"), name); err != nil {
			t.Fatal(err)
		}
		ch.process.File = fileAt(t, fmt.Sprintf("/proc/%d/exe", ch.Process.Pid))
		ch.process.File.SetPath(name)
		check(t, ch.process)
	})
	t.Run("in memory", func(t *testing.T) {
		fd, err := unix.MemfdCreate("program", 0)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "program")
		defer f.Close()
		text, err := os.ReadFile("/proc/self/exe")
		if err == nil {
			_, err = f.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		check(t, start(t, fmt.Sprintf("/proc/self/fd/%d", fd), "wait", nil).process)
	})
}

// TestAFileOfAnotherRootIsHashed holds that files are found where the process sees them:
// in a file system that nobody else sees, through an overlay; and through another process
// of the same container when its own has ended.
func TestAFileOfAnotherRootIsHashed(t *testing.T) {
	needRoot(t)
	c := collector(t, Config{})
	own := namespaceOf(t, os.Getpid())
	ch := start(t, "/proc/self/exe", "overlay", &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}, t.TempDir())
	merged := filepath.Join(ch.Args[1], "merged/f")
	f := fileAt(t, fmt.Sprintf("/proc/%d/root%s", ch.Process.Pid, merged))
	f.SetPath(merged)
	f.Filesystem = "overlay"
	ended := &event.Process{PID: 1 << 30, MountNS: ch.process.MountNS, Parent: ch.process}
	for name, p := range map[string]*event.Process{"its own": ch.process, "its parent's": ended} {
		got, err := c.hashes.of(t.Context(), newSubject(&event.Event{Process: p}, &f, false, own), enough)
		if err != nil || fmt.Sprint(got.List) != fmt.Sprint(ofABC) || got.Changed != "" {
			t.Errorf("%s root: got %+v, %v", name, got, err)
		}
	}
	if got, err := c.hashes.of(t.Context(), here(t, f), enough); !errors.Is(err, ErrGone) {
		t.Errorf("another root: got %+v, %v", got, err)
	}
}

// TestARemovedFileIsFoundByItsDescriptor holds that a file is found that has no name any
// more, while its process has it open.
func TestARemovedFileIsFoundByItsDescriptor(t *testing.T) {
	c := collector(t, Config{})
	name := write(t, filepath.Join(t.TempDir(), "f"), "abc")
	f := fileAt(t, name)
	ch := start(t, "/proc/self/exe", "holds", nil, name)
	got, err := c.hashes.of(t.Context(), newSubject(&event.Event{Process: ch.process}, &f, false, 0), enough)
	if err != nil || fmt.Sprint(got.List) != fmt.Sprint(ofABC) {
		t.Errorf("got %+v, %v", got, err) // Changed: removing it changed its inode
	}
}

// TestAFileSystemThatDoesNotAnswerHoldsUpNothing holds that work which never ends delays
// nobody: whoever begins it goes on at once, its result comes in time, and so does that of
// all that waits behind it.
func TestAFileSystemThatDoesNotAnswerHoldsUpNothing(t *testing.T) {
	c := collector(t, Config{Limits: Limits{Wait: 50 * time.Millisecond}})
	never := make(chan struct{})
	defer close(never)
	const many = mostWaiting + 100
	var wait sync.WaitGroup
	var mu sync.Mutex
	said := map[error]int{}
	for range many {
		wait.Add(1)
		soon(c, func(context.Context) (int, error) { <-never; return 1, nil }, func(_ int, err error) {
			mu.Lock()
			said[err]++
			mu.Unlock()
			wait.Done()
		})
	}
	wait.Wait()
	if said[nil] > 0 || said[ErrTooSlow]+said[ErrTooMany] != many || said[ErrTooMany] == 0 || said[ErrTooSlow] == 0 {
		t.Errorf("%v", said)
	}
}

// TestLinesOfRulesAreOneLineAndBounded holds that an event can't write lines of its own,
// nor drive a terminal, and that rules can't flood the log.
func TestLinesOfRulesAreOneLineAndBounded(t *testing.T) {
	var out bytes.Buffer
	c, err := New(Config{Log: slog.New(slog.NewTextHandler(&out, nil)), Limits: Limits{LogRate: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Line("r", "loud", "x"); err == nil {
		t.Error("an unknown level was taken")
	}
	if text, err := c.Line("r", "warning", "a\nlevel=ERROR b\x1b[31m"); err != nil || strings.ContainsAny(text, "\n\x1b") {
		t.Errorf("got %q, %v", text, err)
	}
	if text, err := c.Line("r", "info", strings.Repeat("é", maxLine)); err != nil || len(text) > maxLine+len("…") {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, err := c.Line("r", "info", "x"); !errors.Is(err, ErrTooOften) {
		t.Errorf("a third line in a second: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2 || !strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), "rule=r") {
		t.Errorf("%d lines: %s", lines, out.String())
	}
}
