package decode

import (
	"path"

	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

// attempt is the process of the record of an exec that was denied.
func (d *Decoder) attempt(r bpf.Record) *event.Process {
	caller := d.Cache.Of(r)
	var program event.File
	info, at := r.File(bpf.PartFile)
	d.Cache.File(caller, &program, info, at)
	p := d.Cache.Attempt(caller, program)
	if typed := r.Text(bpf.PartPath); path.IsAbs(typed) && path.Clean(typed) != program.Path {
		p.SymlinkPath = path.Clean(typed)
		p.SymlinkName = path.Base(p.SymlinkPath)
	}
	return p
}

// Denied fills an event, which was reset before, from what was denied in user space: an
// exec or open of a file by a process.
func (d *Decoder) Denied(e *event.Event, kind string, boot uint64, pid uint32, at string, s *unix.Stat_t) {
	e.Process = d.Cache.Get(pid)
	if e.Process == nil {
		e.Process = &event.Process{PID: int64(pid), TID: int64(pid)}
		d.Cache.Stats.Unknown++
	}
	f := &e.File
	f.SetPath(at)
	f.Inode, f.Mode, f.UID, f.GID = int64(s.Ino), int64(s.Mode), int64(s.Uid), int64(s.Gid)
	f.ModificationTime, f.ChangeTime = s.Mtim.Nano(), s.Ctim.Nano()
	f.User, f.Group = d.Cache.User(e.Process, s.Uid), d.Cache.Group(e.Process, s.Gid)
	f.MountVisible = true
	if d.Cache.Here(e.Process) {
		d.Cache.Packages.Set(f)
	}
	if kind == "exec" {
		e.Process = d.Cache.Attempt(e.Process, *f)
	}
	d.about(e, kind, boot, -int64(unix.EPERM))
}
