package process

import (
	"bytes"
	"path"
	"strings"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

// credentials are what of a record tells whether its names must be looked up
// again.
type credentials struct {
	uid, gid, euid, egid, fsuid, fsgid, mntns uint32
	cgroup                                    uint64
	hierarchy                                 uint32
	known                                     bool
}

// refresh brings up to date what a process may change without executing.
func (c *Cache) refresh(e *entry, r bpf.Record) {
	w, p := &r.Who, e.Process
	p.TID, p.PPID = int64(w.Tid), int64(w.Ppid)
	p.AUID, p.Session = int64(w.Auid), int64(w.Session)
	p.CapEffective, p.CapPermitted = int64(w.CapEffective), int64(w.CapPermitted)
	p.MountNS, p.NetNS = int64(w.Mntns), int64(w.Netns)
	e.ns, e.nspid = w.Pidns, w.Nspid
	if comm := r.Comm(); p.Comm != comm && (w.Tid == w.Pid || p.Comm == "") {
		p.Comm = comm
	}
	now := credentials{w.Uid, w.Gid, w.Euid, w.Egid, w.Fsuid, w.Fsgid, w.Mntns, w.Cgroup, w.Hierarchy, true}
	if now == e.creds {
		return
	}
	if now.cgroup != e.creds.cgroup || now.hierarchy != e.creds.hierarchy || !e.creds.known {
		c.setCGroup(p, w.Cgroup, w.Hierarchy)
		if !e.gone && c.living[uint32(e.PID)] == e {
			c.count(e, p.Container)
		}
	}
	e.creds = now
	p.UID, p.GID, p.EUID, p.EGID = int64(w.Uid), int64(w.Gid), int64(w.Euid), int64(w.Egid)
	p.FSUID, p.FSGID = int64(w.Fsuid), int64(w.Fsgid)
	in := c.users.of(w.Mntns, w.Pid)
	p.User, p.EUser, p.FSUser = in.user(w.Uid), in.user(w.Euid), in.user(w.Fsuid)
	p.Group, p.EGroup, p.FSGroup = in.group(w.Gid), in.group(w.Egid), in.group(w.Fsgid)
}

// User is the name of a user where a process lives; empty if it has none.
func (c *Cache) User(p *event.Process, id uint32) string {
	return c.users.of(uint32(p.MountNS), uint32(p.PID)).user(id)
}

// Group is the name of a group where a process lives; empty if it has none.
func (c *Cache) Group(p *event.Process, id uint32) string {
	return c.users.of(uint32(p.MountNS), uint32(p.PID)).group(id)
}

func (c *Cache) setCGroup(p *event.Process, id uint64, hierarchy uint32) {
	g := c.CGroups.of(id, hierarchy, uint32(p.PID))
	p.CGroup = g.CGroup
	p.Container = g.Container.ID
}

// setExec sets what a process executes.
func (c *Cache) setExec(e *entry, r bpf.Record) {
	p := e.Process
	info, at := r.File(bpf.PartFile)
	c.File(p, &p.File, info, at)
	if _, folder := r.File(bpf.PartBase); folder != "" {
		e.Folder = folder
	}
	typed := r.Text(bpf.PartPath)
	if typed != "" && !path.IsAbs(typed) {
		typed = path.Join(e.Folder, typed)
	}
	p.TTY = r.Text(bpf.PartTTY)
	switch {
	case r.Kind() != bpf.Exec:
	case r.Num[4] != 0: // what was called is a script, and the file its interpreter
		p.Interpreter = p.File
		p.File = event.File{}
		p.File.SetPath(path.Clean(typed))
		c.lookUp(p, &p.File)
	case typed != "" && path.Clean(typed) != p.File.Path && !strings.HasPrefix(typed, "/dev/fd/"):
		p.SymlinkPath = path.Clean(typed)
		p.SymlinkName = path.Base(p.SymlinkPath)
	}
}

// Attempt is the process that a program would have been that was not executed: what its
// caller is, with the program as its file. Its arguments are not known.
func (c *Cache) Attempt(caller *event.Process, program event.File) *event.Process {
	p := *caller
	if caller.IsExec {
		p.Parent = caller
	}
	p.File, p.Interpreter, p.IsExec, p.IsThread = program, event.File{}, true, false
	p.SymlinkPath, p.SymlinkName = "", ""
	p.Argv, p.Argv0, p.Args, p.ArgsFlags, p.ArgsOptions, p.ArgsTruncated = nil, "", "", nil, nil, true
	return &p
}

// File sets a file from what the kernel said of it.
func (c *Cache) File(p *event.Process, f *event.File, info *bpf.FileInfo, at string) {
	if info == nil {
		return
	}
	f.SetPath(at)
	f.UID, f.GID, f.Inode, f.MountID = int64(info.Uid), int64(info.Gid), int64(info.Inode), int64(info.Mount)
	f.Mode, f.Filesystem = int64(info.Mode), bpf.FileSystem(info)
	f.ChangeTime, f.ModificationTime = info.Ctime, info.Mtime
	f.MountDetached = info.Pad != 0
	f.MountVisible = info.Pad == 0
	in := c.users.of(uint32(p.MountNS), uint32(p.PID))
	f.User, f.Group = in.user(info.Uid), in.group(info.Gid)
	if c.Here(p) {
		c.Packages.Set(f)
	}
}

// pieces are arguments and environment that were too long for one record.
type pieces struct {
	start uint64
	next  uint64
	data  []byte
	holes bool
}

// Piece keeps a piece until the record of its exec comes.
func (c *Cache) Piece(r bpf.Record) {
	p := c.pending[r.Who.Tid]
	if p == nil || r.Num[0] == 0 || p.start != r.Who.Start {
		p = &pieces{start: r.Who.Start}
		c.pending[r.Who.Tid] = p
	}
	p.holes = p.holes || p.next != r.Num[0] || r.Has(bpf.Fault)
	p.next = r.Num[0] + 1
	if !p.holes {
		p.data = append(p.data, r.Part(bpf.PartArgs)...)
	}
	const most = 64 // of 256 KiB each: execs whose record was lost
	if len(c.pending) > most {
		clear(c.pending)
		c.Stats.PiecesLost++
	}
}

// setArguments sets arguments and environment of what was executed. What is not
// there whole is marked as cut, and counted where a piece was lost.
func (c *Cache) setArguments(e *entry, r bpf.Record) {
	data := r.Part(bpf.PartArgs)
	if p := c.pending[r.Who.Tid]; p != nil {
		delete(c.pending, r.Who.Tid)
		if p.start == r.Who.Start && data == nil {
			data = p.data
			if p.holes {
				c.Stats.PiecesLost++
			}
		}
	}
	args, size := min(r.Num[0], uint64(len(data))), min(r.Num[1], uint64(len(data)))
	p := e.Process
	p.ArgsTruncated, p.EnvsTruncated = args < r.Num[0], size < r.Num[1]
	setTexts(p, data[:args], data[args:size])
}

// setTexts sets the arguments and the environment from texts with a zero after
// each.
func setTexts(p *event.Process, args, envs []byte) {
	p.SetArgv(split(args))
	p.Envp = split(envs)
	p.Envs = make([]string, 0, len(p.Envp))
	for _, e := range p.Envp {
		name, _, _ := strings.Cut(e, "=")
		if valued[name] {
			name = e
		}
		p.Envs = append(p.Envs, name)
	}
}

// valued are the variables of which the value matters, because the loader of
// programs obeys it.
var valued = map[string]bool{"LD_PRELOAD": true, "LD_LIBRARY_PATH": true, "LD_AUDIT": true, "PATH": true, "HISTSIZE": true, "HISTFILESIZE": true, "GLIBC_TUNABLES": true}

func split(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	all := string(bytes.TrimSuffix(b, []byte{0}))
	return strings.Split(all, "\x00")
}

// Service is what DD_SERVICE says.
func Service(p *event.Process) string {
	for _, e := range p.Envp {
		if s, ok := strings.CutPrefix(e, "DD_SERVICE="); ok {
			return s
		}
	}
	return ""
}
