package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A workload is something that programs do much of.
type workload struct {
	name  string
	role  string
	n     int     // operations of a run
	rule  string  // besides the policy's; empty: none
	bound float64 // of the ratio, that the issue asks for
}

var workloads = []workload{
	{name: "fork+exec, no rule matches", role: "exec", n: 3000, bound: 1.10},
	{name: "fork+exec, every exec is sent", role: "exec", n: 3000, rule: `exec.file.path != ""`, bound: 1.20},
	{name: "open, no rule can match", role: "open", n: 1_000_000, bound: 1.30},
	{name: "go build -a encoding/json", role: "build", n: 1, bound: 1.05},
}

// run runs the workload once, and returns its user and system time, that of its
// children included.
func (w workload) run() (time.Duration, error) {
	c := child(w.role, strconv.Itoa(w.n))
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w", w.name, err)
	}
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime(), nil
}

// workExec starts `true` again and again, and waits for it.
func workExec(args []string) error {
	path, err := exec.LookPath("true")
	if err != nil {
		return err
	}
	for range count(args) {
		pid, err := syscall.ForkExec(path, []string{path}, &syscall.ProcAttr{})
		if err != nil {
			return err
		}
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			return err
		}
	}
	return nil
}

// workOpen opens and closes a file, six folders deep, again and again.
func workOpen(args []string) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "a", "b", "c", "d")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "data.bin")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	for range count(args) {
		at := unix.AT_FDCWD
		fd, _, e := syscall.RawSyscall6(unix.SYS_OPENAT, uintptr(at), uintptr(unsafe.Pointer(name)), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		if e != 0 {
			return e
		}
		if _, _, e := syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0); e != 0 {
			return e
		}
	}
	return nil
}

// workBuild builds a package of Go's library and all that it needs, into an empty
// cache.
func workBuild(args []string) error {
	for range count(args) {
		cache, err := os.MkdirTemp("", "bench-")
		if err != nil {
			return err
		}
		c := exec.Command("go", "build", "-a", "encoding/json")
		c.Dir, c.Env = cache, append(os.Environ(), "GOCACHE="+cache, "GOFLAGS=")
		out, err := c.CombinedOutput()
		_ = os.RemoveAll(cache) // of a temporary folder
		if err != nil {
			return fmt.Errorf("go build: %w: %s", err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

func count(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		panic(err) // it is ours
	}
	return n
}
