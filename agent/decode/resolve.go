package decode

import (
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nightjar/secl/event"
)

func clean(p string) string {
	if p == "" {
		return ""
	}
	return path.Clean(p)
}

// What a path means that ends in a symbolic link.
const (
	theLink  = false // the link itself
	followed = true  // the file that it leads to
)

// resolve sets a file from the path that was written, as it is now: links are
// followed, where the call did so, within the root of the process. Where the
// kernel has told of the file itself, it is not used. What is not there any more
// has the path as it was written, and is counted.
func (d *Decoder) resolve(e *event.Event, f *event.File, written string, follow bool) {
	f.SetPath(written)
	if written == "" {
		return
	}
	flags := uint64(unix.O_PATH | unix.O_CLOEXEC)
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, ok := d.openAs(e.Process, written, flags)
	if !ok {
		d.Unresolved++
		return
	}
	defer unix.Close(fd)
	var s unix.Stat_t
	if unix.Fstat(fd, &s) != nil {
		d.Unresolved++
		return
	}
	if at, ok := d.pathOf(e.Process, fd); ok {
		f.SetPath(at)
	}
	f.Inode, f.Mode, f.UID, f.GID = int64(s.Ino), int64(s.Mode), int64(s.Uid), int64(s.Gid)
	f.ModificationTime, f.ChangeTime = s.Mtim.Nano(), s.Ctim.Nano()
	f.User, f.Group = d.Cache.User(e.Process, s.Uid), d.Cache.Group(e.Process, s.Gid)
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) == nil {
		f.Filesystem = filesystems[int64(fs.Type)]
	}
}

// resolveFolder follows the links of the folder only: the last name is gone.
func (d *Decoder) resolveFolder(e *event.Event, f *event.File, written string) {
	f.SetPath(written)
	if written == "" || written[0] != '/' {
		return
	}
	fd, ok := d.openAs(e.Process, path.Dir(written), unix.O_PATH|unix.O_CLOEXEC)
	if !ok {
		d.Unresolved++
		return
	}
	defer unix.Close(fd)
	if at, ok := d.pathOf(e.Process, fd); ok {
		f.SetPath(path.Join(at, path.Base(written)))
	}
}

// openAs opens a path as a process sees it.
func (d *Decoder) openAs(p *event.Process, at string, flags uint64) (fd int, ok bool) {
	root := "/"
	if !d.Cache.Here(p) {
		root = "/proc/" + strconv.FormatInt(p.PID, 10) + "/root"
	}
	dir, err := unix.Open(root, unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(dir)
	fd, err = unix.Openat2(dir, strings.TrimPrefix(at, "/"), &unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	return fd, err == nil
}

// pathOf is the path of an open file, without links, in the mount namespace of
// the agent. For a process in another one it is not asked: the kernel would tell
// where its root is mounted.
func (d *Decoder) pathOf(p *event.Process, fd int) (string, bool) {
	if !d.Cache.Here(p) {
		return "", false
	}
	at, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	return at, err == nil && strings.HasPrefix(at, "/") && !strings.HasSuffix(at, " (deleted)")
}

// filesystems are the names of common magic numbers.
var filesystems = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.TMPFS_MAGIC: "tmpfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.PROC_SUPER_MAGIC: "proc", unix.SYSFS_MAGIC: "sysfs", unix.NFS_SUPER_MAGIC: "nfs",
	unix.RAMFS_MAGIC: "ramfs", unix.CGROUP2_SUPER_MAGIC: "cgroup2", unix.CGROUP_SUPER_MAGIC: "cgroup", unix.F2FS_SUPER_MAGIC: "f2fs",
	unix.FUSE_SUPER_MAGIC: "fuse", unix.SQUASHFS_MAGIC: "squashfs", unix.MSDOS_SUPER_MAGIC: "vfat", unix.BPF_FS_MAGIC: "bpf",
}
