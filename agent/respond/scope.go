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
	r.Killed, r.Spared, failed = k.signalFolder(folder, s)
	if len(r.Killed) > 0 {
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

// signalFolder signals every process below a folder of cgroups, SIGKILL until no further
// ones appear there.
func (k *Killer) signalFolder(folder string, s unix.Signal) (killed []int, spared []string, err error) {
	done := map[string]bool{}
	for round := 0; ; round++ {
		found := 0
		for _, pid := range pidsIn(folder) {
			stat, gone := process.StatOf(pid)
			key := fmt.Sprint(pid, stat.Start)
			if gone != nil || stat.Zombie || done[key] {
				continue
			}
			done[key] = true
			found++
			switch why, failed := k.signalMember(folder, pid, s); {
			case why != "":
				spared = append(spared, fmt.Sprintf("%d: %s", pid, why))
			case failed == nil:
				killed = append(killed, pid)
			case !errors.Is(failed, errGone) && !errors.Is(failed, unix.ESRCH):
				err = fmt.Errorf("signal process %d: %w", pid, failed)
			}
		}
		if found == 0 || s != unix.SIGKILL {
			return killed, spared, err
		}
		if round == maxRounds {
			return killed, spared, fmt.Errorf("processes still begin there, after %d were killed", len(killed))
		}
	}
}

// signalMember signals a process if it is in the group while its pidfd is held, so that
// a pid that was reused since the group was listed is not hit; why it is spared, if it is
// protected.
func (k *Killer) signalMember(folder string, pid int, s unix.Signal) (spared string, err error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return "", errGone
	}
	defer unix.Close(fd)
	if !slices.Contains(pidsIn(folder), pid) {
		return "", errGone
	}
	if why, ok := k.protected.Live(pid); ok {
		return why, nil
	}
	return "", k.send(fd, pid, s)
}

// pidsIn are the processes of a cgroup and of those below it.
func pidsIn(folder string) []int {
	var out []int
	_ = filepath.WalkDir(folder, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		text, _ := os.ReadFile(at + "/cgroup.procs")
		for line := range strings.Lines(string(text)) {
			if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 && !slices.Contains(out, pid) {
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
