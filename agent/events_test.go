package agent

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"nightjar/agent/decode"
	"nightjar/agent/probe"
	"nightjar/secl/event"
)

// trial is a type of events, a rule that finds it, what causes it, and what it
// must look like. In the texts $D is a folder of the test.
type trial struct {
	event string
	rule  string
	work  string
	args  []string
	check func(e *event.Event) error
}

func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	_, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		return errno
	}
	return nil
}

func text(s string) uintptr {
	b, err := unix.BytePtrFromString(s)
	if err != nil {
		panic(err)
	}
	pinner.Pin(b)
	return uintptr(unsafe.Pointer(b))
}

var pinner runtime.Pinner

const here = ^uintptr(99) // AT_FDCWD

// expected compares what is wanted with what is there, by name.
func expected(pairs ...any) error {
	var wrong []string
	for i := 0; i+2 < len(pairs); i += 3 {
		if fmt.Sprint(pairs[i+1]) != fmt.Sprint(pairs[i+2]) {
			wrong = append(wrong, fmt.Sprintf("%v is %v, want %v", pairs[i], pairs[i+1], pairs[i+2]))
		}
	}
	if wrong != nil {
		return fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return nil
}

var trials = []trial{
	{"open", `open.file.path == "$D/file" && open.flags & O_RDWR > 0`, "openat", []string{"$D/sub/../file"}, func(e *event.Event) error {
		return expected("flags", e.Open.Flags&unix.O_ACCMODE, unix.O_RDWR, "syscall.path", strings.HasSuffix(e.Syscall.Path, "/sub/../file"), true,
			"mode", e.File.Mode, 0o100640, "user", e.File.User, "root", "retval", e.Retval > 0, true)
	}},
	{"open", `open.file.path == "$D/none" && open.retval == ENOENT`, "openat", []string{"$D/none"}, nil},
	{"chmod", `chmod.file.path == "$D/file" && chmod.file.destination.mode == 0600`, "fchmodat", []string{"$D/link"}, func(e *event.Event) error {
		return expected("rights", e.Destination.Mode, 0o600, "retval", e.Retval, 0)
	}},
	{"chmod", `chmod.file.path == "$D/file" && chmod.file.destination.mode == 0601`, "fchmod", []string{"$D/file"}, nil},
	{"chown", `chown.file.path == "$D/file" && chown.file.destination.uid == 65534`, "fchownat", []string{"$D/link"}, func(e *event.Event) error {
		return expected("gid", e.Destination.GID, -1, "user", e.Destination.User, "nobody")
	}},
	{"utimes", `utimes.file.path == "$D/file"`, "utimensat", []string{"$D/file"}, nil},
	{"setxattr", `setxattr.file.path == "$D/file" && setxattr.file.destination.namespace == "trusted"`, "setxattr", []string{"$D/file"}, func(e *event.Event) error {
		return expected("name", e.Xattr.Name, "trusted.nightjar")
	}},
	{"removexattr", `removexattr.file.path == "$D/file" && removexattr.file.destination.name == "trusted.nightjar"`, "removexattr", []string{"$D/file"}, nil},
	{"link", `link.file.path == "$D/file" && link.file.destination.path == "$D/hard"`, "linkat", []string{"$D/file", "$D/hard"}, func(e *event.Event) error {
		return expected("same inode", e.File.Inode, e.Destination.Inode)
	}},
	{"mkdir", `mkdir.file.path == "$D/folder"`, "mkdirat", []string{"$D/folder"}, func(e *event.Event) error {
		return expected("mode", e.Destination.Mode, 0o750)
	}},
	{"rename", `rename.file.path == "$D/hard" && rename.file.destination.name == "moved"`, "renameat", []string{"$D/hard", "$D/moved"}, func(e *event.Event) error {
		return expected("inode", e.Destination.Inode != 0, true)
	}},
	{"unlink", `unlink.file.path == "$D/moved"`, "unlinkat", []string{"$D", "moved"}, nil},
	{"rmdir", `rmdir.file.path == "$D/folder"`, "rmdirat", []string{"$D/folder"}, nil},
	{"chdir", `chdir.file.path == "$D/sub"`, "chdir", []string{"$D/sub"}, func(e *event.Event) error {
		return expected("syscall.path", strings.HasSuffix(e.Syscall.Path, "/./sub"), true)
	}},
	{"mount", `mount.mountpoint.path == "$D/sub" && mount.fs_type == "tmpfs"`, "mount", []string{"$D/sub"}, nil},
	{"mmap", `mmap.file.path == "$D/file" && mmap.protection & PROT_EXEC > 0`, "mmap", []string{"$D/file"}, func(e *event.Event) error {
		return expected("flags", e.Memory.Flags, unix.MAP_PRIVATE)
	}},
	{"mprotect", `mprotect.req_protection & VM_EXEC > 0 && mprotect.vm_protection & VM_WRITE > 0`, "mprotect", nil, nil},
	{"ptrace", `ptrace.request == PTRACE_ATTACH && ptrace.tracee.comm == "sleep"`, "ptrace", nil, nil},
	{"signal", `signal.type == SIGUSR1 && signal.target.comm == "sleep"`, "kill", nil, func(e *event.Event) error {
		return expected("pid", e.Signal.PID, e.Target.PID, "retval", e.Retval, 0)
	}},
	{"signal", `signal.type == SIGUSR2 && signal.retval == ESRCH`, "kill-nobody", nil, nil},
	{"setuid", `setuid.uid == 65534 && setuid.user == "nobody"`, "setuid", nil, func(e *event.Event) error {
		return expected("euid", e.SetUID.Effective, 65534, "fsuid", e.SetUID.FS, 65534)
	}},
	{"setgid", `setgid.gid == 65534`, "setgid", nil, nil},
	{"capset", `capset.cap_effective == 0 && capset.cap_permitted != 0`, "capset", nil, func(e *event.Event) error { // browsers drop both
		return expected("effective", e.Capabilities.Effective, 0)
	}},
	{"prctl", `prctl.option == PR_SET_NAME && prctl.new_name == "a-name-that-is-too-long"`, "prctl", nil, func(e *event.Event) error {
		return expected("truncated", e.Prctl.Truncated, true)
	}},
	{"setrlimit", `setrlimit.resource == 7 && setrlimit.rlim_cur == 77`, "setrlimit", nil, func(e *event.Event) error {
		return expected("max", e.Setrlimit.Max, 78)
	}},
	{"bpf", `bpf.cmd == BPF_MAP_CREATE && bpf.map.name == "nightjar_test"`, "bpf", nil, func(e *event.Event) error {
		return expected("type", e.BPF.MapType, 2)
	}},
	{"splice", `splice.file.path == "$D/file"`, "splice", []string{"$D/file"}, nil},
	{"tracer_memfd_seal", `tracer_memfd_seal.fd > 0`, "seal", nil, nil},
	{"load_module", `load_module.file.path == "$D/file"`, "finit_module", []string{"$D/file"}, func(e *event.Event) error {
		return expected("args", e.LoadModule.Args, "a=1 b=2", "failed", e.Retval < 0, true, "from memory", e.LoadModule.InRAM, false)
	}},
	{"unload_module", `unload_module.name == "no_such_module"`, "delete_module", nil, nil},
	{"sysctl", `sysctl.name == "kernel/hostname" && sysctl.action == SYSCTL_READ`, "read", []string{"/proc/sys/kernel/hostname"}, func(e *event.Event) error {
		host, _ := os.ReadFile("/proc/sys/kernel/hostname")
		return expected("value", e.Sysctl.Value, strings.TrimSpace(string(host)))
	}},
	{"login_uid_write", `login_uid_write.auid == 4294967295`, "loginuid", nil, nil},
	{"capabilities", `capabilities.used & CAP_SYS_CHROOT > 0`, "chroot", nil, nil},
	{"cgroup_write", `cgroup_write.pid > 0 && cgroup_write.file.path =~ "**/nightjar-test-*/cgroup.procs"`, "cgroup", nil, nil},
	{"ondemand", `ondemand.name == "security_inode_rmdir"`, "rmdir-any", []string{"$D/ondemand"}, nil},
	{"bind", `bind.addr.ip == 127.0.0.0/8 && bind.addr.port == 45871 && bind.protocol == IP_PROTO_TCP`, "bind", []string{"127.0.0.7:45871"}, func(e *event.Event) error {
		return expected("family", e.Bind.Family, unix.AF_INET, "ip", e.Bind.IP, "127.0.0.7/32", "retval", e.Retval, 0, "public", e.Bind.IsPublic, false)
	}},
	{"bind", `bind.addr.ip == ::1 && bind.protocol == IP_PROTO_UDP`, "bind", []string{"[::1]:0", "udp"}, func(e *event.Event) error {
		return expected("family", e.Bind.Family, unix.AF_INET6, "the port that the kernel chose", e.Bind.Port > 0, true)
	}},
	{"bind", `bind.addr.ip == 192.0.2.77 && bind.retval == EADDRNOTAVAIL`, "bind", []string{"192.0.2.77:9"}, nil},
	{"bind", `bind.addr.family == AF_UNIX`, "bind-unix", []string{"$D/bound"}, nil},
	{"connect", `connect.addr.ip == 127.0.0.9 && connect.addr.port == 9 && connect.retval == ECONNREFUSED`, "connect", []string{"127.0.0.9:9"}, func(e *event.Event) error {
		return expected("family", e.Connect.Family, unix.AF_INET, "protocol", e.Connect.Protocol, unix.IPPROTO_TCP)
	}},
	{"connect", `connect.addr.ip == ::1 && connect.addr.port == 10`, "connect", []string{"[::1]:10"}, func(e *event.Event) error {
		return expected("family", e.Connect.Family, unix.AF_INET6)
	}},
	{"connect", `connect.addr.ip == 127.0.0.10 && connect.addr.family == AF_INET`, "connect", []string{"[::ffff:127.0.0.10]:11"}, nil},
	{"connect", `connect.addr.ip == 127.0.0.11 && connect.retval == 0`, "talk", []string{"127.0.0.11:45872"}, func(e *event.Event) error {
		return expected("port", e.Connect.Port, 45872)
	}},
	{"accept", `accept.addr.ip == 127.0.0.12 && accept.addr.port == 45875`, "talk", []string{"127.0.0.12:45873", "127.0.0.12:45875"}, func(e *event.Event) error {
		return expected("family", e.Accept.Family, unix.AF_INET, "protocol", e.Accept.Protocol, unix.IPPROTO_TCP, "retval", e.Retval > 0, true)
	}},
	{"setsockopt", `setsockopt.level == SOL_SOCKET && setsockopt.optname == SO_ATTACH_FILTER && process.file.path == "$SELF"`, "attach-filter", nil, func(e *event.Event) error {
		s := e.Setsockopt
		return expected("type", s.Type, unix.SOCK_DGRAM, "family", s.Family, unix.AF_INET, "protocol", s.Protocol, unix.IPPROTO_UDP, "length", s.FilterLength, 4,
			"immediates", s.UsedImmediates, []int64{0x7255, 0xffff, 0}, "instructions", s.FilterInstructions, "ldh [12]\njneq #29269,1\nret #65535\nret #0",
			"hash", len(s.FilterHash), 64, "retval", e.Retval, 0)
	}},
	{"setsockopt", `setsockopt.socket_family == AF_INET6 && setsockopt.socket_protocol == IP_PROTO_TCP && setsockopt.optname == SO_KEEPALIVE`, "keepalive", nil, nil},
	{"dns", `dns.question.name == "Evil.Example" && dns.question.type == TXT && network.network_direction == EGRESS`, "dns", []string{"evil.example"}, func(e *event.Event) error {
		n, q := e.Network, e.DNS
		return expected("id", q.ID, 4711, "class", q.Class, 1, "count", q.Count, 1, "length", q.Length, n.Size-28, "to", n.Destination.IP, "127.0.0.53/32",
			"port", n.Destination.Port, 53, "l3", n.L3, unix.ETH_P_IP, "l4", n.L4, unix.IPPROTO_UDP)
	}},
	{"dns", `dns.question.name == "gone.example" && dns.response.code == 3 && network.network_direction == INGRESS`, "dns", []string{"gone.example"}, nil},
	{"dns", `dns.question.name == "stream.example" && network.l4_protocol == IP_PROTO_TCP`, "dns", []string{"stream.example", "tcp"}, nil},
	{"imds", `imds.url =~ "/*/meta-data/iam/security-credentials/*" && imds.aws.is_imds_v2 == false`, "imds", nil, func(e *event.Event) error {
		i := e.IMDS
		return expected("type", i.Type, "request", "host", i.Host, "169.254.169.254", "agent", i.UserAgent, "nightjar-test", "cloud", i.Provider, "aws",
			"to", e.Network.Destination.IP, "169.254.169.254/32", "direction", e.Network.Direction, 1)
	}},
	{"imds", `imds.type == "response" && imds.aws.security_credentials.type == "AWS-HMAC"`, "imds", nil, func(e *event.Event) error {
		return expected("server", e.IMDS.Server, "EC2ws", "direction", e.Network.Direction, 2)
	}},
	{"imds", `imds.aws.is_imds_v2 == true`, "imds", []string{"X-aws-ec2-metadata-token: x\r\n"}, nil},
	{"network_flow_monitor", `network_flow_monitor.flows.destination.port == 45881`, "transfer", []string{"127.0.0.21:45881"}, func(e *event.Event) error {
		f := e.Flow
		return expected("from", f.Source.IP, "127.0.0.1/32", "port", f.Source.Port > 0, true, "to", f.Destination.IP, "127.0.0.21/32", "l3", f.L3, unix.ETH_P_IP, "l4", f.L4, 6,
			"sent", f.EgressBytes, 1000, "received", f.IngressBytes, 3000, "packets", f.IngressPackets > 0 && f.EgressPackets > 0, true)
	}},
	{"network_flow_monitor", `network_flow_monitor.flows.source.port == 45882`, "transfer", []string{"[::1]:45882"}, func(e *event.Event) error {
		return expected("sent", e.Flow.EgressBytes, 3000, "received", e.Flow.IngressBytes, 1000, "l3", e.Flow.L3, unix.ETH_P_IPV6)
	}},
	{"exec", `exec.file.path == "$SELF" && exec.args_options in ["count=3"]`, "true", nil, func(e *event.Event) error {
		p := e.Process
		return expected("argv0", p.Argv0, "spoofed", "argv", p.Argv, []string{"--count=3", "x"}, "mode", p.File.Mode&unix.S_IFMT, unix.S_IFREG,
			"owner", p.File.User, "root", "fs", p.File.Filesystem != "", true, "times", p.File.ModificationTime > 0 && p.File.ChangeTime > 0, true,
			"comm", p.Comm, "exe", "user", p.User, "root", "env", slices.Contains(p.Envp, "NIGHTJAR_VALUE=secret"), true,
			"env name", slices.Contains(p.Envs, "NIGHTJAR_VALUE"), true, "parent", p.Parent.PID, p.PPID,
			"caps", p.CapEffective != 0, true, "auid", p.AUID != 0, true)
	}},
	{"exit", `exit.code == 7 && exit.cause == EXITED`, "seven", nil, nil},
	{"exit", `exit.cause == SIGNALED && exit.code == SIGKILL && exit.comm == "sleep"`, "killed", nil, nil},
}

// mayMiss are the types of which some kernel that the tests run in shows nothing, or
// less than their rules ask for.
var mayMiss = []string{"capabilities", "cgroup_write", "load_module", "mprotect", "ondemand", "selinux", "login_uid_write", "splice", "sysctl", "unload_module"}

// notHere are the types that the model of this kernel can't cause, with the hook
// that is missing: they are seen in other kernels (make test-kernels).
func notHere(hooks []probe.Hook) map[string]string {
	out := map[string]string{}
	for _, s := range probe.SupportOf(hooks) {
		// What is missing of these two is in their rules.
		if !s.Seen || len(s.Without) > 0 && (s.Event == "mprotect" || s.Event == "splice") {
			out[s.Event] = strings.Join(s.Without, "; ")
		}
	}
	return out
}

func TestEveryTypeOfEventsIsSeenWithItsFields(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$D", dir, "$SELF", self)
	prepare(t, dir)
	rules := ""
	for i, c := range trials {
		rules += fmt.Sprintf("r%d: %s\n", i, fill.Replace(c.rule))
	}
	w := watch(t, rules)
	missing := notHere(w.agent.probe.Hooks())
	for i, c := range trials {
		t.Run(fmt.Sprint(c.event, i), func(t *testing.T) {
			if why := missing[c.event]; why != "" && !slices.Contains(mayMiss, c.event) {
				t.Fatalf("every kernel shows this: %s", why)
			} else if why != "" {
				t.Skipf("needs root or another kernel: %s", why)
			}
			args := make([]string, len(c.args))
			for j, a := range c.args {
				args[j] = fill.Replace(a)
			}
			do(t, c.work, args...)
			w.t = t
			m := w.one("r"+strconv.Itoa(i), 0)
			if m.event.Type != c.event {
				t.Errorf("the type is %s", m.event.Type)
			}
			if m.event.Process.File.Path == "" || m.event.Process.Parent == nil || m.event.Timestamp == 0 {
				t.Errorf("the process is %+v", m.event.Process)
			}
			if c.check != nil {
				if err := c.check(&m.event); err != nil {
					t.Error(err)
				}
			}
		})
	}
	w.t = t
	w.stop()
	w.adds()
}

func TestEveryTypeOfEventsIsDecoded(t *testing.T) {
	for _, name := range probe.Everything() {
		if !slices.Contains(decode.Types(), name) {
			t.Errorf("records of %s events are no events", name)
		}
	}
}

func TestEveryTypeOfEventsHasACause(t *testing.T) {
	for _, name := range probe.Everything() {
		// SELinux must be there, and is in no kernel that the tests run in.
		if name != "selinux" && !slices.ContainsFunc(trials, func(c trial) bool { return c.event == name }) {
			t.Errorf("no test causes %s events", name)
		}
	}
}

func prepare(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "file"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
}

// withSleep runs f on a process that sleeps.
func withSleep(f func(pid int) error) error {
	c := exec.Command("sleep", "20")
	if err := c.Start(); err != nil {
		return err
	}
	// It has its name before the exec is done, and before that is told: it has to
	// sleep.
	for range 12000 {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
		if strings.Contains(string(stat), "(sleep) S ") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	err := f(c.Process.Pid)
	_ = c.Process.Kill()
	_ = c.Wait()
	return err
}

// onFile opens a file for f.
func onFile(name string, f func(fd uintptr) error) error {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return f(file.Fd())
}

// expectError is nil if err is one of those that are expected.
func expectError(err error, wanted ...unix.Errno) error {
	for _, w := range wanted {
		if errors.Is(err, w) {
			return nil
		}
	}
	return fmt.Errorf("got %w, want one of %v", err, wanted)
}

func init() {
	for name, f := range map[string]func(args []string) error{
		"openat": func(a []string) error {
			err := call(unix.SYS_OPENAT, here, text(a[0]), unix.O_RDWR)
			if errors.Is(err, unix.ENOENT) {
				return nil
			}
			return err
		},
		"fchmodat": func(a []string) error { return call(unix.SYS_FCHMODAT, here, text(a[0]), 0o600) },
		"fchmod": func(a []string) error {
			return onFile(a[0], func(fd uintptr) error { return call(unix.SYS_FCHMOD, fd, 0o601) })
		},
		"fchownat":    func(a []string) error { return call(unix.SYS_FCHOWNAT, here, text(a[0]), 65534, ^uintptr(0), 0) },
		"utimensat":   func(a []string) error { return call(unix.SYS_UTIMENSAT, here, text(a[0]), 0, 0) },
		"setxattr":    func(a []string) error { return unix.Setxattr(a[0], "trusted.nightjar", []byte("x"), 0) },
		"removexattr": func(a []string) error { return unix.Removexattr(a[0], "trusted.nightjar") },
		"linkat":      func(a []string) error { return call(unix.SYS_LINKAT, here, text(a[0]), here, text(a[1]), 0) },
		"mkdirat":     func(a []string) error { return call(unix.SYS_MKDIRAT, here, text(a[0]), 0o750) },
		"renameat": func(a []string) error {
			return call(unix.SYS_RENAMEAT2, here, text(a[0]), here, text(a[1]), 0)
		},
		"unlinkat": func(a []string) error {
			dir, err := unix.Open(a[0], unix.O_DIRECTORY, 0)
			if err != nil {
				return err
			}
			return call(unix.SYS_UNLINKAT, uintptr(dir), text(a[1]), 0)
		},
		"rmdirat":   func(a []string) error { return call(unix.SYS_UNLINKAT, here, text(a[0]), unix.AT_REMOVEDIR) },
		"rmdir-any": func(a []string) error { return errors.Join(unix.Mkdir(a[0], 0o700), unix.Rmdir(a[0])) },
		"chdir":     func(a []string) error { return unix.Chdir(filepath.Dir(a[0]) + "/./sub") },
		"mount": func(a []string) error {
			runtime.LockOSThread()
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				return err
			}
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return err
			}
			return unix.Mount("tmpfs", a[0], "tmpfs", 0, "")
		},
		"mmap": func(a []string) error {
			return onFile(a[0], func(fd uintptr) error {
				return call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE, fd, 0)
			})
		},
		"mprotect": func([]string) error {
			b, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
			if err != nil {
				return err
			}
			return unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
		},
		"ptrace": func([]string) error {
			runtime.LockOSThread()
			return withSleep(func(pid int) error {
				if err := unix.PtraceAttach(pid); err != nil {
					return err
				}
				var s unix.WaitStatus
				_, err := unix.Wait4(pid, &s, 0, nil)
				return err
			})
		},
		"kill": func([]string) error {
			return withSleep(func(pid int) error { return unix.Kill(pid, unix.SIGUSR1) })
		},
		"kill-nobody": func([]string) error { return expectError(unix.Kill(1<<22-1, unix.SIGUSR2), unix.ESRCH) },
		"setuid":      func([]string) error { return call(unix.SYS_SETUID, 65534) },
		"setgid":      func([]string) error { return call(unix.SYS_SETGID, 65534) },
		"capset": func([]string) error {
			runtime.LockOSThread()
			h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var d [2]unix.CapUserData
			if err := unix.Capget(&h, &d[0]); err != nil {
				return err
			}
			d[0].Effective, d[1].Effective = 0, 0
			return unix.Capset(&h, &d[0])
		},
		"prctl": func([]string) error {
			return call(unix.SYS_PRCTL, unix.PR_SET_NAME, text("a-name-that-is-too-long"))
		},
		"setrlimit": func([]string) error {
			return unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 77, Max: 78}, nil)
		},
		"bpf": func([]string) error {
			attr := struct {
				kind, key, value, entries, flags, inner, node uint32
				name                                          [16]byte
			}{kind: 2, key: 4, value: 4, entries: 1}
			copy(attr.name[:], "nightjar_test")
			return call(unix.SYS_BPF, 0, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		},
		"splice": func(a []string) error {
			var pipe [2]int
			if err := unix.Pipe(pipe[:]); err != nil {
				return err
			}
			return onFile(a[0], func(fd uintptr) error {
				_, err := unix.Splice(int(fd), nil, pipe[1], nil, 7, 0)
				return err
			})
		},
		"seal": func([]string) error {
			fd, err := unix.MemfdCreate("datadog-tracer-info-nightjar", unix.MFD_ALLOW_SEALING)
			if err != nil {
				return err
			}
			_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE)
			return err
		},
		"finit_module": func(a []string) error {
			file, err := os.Open(a[0])
			if err != nil {
				return err
			}
			defer file.Close()
			return expectError(call(unix.SYS_FINIT_MODULE, file.Fd(), text("a=1 b=2"), 0), unix.ENOSYS, unix.ENOEXEC, unix.EPERM, unix.EINVAL)
		},
		"delete_module": func([]string) error {
			return expectError(call(unix.SYS_DELETE_MODULE, text("no_such_module"), 0), unix.ENOSYS, unix.ENOENT, unix.EPERM)
		},
		"read": func(a []string) error {
			_, err := os.ReadFile(a[0])
			return err
		},
		"loginuid": func([]string) error { _ = os.WriteFile("/proc/self/loginuid", []byte("4294967295"), 0); return nil },
		"chroot":   func([]string) error { return unix.Chroot("/") },
		"cgroup":   intoCGroup,
		"true": func([]string) error {
			c := work("nothing")
			c.Args = []string{"spoofed", "--count=3", "x"}
			c.Env = append(c.Env, "NIGHTJAR_VALUE=secret")
			return c.Run()
		},
		"nothing": func([]string) error { return nil },
		"seven":   func([]string) error { _ = exec.Command("/bin/sh", "-c", "exit 7").Run(); return nil },
		"killed": func([]string) error {
			return withSleep(func(int) error { return nil })
		},
	} {
		works[name] = f
	}
}

// intoCGroup makes a cgroup, moves a process into it, and takes it away.
func intoCGroup([]string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[2] != "cgroup2" {
			continue
		}
		dir := filepath.Join(f[1], fmt.Sprint("nightjar-test-", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		err := withSleep(func(pid int) error {
			return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
		})
		_ = os.Remove(dir)
		return err
	}
	return fmt.Errorf("no cgroups of version 2 are mounted")
}
