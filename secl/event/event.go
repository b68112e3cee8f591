package event

import (
	"net/netip"
	"path"
	"strings"
)

// Event is one event. The agent reuses it: Reset before filling it again.
type Event struct {
	Type      string // exec, open, …: a name of Model
	Async     bool   // seen after the fact: an action can't stop it
	Hostname  string
	Origin    string // ebpf or ebpfless
	OS        string
	Service   string // DD_SERVICE of the process
	Source    string // runtime, or snapshot for what ran before the agent
	Timestamp int64  // ns since 1970
	RuleTags  []string
	Retval    int64 // what the system call returned; an error is negative

	Process   *Process // who did it; for exec as it is after it
	Container Container
	CGroup    CGroup
	Network   Network
	Target    *Process // of ptrace, signal, setrlimit

	File        File // the file of the event; for rename and link the old name
	Destination File // the new name, or the mode and the owner to be
	Xattr       Xattr
	Syscall     Syscall // arguments as the caller wrote them

	Accept, Bind, Connect Socket
	BPF                   BPF
	CGroupWrite           CGroupWrite
	Capabilities          Capabilities
	DNS                   DNS
	Exit                  Exit
	Flow                  Flow
	IMDS                  IMDS
	LoadModule            Module
	Memory                Memory
	Mount                 Mount
	OnDemand              OnDemand
	Open                  Open
	Packet                Packet
	Prctl                 Prctl
	Ptrace                Ptrace
	SELinux               SELinux
	SetGID, SetUID        Identity
	Setrlimit             Setrlimit
	Setsockopt            Setsockopt
	Signal                Signal
	Splice                Splice
	Sysctl                Sysctl
	UnlinkFlags           int64
	LoginUID              int64
	Memfd                 int64

	ancestors [2]ancestry // of Process and of Target
}

// Reset makes the event empty.
func (e *Event) Reset() {
	kept := e.ancestors
	*e = Event{}
	for i := range kept {
		e.ancestors[i].list = kept[i].list[:0]
	}
}

// Copy is the event as it is, for who keeps it while the event is used again. Its
// processes are shared.
func (e *Event) Copy() Event {
	out := *e
	out.ancestors = [2]ancestry{}
	return out
}

// ancestry is the chain of parents of a process, cached while the event is
// looked at.
type ancestry struct {
	of   *Process
	list []*Process
}

// maxAncestors bounds the chain, which a broken cache could close to a ring.
const maxAncestors = 256

// of lists the ancestors of p, its parent first.
func (a *ancestry) update(p *Process) []*Process {
	if a.of == p && p != nil {
		return a.list
	}
	a.of, a.list = p, a.list[:0]
	if p == nil {
		return nil
	}
	for q := p.Parent; q != nil && len(a.list) < maxAncestors; q = q.Parent {
		a.list = append(a.list, q)
	}
	return a.list
}

// Process is a process as its last exec left it.
type Process struct {
	PID, TID, PPID                     int64
	UID, GID, EUID, EGID, FSUID, FSGID int64
	AUID                               int64 // the user who logged in; 4294967295 for none
	CapEffective, CapPermitted         int64
	CapsAttempted, CapsUsed            int64
	CreatedAt                          int64 // ns since 1970
	MountNS, NetNS                     int64
	Comm, TTY                          string
	User, Group, EUser, EGroup         string
	FSUser, FSGroup                    string
	Argv0, Args                        string // Args: the arguments after Argv0, joined
	Argv                               []string
	ArgsFlags, ArgsOptions             []string
	Envs, Envp                         []string // Envs: names, and name=value where a value matters
	ArgsTruncated, EnvsTruncated       bool
	IsKworker, IsThread, IsExec        bool
	File, Interpreter                  File
	SymlinkPath, SymlinkName           string // by which it was called, if that was a link
	Folder                             string // working directory at its last exec
	Container                          string // id
	CGroup                             CGroup
	K8sUser, K8sUID, SessionType       string
	K8sGroups                          []string
	Session                            int64
	Parent                             *Process
	Key                                uint64 // tells it from an earlier process of the same PID
}

// SetArgv derives everything that depends on the arguments.
func (p *Process) SetArgv(argv []string) {
	if len(argv) == 0 {
		return
	}
	p.Argv0, p.Argv = argv[0], argv[1:]
	p.Args = strings.Join(p.Argv, " ")
	p.ArgsFlags, p.ArgsOptions = flags(p.Argv), options(p.Argv)
}

// flags are the arguments that begin with a dash: of -ln the letters, of
// --version the word. An option that has its value behind = is none.
func flags(argv []string) []string {
	var out []string
	for _, a := range argv {
		if long, ok := strings.CutPrefix(a, "--"); ok {
			if isWord(long) {
				out = append(out, long)
			}
			continue
		}
		short, ok := strings.CutPrefix(a, "-")
		if !ok || !isWord(short) {
			continue
		}
		if len(short) > 1 {
			for _, letter := range short {
				out = append(out, string(letter))
			}
		}
		out = append(out, short)
	}
	return out
}

// options are the arguments that begin with a dash and have a value: -T 8 is
// T=8, as is -T=8 and --T=8.
func options(argv []string) []string {
	var out []string
	for i, a := range argv {
		name := strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-")
		if name == a || name == "" {
			continue
		}
		if strings.Contains(name, "=") {
			out = append(out, name)
		} else if i+1 < len(argv) && !strings.HasPrefix(argv[i+1], "-") {
			out = append(out, name+"="+argv[i+1])
		}
	}
	return out
}

// isWord tells whether s is of letters, digits, - and _, and begins with neither
// of the last.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_') {
			return false
		}
	}
	return s != ""
}

// File is a file.
type File struct {
	Path, Name, Filesystem, Extension string
	UID, GID, Inode, MountID          int64
	User, Group                       string
	Mode                              int64 // with the bits of the kind
	ChangeTime, ModificationTime      int64 // ns since 1970
	InUpperLayer                      bool
	MountVisible, MountDetached       bool
	Hashes                            []string
	PackageName, PackageVersion       string
	PackageSource                     string
}

// SetPath derives everything that depends on the path.
func (f *File) SetPath(p string) {
	f.Path, f.Name = p, path.Base(p)
	f.Extension = path.Ext(f.Name)
}

// What events have beside processes and files.
type (
	// Container is a container.
	Container struct {
		ID, Runtime string
		CreatedAt   int64 // ns since 1970
		Tags        []string
	}
	// CGroup is a control group.
	CGroup struct {
		ID, Manager             string
		Inode, MountID, Version int64
	}
	// Endpoint is one end of a connection.
	Endpoint struct {
		IP       netip.Prefix
		Port     int64
		IsPublic bool
	}
	// Network is what a packet is part of.
	Network struct {
		Source, Destination           Endpoint
		L3, L4, Size, Direction, Type int64
		Device                        string
	}
	// Socket is the other end of a connection, or the own one that is bound.
	Socket struct {
		Endpoint
		Family, Protocol int64
		Hostnames        []string
	}
	// Syscall has the arguments of a system call as they were written.
	Syscall struct {
		Path, DestinationPath, FSType string
		Flags, Mode, UID, GID, DirFD  int64
	}
	// Xattr is an extended attribute.
	Xattr struct{ Namespace, Name string }
	// Open is how a file was opened.
	Open struct{ Flags int64 }
	// Exit is how a process ended.
	Exit struct{ Cause, Code int64 }
	// Splice is what became of a pipe.
	Splice struct{ EntryFlag, ExitFlag int64 }
	// Mount is what was mounted where.
	Mount struct {
		FSType, MountpointPath, SourcePath, RootPath string
		Detached, Visible                            bool
	}
	// BPF is a BPF command, and its map or program.
	BPF struct {
		Cmd, MapType, ProgType, AttachType int64
		MapName, ProgName, ProgTag         string
		Helpers                            []int64
	}
	// Memory is what mmap or mprotect asked for.
	Memory struct {
		Protection, Flags, VMProtection, ReqProtection int64
	}
	// Module is a kernel module.
	Module struct {
		Name, Args       string
		Argv             []string
		Truncated, InRAM bool
	}
	// Identity is the user or the group that a process becomes.
	Identity struct {
		ID, Effective, FS           int64
		Name, EffectiveName, FSName string
	}
	// Capabilities are capabilities of a process, as bits.
	Capabilities struct{ Effective, Permitted, Attempted, Used int64 }
	// Signal is a signal and who gets it.
	Signal struct{ Type, PID int64 }
	// Ptrace is what a tracer asked for.
	Ptrace struct{ Request int64 }
	// SELinux is what was changed in SELinux.
	SELinux struct {
		BoolName, BoolState, Enforce string
		Commit                       bool
	}
	// DNS is a question and its answer.
	DNS struct {
		ID, Type, Class, Length, Count, Response int64
		Name                                     string
	}
	// IMDS is a request to the metadata service of a cloud.
	IMDS struct {
		Type, URL, Host, UserAgent, Server, Provider, Credentials string
		V2                                                        bool
	}
	// Packet is a raw packet.
	Packet struct {
		Filter string
		TLS    int64
	}
	// Flow is what a connection transferred.
	Flow struct {
		Source, Destination          Endpoint
		L3, L4                       int64
		IngressBytes, IngressPackets int64
		EgressBytes, EgressPackets   int64
		Device                       string
	}
	// CGroupWrite is the process that was moved.
	CGroupWrite struct{ PID int64 }
	// Prctl is what was changed of a process.
	Prctl struct {
		Option    int64
		Name      string
		Truncated bool
	}
	// Setsockopt is the option that was set.
	Setsockopt struct {
		Level, Option, Type, Family, Protocol int64
		FilterLength                          int64
		FilterInstructions, FilterHash        string
		UsedImmediates                        []int64
	}
	// Setrlimit is the limit that was set.
	Setrlimit struct{ Resource, Current, Max int64 }
	// Sysctl is a parameter of the kernel.
	Sysctl struct {
		Name, Value, OldValue string
		Action                int64
		Position              int64
		NameTruncated         bool
		ValueTruncated        bool
		OldTruncated          bool
	}
	// OnDemand is a hook that was asked for, and its arguments.
	OnDemand struct {
		Name string
		Str  [4]string
		Uint [4]int64
	}
)
