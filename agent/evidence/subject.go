package evidence

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nightjar/secl/event"
)

// living is a process, held by its folder in /proc: what is opened in it is that
// process's, or fails when it has ended, whoever has its pid by then.
type living struct {
	dir int
	pid uint32
}

// ticks is how many parts of a second /proc counts in.
const ticks = 100

// hold finds a process by its pid and its start, in ns since boot.
func hold(pid uint32, start uint64) (*living, error) {
	dir, err := unix.Open("/proc/"+strconv.Itoa(int(pid)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, ErrEnded
	}
	p := &living{dir: dir, pid: pid}
	const ns = 1_000_000_000 / ticks
	if began, err := p.began(); err != nil || began != start/ns {
		p.close()
		return nil, ErrEnded
	}
	return p, nil
}

func (p *living) close() { _ = unix.Close(p.dir) }

// open opens a file of the process's folder.
func (p *living) open(name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(p.dir, name, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s of process %d: %w", name, p.pid, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// read reads a small file of the process's folder.
func (p *living) read(name string) ([]byte, error) {
	f, err := p.open(name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := io.ReadAll(io.LimitReader(f, maxRead+1))
	if err == nil && len(out) > maxRead {
		err = fmt.Errorf("%w: %s of process %d", ErrTooLarge, name, p.pid)
	}
	return out, err
}

// maxRead bounds what is read of a file of a process's folder, in bytes: that of tens of
// thousands of mappings.
const maxRead = 32 << 20

// began is when the process began, in ticks since boot.
func (p *living) began() (uint64, error) {
	stat, err := p.read("stat")
	if err != nil {
		return 0, err
	}
	const at = 19 // in what follows the name
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= at {
		return 0, ErrEnded
	}
	return strconv.ParseUint(fields[at], 10, 64)
}

// place is where a process sees files: its root.
type place struct {
	pid   uint32
	start uint64
}

// subject is a file that an event is about, and where to look for it.
type subject struct {
	file    event.File
	program bool    // the process executes it
	places  []place // of the process first, then of those that see the same files
	here    bool    // the agent sees the same files as well
}

// newSubject says where a file of an event is. The event is not kept.
func newSubject(e *event.Event, f *event.File, program bool, ownNamespace int64) subject {
	s := subject{file: *f, program: program}
	s.file.Hashes = nil
	const most = 8 // of the ancestors are asked
	for p := e.Process; p != nil && len(s.places) < most; p = p.Parent {
		if p.MountNS == e.Process.MountNS {
			s.places = append(s.places, place{uint32(p.PID), p.Key})
		}
	}
	s.here = e.Process != nil && (e.Process.MountNS == ownNamespace || e.Process.MountNS == 0)
	return s
}

// How sure it is that a file is the one that an event is about.
type likeness uint8

const (
	otherFile likeness = iota
	changed            // the same inode, whose times are not those it had
	same
)

// likenessOf compares a file with what an event says of its own. Where the event
// does not know the file (a script, a file that was only named), it is taken for the same.
func likenessOf(f *event.File, s *unix.Stat_t) likeness {
	if f.Inode == 0 {
		return same
	}
	sameTimes := f.ModificationTime == s.Mtim.Nano() && f.ChangeTime == s.Ctim.Nano()
	switch {
	case sameTimes && (f.Inode == int64(s.Ino) || f.Filesystem == "overlay"): // which may number its files anew
		return same
	case f.Inode == int64(s.Ino):
		return changed
	}
	return otherFile
}

// open opens the file for reading; the caller closes it.
func (s *subject) open() (*os.File, likeness, error) {
	if mayHang(s.file.Filesystem) {
		return nil, otherFile, fmt.Errorf("%w: it is on %s, which may never answer", ErrNotAFile, s.file.Filesystem)
	}
	best, how, err := s.find()
	if err != nil {
		return nil, otherFile, err
	}
	defer best.Close()
	if err := keepsFiles(best); err != nil {
		return nil, otherFile, err
	}
	f, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(int(best.Fd())), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOATIME|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, otherFile, fmt.Errorf("open the file: %w", err)
	}
	return f, how, nil
}

// find finds the file without opening it: the same one if it is anywhere, else one that
// has changed.
func (s *subject) find() (*os.File, likeness, error) {
	var best *os.File
	how, seen := otherFile, false
	try := func(f *os.File, err error) bool {
		if err != nil {
			return false
		}
		seen = true
		var stat unix.Stat_t
		if unix.Fstat(int(f.Fd()), &stat) == nil {
			if found := likenessOf(&s.file, &stat); found > how {
				f, best, how = best, f, found
			}
		}
		if f != nil {
			_ = f.Close()
		}
		return how == same
	}
	for i, at := range s.places {
		p, err := hold(at.pid, at.start)
		if err != nil {
			continue
		}
		found := i == 0 && s.program && try(p.open("exe", unix.O_PATH)) ||
			try(under(p, s.file.Path, s.links())) || i == 0 && p.descriptors(try)
		p.close()
		if found {
			break
		}
	}
	if how != same && s.here {
		try(under(nil, s.file.Path, s.links()))
	}
	switch {
	case best != nil:
		return best, how, nil
	case seen:
		return nil, how, ErrOther
	}
	return nil, how, ErrGone
}

// links says what becomes of a link at the end of the path: a script has the path that it
// was called by, and is told by its inode. Without an inode to tell it by, a link would
// lead to any file.
func (s *subject) links() uint64 {
	if s.file.Inode == 0 {
		return unix.O_NOFOLLOW
	}
	return 0
}

// under finds a path as a process sees it, or the agent if it is nil. Links are not
// followed out of its root.
func under(p *living, path string, links uint64) (*os.File, error) {
	root, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if p != nil {
		_ = unix.Close(root)
		root, err = unix.Openat(p.dir, "root", unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, strings.TrimPrefix(path, "/"), &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC | links, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// descriptors tries what the process has open, until try says that it is found: a file
// without a name is still there.
func (p *living) descriptors(try func(*os.File, error) bool) bool {
	dir, err := p.open("fd", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return false
	}
	defer dir.Close()
	const most = 1024
	names, _ := dir.Readdirnames(most)
	for _, name := range names {
		fd, err := unix.Openat(int(dir.Fd()), name, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err == nil && try(os.NewFile(uintptr(fd), name), nil) {
			return true
		}
	}
	return false
}

// mayHang reports whether a file system is one that somebody else answers for, who may
// not.
func mayHang(name string) bool {
	switch name {
	case "nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "virtiofs", "lustre", "gpfs", "ocfs2", "gfs2", "autofs":
		return true
	}
	return strings.HasPrefix(name, "fuse")
}

// withoutFiles are file systems in which reading does something, or waits, or never ends.
var withoutFiles = map[int64]bool{
	unix.PROC_SUPER_MAGIC: true, unix.SYSFS_MAGIC: true, unix.DEBUGFS_MAGIC: true, unix.TRACEFS_MAGIC: true, unix.SECURITYFS_MAGIC: true,
	unix.BPF_FS_MAGIC: true, unix.CGROUP_SUPER_MAGIC: true, unix.CGROUP2_SUPER_MAGIC: true, unix.SELINUX_MAGIC: true, unix.SMACK_MAGIC: true,
	unix.PSTOREFS_MAGIC: true, unix.EFIVARFS_MAGIC: true, unix.DEVPTS_SUPER_MAGIC: true, unix.NFS_SUPER_MAGIC: true, unix.FUSE_SUPER_MAGIC: true,
	unix.SMB_SUPER_MAGIC: true, unix.SMB2_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true, unix.V9FS_MAGIC: true, unix.AFS_SUPER_MAGIC: true, unix.CEPH_SUPER_MAGIC: true,
	unix.BINFMTFS_MAGIC: true, unix.RDTGROUP_SUPER_MAGIC: true, unix.SOCKFS_MAGIC: true, unix.PIPEFS_MAGIC: true, unix.AUTOFS_SUPER_MAGIC: true,
}

// keepsFiles says why a file that was found, but not opened, must not be read.
func keepsFiles(f *os.File) error {
	var s unix.Stat_t
	var fs unix.Statfs_t
	fd := int(f.Fd())
	if err := unix.Fstat(fd, &s); err != nil {
		return err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFREG {
		return ErrNotAFile
	}
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return err
	}
	if withoutFiles[fs.Type] {
		return ErrNotAFile
	}
	return nil
}
