package respond

import (
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"nightjar/agent/process"
	"nightjar/secl/event"
)

// Protected are the processes that no rule and no command ever hits: pid 1, threads of
// the kernel, the agent and the engine with its database (whatever runs the same
// program), and the programs without which a host can't be reached or would lose its
// containers.
type Protected struct {
	extra []string // paths of programs, of which the first is the one that runs
	self  int
	own   identity // of the program that runs
	// root is where the files of the host are: for an agent in a container that of pid 1.
	root string
}

// rootOfHost is the folder under which an agent finds the host's files.
func rootOfHost() string {
	const ofFirst = "/proc/1/root"
	own, _ := identityOf("/")
	if of, _ := identityOf(ofFirst + "/"); of != (identity{}) && of != own {
		return ofFirst
	}
	return ""
}

// identity is a file, whatever it is called.
type identity struct{ dev, inode uint64 }

// protectedNames are the programs that are protected in protectedFolders, also with
// something behind a - (systemd-journald, containerd-shim-runc-v2, sshd-session).
var protectedNames = strings.Fields("init systemd sshd dropbear kubelet containerd dockerd docker-proxy docker-init runc crun youki conmon crio podman lxc-start lxd incusd k3s rke2 k0s")

// protectedFolders are where such programs are installed. Elsewhere the name protects
// nothing: whoever may write /tmp could take it.
var protectedFolders = []string{"/bin/", "/sbin/", "/lib/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/", "/usr/local/bin/", "/usr/local/sbin/", "/opt/", "/var/lib/rancher/", "/home/kubernetes/bin/"}

// NewProtected protects further programs beside those that always are, by their absolute
// paths.
func NewProtected(programs []string) *Protected {
	p := &Protected{extra: programs, self: os.Getpid(), root: rootOfHost()}
	if own, err := os.Readlink("/proc/self/exe"); err == nil {
		p.extra = append([]string{own}, programs...)
	}
	p.own, _ = identityOf("/proc/self/exe")
	return p
}

// ProtectedAnywhere are those of another host or another time, of which only events are
// known: no process there is this one.
func ProtectedAnywhere(programs []string) *Protected { return &Protected{extra: programs, self: -1} }

// Of says why the process of an event is protected, by what the event says alone; false:
// it is not.
func (p *Protected) Of(e *event.Process) (why string, ok bool) {
	switch {
	case e.PID == 1:
		return "it is pid 1", true
	case e.PID == int64(p.self):
		return "it is the agent", true
	case e.IsKworker:
		return "it is a thread of the kernel", true
	case e.Container != "":
		return "", false
	}
	for _, program := range []string{e.File.Path, e.Interpreter.Path} {
		if p.Program(program) {
			return program + " is protected", true
		}
	}
	return "", false
}

// Program reports whether a program of the host is protected.
func (p *Protected) Program(at string) bool {
	if slices.Contains(p.extra, at) {
		return true
	}
	return p.Name(path.Base(at)) && slices.ContainsFunc(protectedFolders, func(f string) bool { return strings.HasPrefix(at, f) })
}

// Name reports whether some program of that name may be protected.
func (p *Protected) Name(name string) bool {
	if slices.ContainsFunc(p.extra, func(at string) bool { return path.Base(at) == name }) {
		return true
	}
	first, _, _ := strings.Cut(name, "-")
	return slices.Contains(protectedNames, name) || slices.Contains(protectedNames, first)
}

// Live says why a living process is protected, by what /proc says of it. It is about the
// process that has the pid while it is called: hold its pidfd. A program that was mounted
// or put where a protected one would be, without being it, is not protected.
func (p *Protected) Live(pid int) (why string, ok bool) {
	switch pid {
	case 1:
		return "it is pid 1", true
	case p.self:
		return "it is the agent", true
	}
	at := "/proc/" + strconv.Itoa(pid)
	s, gone := process.StatOf(pid)
	if living := process.LivingThread(pid, s); living != "" {
		at = living
	}
	at += "/exe"
	program, err := os.Readlink(at)
	if err != nil { // it executes no file, or is gone
		const kthreadd = 2 // whose children are the kernel's
		return "it is a thread of the kernel", gone == nil && !s.Zombie && (pid == kthreadd || s.Parent == kthreadd)
	}
	runs, file := identityOf(at)
	if runs == p.own {
		return "it belongs to nightjar", true
	}
	// A file of which no name is left, and not one that somebody has called so.
	program, deleted := strings.CutSuffix(program, " (deleted)")
	if !p.Program(program) || inContainer(pid) {
		return "", false
	}
	if deleted { // replaced while it runs, as an update does
		return program + " is protected", file.Uid == 0 && file.Nlink == 0
	}
	installed, _ := identityOf(p.root + program)
	return program + " is protected", installed == runs
}

// identities are those of the protected programs that are installed on this host.
func (p *Protected) identities() map[identity]string {
	out := map[identity]string{p.own: "nightjar"}
	add := func(program string) {
		if id, _ := identityOf(program); id != (identity{}) {
			out[id] = program
		}
	}
	for _, program := range p.extra {
		add(p.root + program)
	}
	for _, folder := range append([]string{"/usr/lib/systemd/", "/lib/systemd/", "/usr/lib/openssh/", "/usr/libexec/openssh/"}, protectedFolders...) {
		folder = p.root + folder
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if p.Name(e.Name()) && !e.IsDir() {
				add(folder + e.Name())
			}
		}
	}
	return out
}

// Programs are the protected programs that are installed on this host.
func (p *Protected) Programs() []string {
	all := p.identities()
	delete(all, p.own)
	return append(slices.Sorted(maps.Values(all)), "/proc/self/exe")
}

// identityOf is the file at a path, links followed, and what else is known of it; zero if
// there is none.
func identityOf(at string) (identity, syscall.Stat_t) {
	var s syscall.Stat_t
	if syscall.Stat(at, &s) != nil {
		return identity{}, syscall.Stat_t{Uid: ^uint32(0)}
	}
	return identity{s.Dev, s.Ino}, s
}
