package event

import (
	"errors"
	"path"
	"strings"
	"sync"

	"nightjar/secl"
)

// Model is the model of all events, made once.
var Model = sync.OnceValue(func() *secl.Model { return declared().Model })

// declared declares everything.
var declared = sync.OnceValue(func() *declarer {
	d := &declarer{secl.NewModel(), map[string]func(*Event, any) error{}}
	for _, e := range types {
		d.AddEvent(e)
	}
	declareConstants(d.Model)
	declareCommon(d)
	declareFiles(d)
	declareProcesses(d)
	declareNetwork(d)
	declareRest(d)
	declareWindows(d)
	declareAliases(d.Model)
	d.AddBuiltin(&secl.Var{Name: "process.pid", Read: func(c *secl.Context) int64 { return process(c.Event.(*Event), orNone).PID }})
	d.AddBuiltin(&secl.Var{Name: "builtins.uuid4", Read: func(*secl.Context) string { return uuid4() }})
	return d
})

// types are all types of events.
var types = func() []secl.EventType {
	var out []secl.EventType
	add := func(platform string, list ...string) {
		for _, line := range list {
			name, doc, _ := strings.Cut(line, ": ")
			out = append(out, secl.EventType{Name: name, Doc: doc, Platform: platform})
		}
	}
	add("linux",
		"accept: a connection was accepted", "bind: a socket was bound to an address", "bpf: a BPF command was run",
		"capabilities: a process used or tried to use capabilities", "capset: a process changed its capabilities",
		"cgroup_write: a process was moved to a cgroup", "chdir: a process changed its working directory",
		"chmod: the rights of a file were changed", "chown: the owner of a file was changed", "connect: a connection was made",
		"dns: a DNS request or response", "exec: a process executed a program", "exit: a process ended",
		"imds: a request to the metadata service of a cloud", "link: a hard link was made", "load_module: a kernel module was loaded",
		"login_uid_write: the user who logged in was changed", "mkdir: a directory was made", "mmap: memory was mapped",
		"mount: a file system was mounted", "mprotect: the rights of memory were changed",
		"network_flow_monitor: what a connection transferred", "ondemand: a hook that was asked for", "open: a file was opened",
		"packet: a raw packet", "prctl: a process changed its attributes", "ptrace: a process traced another",
		"removexattr: an extended attribute was removed", "rename: a file was renamed", "rmdir: a directory was removed",
		"selinux: SELinux was changed", "setgid: a process changed its group", "setrlimit: a limit of a process was changed",
		"setsockopt: an option of a socket was set", "setuid: a process changed its user", "setxattr: an extended attribute was set",
		"signal: a signal was sent", "splice: a pipe was spliced", "sysctl: a parameter of the kernel was read or written",
		"tracer_memfd_seal: a tracer sealed its memory file", "unlink: a file was removed", "unload_module: a kernel module was removed",
		"utimes: the times of a file were changed")
	add("windows",
		"create: a file was created", "write: a file was written", "fim.write: a watched file was written",
		"create_key: a registry key was created", "open_key: a registry key was opened", "delete_key: a registry key was deleted",
		"set: a registry value was set", "delete: a file was deleted", "change_permission: the rights of an object were changed")
	return out
}()

var emptyProcess Process

// What a part of an event is that the event does not have.
const (
	orNone = false // an empty one, which the event does not get
	orNew  = true  // a new one, which it gets
)

func process(e *Event, fresh bool) *Process { return present(&e.Process, fresh) }
func target(e *Event, fresh bool) *Process  { return present(&e.Target, fresh) }
func parentOf(of func(*Event, bool) *Process) func(*Event, bool) *Process {
	return func(e *Event, fresh bool) *Process { return present(&of(e, fresh).Parent, fresh) }
}

func present(p **Process, fresh bool) *Process {
	switch {
	case *p != nil:
		return *p
	case fresh:
		*p = &Process{}
		return *p
	}
	return &emptyProcess
}

func self(e *Event, _ bool) *Event { return e }

func declareCommon(d *declarer) {
	ev := block[Event]{prefix: "event.", stored: "evt.", at: self}
	field(d, ev, "async", func(e *Event) *bool { return &e.Async })
	field(d, ev, "hostname", func(e *Event) *string { return &e.Hostname })
	field(d, ev, "origin", func(e *Event) *string { return &e.Origin }, doc("ebpf, or ebpfless"))
	field(d, ev, "os", func(e *Event) *string { return &e.OS })
	field(d, ev, "service", func(e *Event) *string { return &e.Service })
	field(d, ev, "source", func(e *Event) *string { return &e.Source }, doc("runtime, or snapshot"))
	field(d, ev, "timestamp", func(e *Event) *int64 { return &e.Timestamp }, doc("ns since 1970"))
	field(d, ev, "rule.tags", func(e *Event) *[]string { return &e.RuleTags })

	c := block[Container]{prefix: "container.", at: func(e *Event, _ bool) *Container { return &e.Container }}
	field(d, c, "id", func(c *Container) *string { return &c.ID })
	field(d, c, "runtime", func(c *Container) *string { return &c.Runtime })
	field(d, c, "created_at", func(c *Container) *int64 { return &c.CreatedAt }, doc("ns since 1970"))
	field(d, c, "tags", func(c *Container) *[]string { return &c.Tags })

	cgroupFields(d, block[CGroup]{prefix: "cgroup.", at: func(e *Event, _ bool) *CGroup { return &e.CGroup }})
}

func cgroupFields(d *declarer, b block[CGroup]) {
	field(d, b, "id", func(c *CGroup) *string { return &c.ID })
	field(d, b, "manager", func(c *CGroup) *string { return &c.Manager })
	field(d, b, "version", func(c *CGroup) *int64 { return &c.Version })
	field(d, b, "file.inode", func(c *CGroup) *int64 { return &c.Inode })
	field(d, b, "file.mount_id", func(c *CGroup) *int64 { return &c.MountID })
}

func declareProcesses(d *declarer) {
	process4 := func(prefix, event string, at func(*Event, bool) *Process, chain int) {
		stored := ""
		if chain < 0 {
			stored = "process." // it is the process of the event by another name
		}
		processFields(d, block[Process]{prefix: prefix, stored: stored, event: event, at: at})
		if chain < 0 {
			return
		}
		processFields(d, block[Process]{prefix: prefix + "parent.", event: event, at: parentOf(at), others: true})
		it := &secl.Iterator{Name: prefix + "ancestors", Len: func(c *secl.Context) int {
			e := c.Event.(*Event)
			return len(e.ancestors[chain].update(*chainStart(e, chain)))
		}}
		d.AddIterator(it, event)
		processFields(d, block[Process]{
			prefix: prefix + "ancestors.", event: event, iterator: it, others: true,
			each: func(e *Event, i int) *Process {
				if list := e.ancestors[chain].update(*chainStart(e, chain)); i < len(list) {
					return list[i]
				}
				return &emptyProcess
			},
		})
	}
	process4("process.", "", process, 0)
	process4("exec.", "exec", process, -1)
	process4("exit.", "exit", process, -1)
	process4("ptrace.tracee.", "ptrace", target, 1)
	process4("signal.target.", "signal", target, 1)
	process4("setrlimit.target.", "setrlimit", target, 1)
}

func chainStart(e *Event, chain int) **Process {
	if chain == 0 {
		return &e.Process
	}
	return &e.Target
}

func processFields(d *declarer, b block[Process]) {
	for name, at := range map[string]func(*Process) *int64{
		"pid": func(p *Process) *int64 { return &p.PID }, "tid": func(p *Process) *int64 { return &p.TID },
		"ppid": func(p *Process) *int64 { return &p.PPID }, "uid": func(p *Process) *int64 { return &p.UID },
		"gid": func(p *Process) *int64 { return &p.GID }, "euid": func(p *Process) *int64 { return &p.EUID },
		"egid": func(p *Process) *int64 { return &p.EGID }, "fsuid": func(p *Process) *int64 { return &p.FSUID },
		"fsgid": func(p *Process) *int64 { return &p.FSGID }, "auid": func(p *Process) *int64 { return &p.AUID },
		"mntns": func(p *Process) *int64 { return &p.MountNS }, "netns": func(p *Process) *int64 { return &p.NetNS },
		"user_session.id": func(p *Process) *int64 { return &p.Session },
	} {
		field(d, b, name, at)
	}
	field(d, b, "created_at", func(p *Process) *int64 { return &p.CreatedAt }, doc("ns since 1970"))
	for name, at := range map[string]func(*Process) *int64{
		"cap_effective": func(p *Process) *int64 { return &p.CapEffective }, "cap_permitted": func(p *Process) *int64 { return &p.CapPermitted },
		"caps_attempted": func(p *Process) *int64 { return &p.CapsAttempted }, "caps_used": func(p *Process) *int64 { return &p.CapsUsed },
	} {
		field(d, b, name, at, family("capabilities"))
	}
	for name, at := range map[string]func(*Process) *string{
		"comm": func(p *Process) *string { return &p.Comm }, "tty_name": func(p *Process) *string { return &p.TTY },
		"argv0": func(p *Process) *string { return &p.Argv0 },
		"user":  func(p *Process) *string { return &p.User }, "group": func(p *Process) *string { return &p.Group },
		"euser": func(p *Process) *string { return &p.EUser }, "egroup": func(p *Process) *string { return &p.EGroup },
		"fsuser": func(p *Process) *string { return &p.FSUser }, "fsgroup": func(p *Process) *string { return &p.FSGroup },
		"container.id":              func(p *Process) *string { return &p.Container },
		"user_session.k8s_username": func(p *Process) *string { return &p.K8sUser }, "user_session.k8s_uid": func(p *Process) *string { return &p.K8sUID },
		"user_session.session_type": func(p *Process) *string { return &p.SessionType },
	} {
		field(d, b, name, at)
	}
	field(d, b, "args", func(p *Process) *string { return &p.Args }, doc("the arguments after argv0, joined with spaces"))
	for name, at := range map[string]func(*Process) *[]string{
		"argv": func(p *Process) *[]string { return &p.Argv }, "args_flags": func(p *Process) *[]string { return &p.ArgsFlags },
		"args_options": func(p *Process) *[]string { return &p.ArgsOptions }, "envs": func(p *Process) *[]string { return &p.Envs },
		"user_session.k8s_groups": func(p *Process) *[]string { return &p.K8sGroups },
	} {
		field(d, b, name, at)
	}
	field(d, b, "envp", func(p *Process) *[]string { return &p.Envp }, secret, doc("name=value; not stored, since values may be secrets"))
	for name, at := range map[string]func(*Process) *bool{
		"args_truncated": func(p *Process) *bool { return &p.ArgsTruncated }, "envs_truncated": func(p *Process) *bool { return &p.EnvsTruncated },
		"is_kworker": func(p *Process) *bool { return &p.IsKworker }, "is_thread": func(p *Process) *bool { return &p.IsThread },
		"is_exec": func(p *Process) *bool { return &p.IsExec },
	} {
		field(d, b, name, at)
	}
	cgroupFields(d, within(b, "cgroup.", func(p *Process) *CGroup { return &p.CGroup }))
	fileFields(d, within(b, "file.", func(p *Process) *File { return &p.File }), symlinks(b)...)
	fileFields(d, within(b, "interpreter.file.", func(p *Process) *File { return &p.Interpreter }))
}

// symlinks make a process's file answer to the link by which it was called.
func symlinks(b block[Process]) []option {
	if b.prefix != "process." && b.prefix != "exec." {
		return nil
	}
	at := b.at
	return []option{func(f *secl.Field) {
		switch f.Name {
		case b.prefix + "file.path":
			f.Also = append(f.Also, func(c *secl.Context) string { return at(c.Event.(*Event), orNone).SymlinkPath })
		case b.prefix + "file.name":
			f.Also = append(f.Also, func(c *secl.Context) string { return at(c.Event.(*Event), orNone).SymlinkName })
		}
	}}
}

func fileFields(d *declarer, b block[File], more ...option) {
	field(d, b, "path", func(f *File) *string { return &f.Path }, append([]option{isPath}, more...)...)
	field(d, b, "name", func(f *File) *string { return &f.Name }, append([]option{measured}, more...)...)
	for name, at := range map[string]func(*File) *string{
		"filesystem": func(f *File) *string { return &f.Filesystem }, "extension": func(f *File) *string { return &f.Extension },
		"user": func(f *File) *string { return &f.User }, "group": func(f *File) *string { return &f.Group },
		"package.name": func(f *File) *string { return &f.PackageName }, "package.version": func(f *File) *string { return &f.PackageVersion },
		"package.source_version": func(f *File) *string { return &f.PackageSource },
	} {
		field(d, b, name, at)
	}
	for name, at := range map[string]func(*File) *int64{
		"uid": func(f *File) *int64 { return &f.UID }, "gid": func(f *File) *int64 { return &f.GID },
		"inode": func(f *File) *int64 { return &f.Inode }, "mount_id": func(f *File) *int64 { return &f.MountID },
		"change_time": func(f *File) *int64 { return &f.ChangeTime }, "modification_time": func(f *File) *int64 { return &f.ModificationTime },
	} {
		field(d, b, name, at)
	}
	field(d, b, "mode", func(f *File) *int64 { return &f.Mode }, family("file modes"), doc("rights and kind"))
	rightsField(d, b)
	for name, at := range map[string]func(*File) *bool{
		"in_upper_layer": func(f *File) *bool { return &f.InUpperLayer }, "mount_visible": func(f *File) *bool { return &f.MountVisible },
		"mount_detached": func(f *File) *bool { return &f.MountDetached },
	} {
		field(d, b, name, at)
	}
	field(d, b, "hashes", func(f *File) *[]string { return &f.Hashes }, doc("algorithm:hex"))
}

// rightsField declares the part of the mode that chmod changes.
func rightsField(d *declarer, b block[File]) {
	const rights = 0o7777
	f := secl.Field{Name: b.prefix + "rights", Event: b.event, Iterator: b.iterator, Constants: "file modes", Doc: "the mode without the kind"}
	if each := b.each; each != nil {
		f.Read = func(c *secl.Context, i int) int64 { return each(c.Event.(*Event), i).Mode & rights }
	} else {
		at := b.at
		f.Read = func(c *secl.Context) int64 { return at(c.Event.(*Event), orNone).Mode & rights }
		d.set[f.Name] = func(e *Event, v any) error {
			n, err := integer(v)
			file := at(e, orNew)
			file.Mode = file.Mode&^rights | n&rights
			return err
		}
	}
	d.AddField(f)
}

// The limits of what a path can be in a condition.
const (
	maxPathDepth     = 1363
	maxSegmentLength = 255
)

// checkPath says why a path can't be compared with a value.
func checkPath(v secl.Value) error {
	p := v.Text
	switch {
	case v.Form == secl.Regexp:
		return errors.New("regular expressions can't be used on paths; write a pattern")
	case p == "":
		return nil
	case p == "*":
		return errors.New("the pattern * is not a path; for any path write **")
	case strings.HasPrefix(p, "~"):
		return errors.New("~ is not expanded in a path; write the folder")
	case p[0] != '/' && p[0] != '*':
		return errors.New("a path begins with / or *")
	case path.Clean(p) != p:
		return errors.New("a path has no //, no /./, no .. and no / at the end; write " + path.Clean(p))
	}
	depth := 0
	for segment := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		if depth++; segment == ".." || len(segment) > maxSegmentLength || depth > maxPathDepth {
			return errors.New("a path has no .., at most 255 bytes between slashes and at most 1363 of them")
		}
	}
	return nil
}
