package agent

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"nightjar/agent/respond"
)

// forksVariable says how many forks TestNoReusedPidIsHit makes: a million in
// `make test-kill`.
const forksVariable = "NIGHTJAR_KILL_FORKS"

// cloneArgs is struct clone_args of the kernel.
type cloneArgs struct {
	flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize, cgroup uint64
}

// fork makes a process that waits for a byte on a descriptor and then ends with exit,
// and that gets the pid that is asked for, if it is not 0.
func fork(pid int32, wait int, exit uintptr) (int, error) {
	tid := [1]int32{pid}
	args := cloneArgs{exitSignal: uint64(unix.SIGCHLD)}
	if pid != 0 {
		args.setTid, args.setTidSize = uint64(uintptr(unsafe.Pointer(&tid))), 1
	}
	var buffer [1]byte
	at, count := uintptr(unsafe.Pointer(&buffer)), uintptr(len(buffer))
	n, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	if n == 0 && errno == 0 { // the child: nothing of Go's runtime works here
		unix.RawSyscall(unix.SYS_READ, uintptr(wait), at, count)
		unix.RawSyscall(unix.SYS_EXIT_GROUP, exit, 0, 0)
	}
	runtime.KeepAlive(&tid)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

const successorsExit = 7

func init() {
	// reuse answers each byte with eight: a pid and a status of exit. "v" makes a victim,
	// "s" ends it and gives its pid to a successor, "e" ends that.
	works["reuse"] = func([]string) error {
		runtime.LockOSThread()
		read, write, err := os.Pipe()
		if err != nil {
			return err
		}
		in, pid := bufio.NewReader(os.Stdin), 0
		wait := func() int32 {
			var status unix.WaitStatus
			_, _ = unix.Wait4(pid, &status, 0, nil)
			return int32(status)
		}
		for {
			order, err := in.ReadByte()
			if errors.Is(err, io.EOF) {
				return nil
			}
			var status int32
			switch order {
			case 'v':
				pid, err = fork(0, int(read.Fd()), 0)
			case 's':
				_ = unix.Kill(pid, unix.SIGKILL)
				wait()
				if pid, err = fork(int32(pid), int(read.Fd()), successorsExit); errors.Is(err, unix.EEXIST) {
					pid, err = 0, nil // another process got it first
				}
			case 'e':
				_, err = write.Write([]byte{0})
				if status = wait(); unix.WaitStatus(status).Signaled() {
					_, _ = read.Read(make([]byte, 1)) // which it has not read
				}
			}
			if err != nil {
				return err
			}
			var answer [8]byte
			binary.NativeEndian.PutUint32(answer[:], uint32(pid))
			binary.NativeEndian.PutUint32(answer[4:], uint32(status))
			if _, err := os.Stdout.Write(answer[:]); err != nil {
				return err
			}
		}
	}
}

// TestNoReusedPidIsHit gives the pid of a process that has ended to another at once,
// which executes the same program and began within the same hundredth of a second: a
// kill of the first must not hit it. Every twentieth one is killed with its own start,
// and must be hit.
func TestNoReusedPidIsHit(t *testing.T) {
	forks := numberFrom(t, forksVariable, 400)
	forker := program(t, t.TempDir(), "forker", "/proc/self/exe") // the test's own file is protected
	w := watch(t, "none: exec.file.path == \"/nowhere\"")
	c := exec.Command(forker)
	c.Env, c.Stderr = append(os.Environ(), workVariable+"=reuse"), os.Stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stdin.Close(); _ = c.Wait() }()
	ask := func(order byte) (int, unix.WaitStatus) {
		var answer [8]byte
		if _, err := stdin.Write([]byte{order}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stdout, answer[:]); err != nil {
			t.Fatal(err)
		}
		return int(binary.NativeEndian.Uint32(answer[:])), unix.WaitStatus(binary.NativeEndian.Uint32(answer[4:]))
	}
	const everyTh, patience = 20, time.Minute
	killer, reused, hit := w.agent.Responder().Killer, 0, 0
	for i := range forks / 2 {
		victim, _ := ask('v')
		start, ok, err := w.agent.probe.Born(victim)
		if !ok || err != nil {
			t.Fatalf("the kernel knows nothing of process %d: %v", victim, err)
		}
		pid, _ := ask('s')
		if pid == 0 {
			continue
		}
		reused++
		own := i%everyTh == 0
		if own {
			start, _, _ = w.agent.probe.Born(pid)
			hit++
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		r := killer.Kill(ctx, respond.Target{PID: pid, Start: start, Exe: respond.Exe{Path: forker}}, "SIGKILL", respond.ScopeProcess)
		cancel()
		if _, status := ask('e'); own && (r.Status != respond.Performed || status.Signal() != unix.SIGKILL) || !own && (r.Status != respond.Aborted || status.ExitStatus() != successorsExit) {
			t.Fatalf("pid %d, which was another's before: the report is %+v, it ended with %v", pid, r, fmt.Sprint(status.Signal(), status.ExitStatus()))
		}
	}
	t.Logf("%d forks, %d pids reused at once: 0 hit of %d, %d of %d that were meant", 2*reused, reused, reused-hit, hit, hit)
	const most = 10 // of a hundred pids that others may get first
	if reused < forks/2*(100-most)/100 {
		t.Errorf("only %d of %d pids were reused", reused, forks/2)
	}
}
