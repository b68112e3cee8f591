package clickhouse

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// onThread runs f on a thread of its own, which ends with it.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		f()
	}()
	<-done
}

func TestForbiddenCallsAreRefusedAndOthersWork(t *testing.T) {
	onThread(func() {
		if err := refuseCalls(forbiddenCalls, false); err != nil {
			t.Error(err)
			return
		}
		for name, call := range map[string]uintptr{"unshare": unix.SYS_UNSHARE, "bpf": unix.SYS_BPF, "mount": unix.SYS_MOUNT, "ptrace": unix.SYS_PTRACE, "io_uring_setup": unix.SYS_IO_URING_SETUP, "finit_module": unix.SYS_FINIT_MODULE} {
			if _, _, err := unix.RawSyscall6(call, 0, 0, 0, 0, 0, 0); !errors.Is(err, unix.EPERM) {
				t.Errorf("%s: %v, want EPERM", name, err)
			}
		}
		if _, _, err := unix.RawSyscall(unix.SYS_GETPID, 0, 0, 0); err != 0 {
			t.Errorf("getpid: %v", err)
		}
	})
	if err := unix.Unshare(0); err != nil {
		t.Errorf("the filter is on other threads too: %v", err)
	}
}

func TestMostForbiddenCallsAreKnownHere(t *testing.T) {
	// A name with a typing error would be left out in silence.
	if n := len(knownCalls(forbiddenCalls)); n < len(forbiddenCalls)-12 {
		t.Errorf("only %d of %d names are calls of this architecture", n, len(forbiddenCalls))
	}
	if len(knownCalls(executing)) != 2 {
		t.Error("execve is not known")
	}
}
