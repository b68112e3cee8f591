package clickhouse

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// selfPath is this program as it was when it started, even if the file has been
// replaced since.
func selfPath() (string, error) { return "/proc/self/exe", nil }

func duplicate(from, to int) error { return unix.Dup3(from, to, 0) }

const canIsolate = true

// isolate gives the child a network of its own, where nobody else can reach its
// listener and from where it can reach nobody. A user that is not root makes it
// inside a user namespace in which it is still itself, and holds the one
// capability that raises the loopback interface.
func isolate(cmd *exec.Cmd) {
	attr := cmd.SysProcAttr
	attr.Cloneflags |= syscall.CLONE_NEWNET
	if os.Geteuid() == 0 {
		return
	}
	uid, gid := os.Geteuid(), os.Getegid()
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	attr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
}

// raiseLoopback switches on the loopback interface, which is down in a new
// network.
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("raise lo: %w", err)
	}
	return nil
}

// confine restricts this thread, and what it executes, to the files that the
// server needs. It fails, and changes nothing but no_new_privs, on a kernel
// without Landlock.
//
// go-landlock is not used: it restricts all threads of the process by libpsx, which is
// C, or without C syscall.AllThreadsSyscall, which fails in a program that has purego's
// runtime/cgo. Here one thread has to be restricted: the one that executes the server.
func confine(spec childSpec) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	abi, err := landlockABI()
	if err != nil {
		return err
	}
	ruleset, err := landlockRuleset(abi)
	if err != nil {
		return err
	}
	defer unix.Close(ruleset)
	for _, rule := range fileRules(spec) {
		if err := allowPath(ruleset, rule.path, rule.rights&handledFS(abi)); err != nil {
			return fmt.Errorf("allow %s: %w", rule.path, err)
		}
	}
	if abi >= landlockNet {
		if err := allowPort(ruleset, spec); err != nil {
			return fmt.Errorf("allow port %d: %w", spec.Port, err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0); errno != 0 {
		return fmt.Errorf("apply the Landlock rules: %w", errno)
	}
	return nil
}

// The Landlock versions that brought something we ask for.
const (
	landlockRefer    = 2
	landlockTruncate = 3
	landlockNet      = 4
	landlockIoctl    = 5
	landlockScope    = 6
)

func landlockABI() (int, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errors.Is(errno, unix.ENOSYS):
		return 0, errors.New("this kernel has no Landlock (it came with Linux 5.13)")
	case errors.Is(errno, unix.EOPNOTSUPP):
		return 0, errors.New("this kernel has Landlock switched off (add landlock to its lsm= list)")
	case errno != 0:
		return 0, fmt.Errorf("ask for the Landlock version: %w", errno)
	}
	return int(abi), nil
}

// landlockRuleset makes a ruleset that refuses everything this kernel can
// refuse. A kernel takes a shorter description than its own, so each is given
// no more than it knows.
func landlockRuleset(abi int) (int, error) {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handledFS(abi)}
	size := unsafe.Offsetof(attr.Handled_access_net)
	if abi >= landlockNet {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		size = unsafe.Offsetof(attr.Scoped)
	}
	if abi >= landlockScope {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size = unsafe.Offsetof(attr.Scoped) + unsafe.Sizeof(attr.Scoped)
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return 0, fmt.Errorf("create the Landlock rules: %w", errno)
	}
	return int(fd), nil
}

func handledFS(abi int) uint64 {
	handled := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1)
	if abi >= landlockRefer {
		handled |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= landlockTruncate {
		handled |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= landlockIoctl {
		handled |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return handled
}

// What a rule allows below its path.
const (
	mayRead    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	mayExecute = mayRead | unix.LANDLOCK_ACCESS_FS_EXECUTE
	mayAppend  = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REFER
	mayKeep = mayAppend | mayRead | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM

	// onFiles are the rights that make sense for a single file.
	onFiles = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_EXECUTE
)

type fileRule struct {
	path   string
	rights uint64
}

// fileRules are all files that the server may use. Of /proc it sees itself and the
// machine, because the command lines of other processes are secrets of theirs;
// its logs it may write and not read back, because they quote queries.
func fileRules(spec childSpec) []fileRule {
	at := layout{spec.Root}
	rules := []fileRule{
		{at.data(), mayKeep},
		{at.backups(), mayKeep},
		{at.logs(), mayAppend},
		{at.config(), mayRead},
		{at.users(), mayRead},
		{spec.Library, mayRead},
		{"/proc/self/exe", mayExecute},
		{"/proc/" + strconv.Itoa(os.Getpid()), mayRead},
		{"/dev/null", mayRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE},
	}
	for _, path := range []string{"/usr", "/lib", "/lib64"} {
		rules = append(rules, fileRule{path, mayExecute})
	}
	for _, path := range []string{"/sys", "/proc/sys", "/dev/zero", "/dev/random", "/dev/urandom",
		"/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version",
		"/proc/filesystems", "/proc/diskstats", "/proc/vmstat", "/proc/pressure",
		"/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf", "/etc/hosts",
		"/etc/host.conf", "/etc/gai.conf", "/nix/store"} {
		rules = append(rules, fileRule{path, mayRead})
	}
	return rules
}

// allowPath adds a rule for path and what is below it. A path that this machine
// does not have needs none.
func allowPath(ruleset int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= onFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	return addRule(ruleset, unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&rule))
}

// allowPort lets the child listen on its port. Where the network is its own it
// also connects to it, on behalf of the parent.
func allowPort(ruleset int, spec childSpec) error {
	rule := struct{ access, port uint64 }{unix.LANDLOCK_ACCESS_NET_BIND_TCP, uint64(spec.Port)}
	if spec.Private {
		rule.access |= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	const rulePort = 2 // LANDLOCK_RULE_NET_PORT
	return addRule(ruleset, rulePort, unsafe.Pointer(&rule))
}

func addRule(ruleset, kind int, rule unsafe.Pointer) error {
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), uintptr(kind), uintptr(rule), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
