package respond

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/process"
)

// Why a group is not signalled.
var (
	errRoot        = errors.New("it is in the root cgroup, which is the whole host")
	errNoContainer = errors.New("it is in no container")
	errNoGroup     = errors.New("its cgroup is gone")
)

// signalGroup signals every process of the cgroup or container of a target. Where there
// is no such group, or it is the whole host, the process alone is signalled, and the
// report says so. fd is the target's pidfd, or err why it has none.
func (k *Killer) signalGroup(r *Report, t Target, s unix.Signal, fd int, err error) {
	folder, why := groupFolder(t, r.Scope)
	if why != nil {
		k.signalAlone(r, t, s, fd, err, why)
		return
	}
	var failed error
	if err == nil && k.send(fd, t.PID, s) == nil { // it may have left the group meanwhile
		r.Killed, r.KilledAt = []int{t.PID}, time.Now()
	}
	killed, spared, failed := k.signalFolder(folder, s, r.Killed)
	r.Killed, r.Spared = killed, spared
	if len(r.Killed) > 0 && r.KilledAt.IsZero() {
		r.KilledAt = time.Now()
	}
	switch {
	case len(r.Killed) == 0 && failed != nil:
		r.fail(failed)
	case len(r.Killed) == 0 && len(r.Spared) > 0:
		r.Status, r.Error = Aborted, "all that are left of it are protected"
	case len(r.Killed) == 0:
		r.Status, r.Error = Aborted, errGone.Error()
	case failed != nil:
		r.Status, r.Error = PartiallyPerformed, failed.Error()
	case len(r.Spared) > 0:
		r.Status, r.Error = PartiallyPerformed, fmt.Sprintf("%d of its processes are protected", len(r.Spared))
	default:
		r.Status = Performed
	}
}

func (k *Killer) signalAlone(r *Report, t Target, s unix.Signal, fd int, err, why error) {
	if err == nil {
		err = k.send(fd, t.PID, s)
		r.KilledAt = time.Now()
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.Status, r.Note, r.Scope = Performed, why.Error()+": only the process was signalled", ScopeProcess
}

// maxRounds bounds how often a group is looked at for processes that began meanwhile.
const maxRounds = 10

// signalFolder signals every process below a folder of cgroups but those that were
// already, SIGKILL until no further ones appear there, and until somebody turns the
// switch.
func (k *Killer) signalFolder(folder string, s unix.Signal, already []int) (killed []int, spared []string, err error) {
	done := map[birth]bool{}
	for _, pid := range already {
		if stat, err := process.StatOf(pid); err == nil {
			done[birth{int64(pid), stat.Start}] = true
		}
	}
	killed = already
	for round := 0; ; round++ {
		found := false
		for together := range slices.Chunk(pidsIn(folder), manyPidfds) {
			if why := k.off.Disarmed(); why != "" {
				return killed, spared, errors.New(why)
			}
			found = k.signalMembers(folder, together, s, done, func(pid int, why string, failed error) {
				switch {
				case why != "":
					spared = append(spared, fmt.Sprintf("%d: %s", pid, why))
				case failed == nil:
					killed = append(killed, pid)
				case failed != nil && !errors.Is(failed, errGone) && !errors.Is(failed, unix.ESRCH):
					err = fmt.Errorf("signal process %d: %w", pid, failed)
				}
			}) || found
		}
		if !found || s != unix.SIGKILL {
			return killed, spared, err
		}
		if round == maxRounds {
			return killed, spared, fmt.Errorf("processes still begin there, after %d were killed", len(killed))
		}
	}
}

// manyPidfds is how many processes are held at once: each takes a descriptor.
const manyPidfds = 256

// signalMembers signals those of some processes that are in the group while their pidfds
// are held, so that a pid that was reused since the group was listed is not hit. Whom it
// comes by the first time it tells of, and whether there was anybody: why a process is
// spared, if it is protected.
func (k *Killer) signalMembers(folder string, pids []int, s unix.Signal, done map[birth]bool, tell func(pid int, spared string, err error)) (found bool) {
	held := map[int]int{}
	for _, pid := range pids {
		stat, gone := process.StatOf(pid)
		key := birth{int64(pid), stat.Start}
		if gone != nil || done[key] || process.LivingThread(pid, stat) == "" {
			continue
		}
		done[key], found = true, true
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			held[pid] = fd
		} else if !errors.Is(err, unix.ESRCH) {
			tell(pid, "", err)
		}
	}
	if len(held) == 0 {
		return found
	}
	for _, pid := range pidsIn(folder) { // still
		fd, ok := held[pid]
		if !ok {
			continue
		}
		if why, ok := k.protected.Live(pid); ok {
			tell(pid, why, nil)
		} else {
			tell(pid, "", k.send(fd, pid, s))
		}
	}
	for _, fd := range held {
		_ = unix.Close(fd)
	}
	return found
}

// pidsIn are the processes of a cgroup and of those below it.
func pidsIn(folder string) []int {
	var out []int
	seen := map[int]bool{}
	_ = filepath.WalkDir(folder, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		text, _ := os.ReadFile(at + "/cgroup.procs")
		for line := range strings.Lines(string(text)) {
			if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 && !seen[pid] {
				seen[pid] = true
				out = append(out, pid)
			}
		}
		return nil
	})
	return out
}

// groupFolder finds the folder of the cgroup, or of the container, that a target is in.
func groupFolder(t Target, scope string) (string, error) {
	at := path.Clean("/" + t.CGroup.Path)
	if scope == ScopeContainer {
		for !process.InContainer(at) || process.InContainer(path.Dir(at)) {
			if at == "/" {
				return "", errNoContainer
			}
			at = path.Dir(at)
		}
	}
	if at == "/" {
		return "", errRoot
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		const point, kind = 1, 2
		f := strings.Fields(line)
		if len(f) <= kind || f[kind] != "cgroup2" && f[kind] != "cgroup" {
			continue
		}
		// The inode tells the hierarchy, and that the cgroup is not a later one of its name.
		var s syscall.Stat_t
		if syscall.Stat(f[point]+path.Clean("/"+t.CGroup.Path), &s) == nil && s.Ino == t.CGroup.Inode {
			return f[point] + at, nil
		}
	}
	return "", errNoGroup
}
