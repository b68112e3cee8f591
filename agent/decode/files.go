package decode

import (
	"encoding/binary"
	"strings"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

func init() {
	register(map[string]fill{
		"open":        open,
		"chmod":       chmod,
		"chown":       chown,
		"utimes":      func(d *Decoder, e *event.Event, r bpf.Record) { d.existing(e, r) },
		"setxattr":    xattr,
		"removexattr": xattr,
		"mkdir":       mkdir,
		"rmdir":       removed,
		"unlink":      removed,
		"rename":      renamed,
		"link":        linked,
		"chdir": func(d *Decoder, e *event.Event, r bpf.Record) {
			d.file(e, &e.File, r, bpf.PartFile)
			e.Syscall.Path = r.Text(bpf.PartPath)
		},
		"splice": func(d *Decoder, e *event.Event, r bpf.Record) {
			d.file(e, &e.File, r, bpf.PartFile)
			e.Splice.EntryFlag, e.Splice.ExitFlag = int64(r.Num[3]), int64(r.Num[4])
		},
		"tracer_memfd_seal": func(d *Decoder, e *event.Event, r bpf.Record) {
			d.file(e, &e.File, r, bpf.PartFile)
			e.Memfd = int64(int32(r.Num[0]))
		},
	})
}

// file sets a file from what the kernel said of it, and reports whether it did.
func (d *Decoder) file(e *event.Event, f *event.File, r bpf.Record, part bpf.Part) bool {
	info, at := r.File(part)
	if info == nil {
		return false
	}
	d.Cache.File(e.Process, f, info, at)
	return true
}

// written is a path as it was written, made absolute.
func (d *Decoder) written(r bpf.Record, path, base bpf.Part) string {
	text := r.Text(path)
	if strings.HasPrefix(text, "/") {
		return clean(text)
	}
	_, folder := r.File(base)
	if folder == "" {
		return text
	}
	if text == "" {
		return folder // a descriptor and no path: it is the file itself
	}
	return clean(folder + "/" + text)
}

// existing sets the file of a call that has it as a descriptor or as a path.
func (d *Decoder) existing(e *event.Event, r bpf.Record) {
	e.Syscall.Path = r.Text(bpf.PartPath)
	if d.file(e, &e.File, r, bpf.PartFile) || e.Syscall.Path == "" && d.file(e, &e.File, r, bpf.PartBase) {
		return
	}
	follow := !strings.HasPrefix(call(r), "l")
	d.resolve(e, &e.File, d.written(r, bpf.PartPath, bpf.PartBase), follow)
}

func open(d *Decoder, e *event.Event, r bpf.Record) {
	e.Syscall.Path = r.Text(bpf.PartPath)
	if !d.file(e, &e.File, r, bpf.PartFile) {
		e.File.SetPath(d.written(r, bpf.PartPath, bpf.PartBase))
	}
	flags, mode := r.Num[1], r.Num[2]
	switch call(r) {
	case "openat":
		flags, mode = r.Num[2], r.Num[3]
	case "creat":
		const createWriteTruncate = 0o1101
		flags, mode = createWriteTruncate, r.Num[1]
	case "open_by_handle_at":
		flags, mode = r.Num[2], 0
	case "openat2":
		if how := r.Part(bpf.PartBytes); len(how) >= 16 {
			flags, mode = binary.NativeEndian.Uint64(how), binary.NativeEndian.Uint64(how[8:])
		}
	}
	const make = 0o100
	if flags&make == 0 {
		mode = 0
	}
	if r.Has(bpf.Uring) {
		flags, mode = r.Num[1], r.Num[2]
	}
	e.Open.Flags = int64(uint32(flags))
	e.Syscall.Flags, e.Syscall.Mode = e.Open.Flags, int64(uint32(mode))
	e.Destination.Mode = e.Syscall.Mode
}

func chmod(d *Decoder, e *event.Event, r bpf.Record) {
	d.existing(e, r)
	mode := r.Num[1]
	if strings.HasPrefix(call(r), "fchmodat") {
		mode = r.Num[2]
	}
	const rights = 0o7777
	e.Syscall.Mode = int64(mode & rights)
	e.Destination.Mode = e.Syscall.Mode
}

func chown(d *Decoder, e *event.Event, r bpf.Record) {
	d.existing(e, r)
	uid, gid := r.Num[1], r.Num[2]
	if call(r) == "fchownat" {
		uid, gid = r.Num[2], r.Num[3]
	}
	// -1 leaves it as it is.
	e.Syscall.UID, e.Syscall.GID = int64(int32(uid)), int64(int32(gid))
	e.Destination.UID, e.Destination.GID = e.Syscall.UID, e.Syscall.GID
	if e.Syscall.UID >= 0 {
		e.Destination.User = d.Cache.User(e.Process, uint32(uid))
	}
	if e.Syscall.GID >= 0 {
		e.Destination.Group = d.Cache.Group(e.Process, uint32(gid))
	}
}

func xattr(d *Decoder, e *event.Event, r bpf.Record) {
	d.existing(e, r)
	e.Xattr.Name = r.Text(bpf.PartText)
	e.Xattr.Namespace, _, _ = strings.Cut(e.Xattr.Name, ".")
}

func mkdir(d *Decoder, e *event.Event, r bpf.Record) {
	e.Syscall.Path = r.Text(bpf.PartPath)
	if _, at := r.File(bpf.PartFile); at != "" { // as the hook saw it, before it was made
		d.resolve(e, &e.File, at, theLink)
		e.File.SetPath(at)
	} else {
		d.resolve(e, &e.File, d.written(r, bpf.PartPath, bpf.PartBase), theLink)
	}
	mode := r.Num[1]
	if call(r) == "mkdirat" {
		mode = r.Num[2]
	}
	e.Syscall.Mode = int64(mode & 0xffff)
	e.Destination.Mode = e.Syscall.Mode
}

// removed sets the path of what is not there any more: the folder it was in can
// still be asked.
func removed(d *Decoder, e *event.Event, r bpf.Record) {
	e.Syscall.Path = r.Text(bpf.PartPath)
	if !d.file(e, &e.File, r, bpf.PartFile) {
		d.resolveFolder(e, &e.File, d.written(r, bpf.PartPath, bpf.PartBase))
	}
	if call(r) == "unlinkat" {
		e.Syscall.DirFD, e.Syscall.Flags = int64(int32(r.Num[0])), int64(uint32(r.Num[2]))
		e.UnlinkFlags = e.Syscall.Flags
	}
}

func renamed(d *Decoder, e *event.Event, r bpf.Record) {
	e.Syscall.Path, e.Syscall.DestinationPath = r.Text(bpf.PartPath), r.Text(bpf.PartPath2)
	if d.both(e, r) {
		return
	}
	d.resolveFolder(e, &e.File, d.written(r, bpf.PartPath, bpf.PartBase))
	d.resolve(e, &e.Destination, d.written(r, bpf.PartPath2, bpf.PartBase2), theLink)
	if r.Ret == 0 { // the inode is the same under both names
		from := e.File.Path
		e.File = e.Destination
		e.File.SetPath(from)
	}
}

// both sets the two names of a file from what LSM hooks saw, and reports whether
// they did. The second name had no inode then.
func (d *Decoder) both(e *event.Event, r bpf.Record) bool {
	if !d.file(e, &e.File, r, bpf.PartFile) || !d.file(e, &e.Destination, r, bpf.PartFile2) {
		return false
	}
	at := e.Destination.Path
	e.Destination = e.File
	e.Destination.SetPath(at)
	return true
}

func linked(d *Decoder, e *event.Event, r bpf.Record) {
	e.Syscall.Path, e.Syscall.DestinationPath = r.Text(bpf.PartPath), r.Text(bpf.PartPath2)
	if d.both(e, r) {
		return
	}
	const follow = 0x400 // AT_SYMLINK_FOLLOW
	d.resolve(e, &e.File, d.written(r, bpf.PartPath, bpf.PartBase), call(r) == "linkat" && r.Num[4]&follow != 0)
	d.resolve(e, &e.Destination, d.written(r, bpf.PartPath2, bpf.PartBase2), theLink)
}
