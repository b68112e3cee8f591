package clickhouse

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// dropCapabilities takes from this thread, and from what it executes, every
// capability: those that it has as root, and those that it has in a network of its
// own. A data folder that root only reaches by passing over its permissions leaves
// it that one right.
func dropCapabilities(data string) error {
	var kept uint64
	if err := setCapabilities(0, forNow); err != nil { // takes effect, and is not final
		return fmt.Errorf("lay down the capabilities: %w", err)
	}
	if unix.Faccessat(unix.AT_FDCWD, data, unix.R_OK|unix.W_OK|unix.X_OK, unix.AT_EACCESS) != nil {
		kept = 1 << unix.CAP_DAC_OVERRIDE
	}
	if err := setCapabilities(^uint64(0), forNow); err != nil {
		return fmt.Errorf("take the capabilities up again: %w", err)
	}
	for c := uintptr(0); c < 64; c++ {
		if kept&(1<<c) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
			break // past the last one, or not root: then there is nothing to gain by executing
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear the ambient capabilities: %w", err)
	}
	return setCapabilities(kept, forGood)
}

// permanence is how long a thread has only some capabilities.
type permanence bool

const (
	forNow  permanence = false
	forGood permanence = true
)

// setCapabilities makes these the effective ones of this thread, as far as it may
// have them, and with forGood the only ones that it may ever have.
func setCapabilities(effective uint64, until permanence) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for i := range data {
		mask := uint32(effective >> (32 * i))
		if until == forGood {
			data[i].Permitted &= mask
		}
		data[i].Effective, data[i].Inheritable = data[i].Permitted&mask, 0
	}
	return unix.Capset(&header, &data[0])
}

// forbiddenCalls are the system calls that the server has no use for and an intruder
// would: into other processes, into the kernel, at the file system's shape, at the
// machine's clock and name. The rest is what ClickHouse, glibc and Go may use in any
// version; Landlock and the private network bound what comes of it.
var forbiddenCalls = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "syslog", "lookup_dcookie",
	"mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount", "mount_setattr",
	"name_to_handle_at", "open_by_handle_at", "swapon", "swapoff", "quotactl", "quotactl_fd", "acct", "nfsservctl", "vhangup",
	"setns", "unshare", "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"add_key", "request_key", "keyctl", "personality", "iopl", "ioperm", "modify_ldt", "uselib", "ustat", "sysfs", "_sysctl", "memfd_secret",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "mknod", "mknodat",
}

// executing are the calls that the second stage has no use for any more.
var executing = []string{"execve", "execveat"}

// refuseCalls has the kernel answer EPERM to the calls, of this thread and of what
// comes of it, or of all threads. Calls in the form of another
// architecture end the process.
func refuseCalls(names []string, of threads) error {
	machine, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("filter system calls: %w", err)
	}
	policy := seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{{Names: knownCalls(names), Action: seccomp.ActionErrno}},
	}
	program, err := policy.Assemble()
	if err != nil {
		return fmt.Errorf("filter system calls: %w", err)
	}
	// The library lets the calls of other architectures pass.
	const architecture = 4 // where the kernel tells it
	program = append([]bpf.Instruction{
		bpf.LoadAbsolute{Off: architecture, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(machine.ID), SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS},
	}, program...)
	return loadFilter(program, of)
}

// knownCalls are those that this architecture has.
func knownCalls(names []string) []string {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, has := machine.SyscallNames[name]
		return !has
	})
}

func loadFilter(program []bpf.Instruction, of threads) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("assemble the filter of system calls: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	flags := uintptr(0)
	if of == allThreads {
		flags = unix.SECCOMP_FILTER_FLAG_TSYNC
	}
	text := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&text))); errno != 0 {
		return fmt.Errorf("load the filter of system calls: %w", errno)
	}
	return nil
}
