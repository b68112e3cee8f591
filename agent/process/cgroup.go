package process

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

// CGroups knows the control groups by their ids, from the moment they are made.
type CGroups struct {
	clock Clock
	known map[cgroupKey]*Group
}

type cgroupKey struct {
	hierarchy uint32
	id        uint64
}

// Group is a control group and, if it is one's, the container.
type Group struct {
	event.CGroup
	Container event.Container
}

// maxGroups bounds how many are known; beyond it all are forgotten, and found
// again through their processes.
const maxGroups = 16384

// NewCGroups knows those that are there.
func NewCGroups(clock Clock) *CGroups {
	g := &CGroups{clock: clock, known: map[cgroupKey]*Group{}}
	g.scan()
	return g
}

// scan walks the cgroup file systems that are mounted. The inode of a folder is
// the id of its cgroup.
func (g *CGroups) scan() {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return
	}
	hierarchies := hierarchiesOf("/proc/self/cgroup")
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		const point, kind, options = 1, 2, 3
		if len(f) <= options || f[kind] != "cgroup2" && f[kind] != "cgroup" {
			continue
		}
		hierarchy := uint32(0)
		if f[kind] == "cgroup" {
			hierarchy = hierarchyOf(hierarchies, f[options])
		}
		g.scanMount(f[point], hierarchy)
	}
}

func (g *CGroups) scanMount(root string, hierarchy uint32) {
	_ = filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || len(g.known) >= maxGroups {
			return fs.SkipDir
		}
		if !d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			s := info.Sys().(*syscall.Stat_t)
			rel, _ := filepath.Rel(root, at)
			group := newGroup(filepath.Clean("/" + rel))
			group.Inode, group.Version = int64(s.Ino), versionOf(hierarchy)
			group.Container.CreatedAt = createdAt(group, s.Ctim.Nano())
			g.known[cgroupKey{hierarchy, s.Ino}] = group
		}
		return nil
	})
}

func createdAt(g *Group, at int64) int64 {
	if g.Container.ID == "" {
		return 0
	}
	return at
}

func versionOf(hierarchy uint32) int64 {
	if hierarchy == 0 {
		return 2
	}
	return 1
}

// hierarchiesOf reads `id:controllers:path` lines.
func hierarchiesOf(file string) map[string]uint32 {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	out := map[string]uint32{}
	for line := range strings.Lines(string(text)) {
		id, rest, _ := strings.Cut(line, ":")
		controllers, _, _ := strings.Cut(rest, ":")
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			for name := range strings.SplitSeq(controllers, ",") {
				out[name] = uint32(n)
			}
		}
	}
	return out
}

func hierarchyOf(known map[string]uint32, options string) uint32 {
	for option := range strings.SplitSeq(options, ",") {
		if id, ok := known[option]; ok {
			return id
		}
	}
	return 0
}

// Made takes in a cgroup that was just made.
func (g *CGroups) Made(r bpf.Record) {
	g.learn(uint32(r.Num[1]), r.Num[0], r.Text(bpf.PartText), g.clock(r.Time))
}

func (g *CGroups) learn(hierarchy uint32, id uint64, path string, at int64) *Group {
	if len(g.known) >= maxGroups {
		clear(g.known)
	}
	group := newGroup(path)
	group.Inode, group.Version = int64(id), versionOf(hierarchy)
	group.Container.CreatedAt = createdAt(group, at)
	g.known[cgroupKey{hierarchy, id}] = group
	return group
}

// Moved is the cgroup that a process was moved to.
func (g *CGroups) Moved(r bpf.Record) *Group {
	if known := g.known[cgroupKey{uint32(r.Num[1]), r.Num[0]}]; known != nil {
		return known
	}
	return g.learn(uint32(r.Num[1]), r.Num[0], r.Text(bpf.PartText), 0)
}

var noGroup = &Group{}

// of finds a cgroup by its id; pid is a process in it, which is asked where the id
// is not known.
func (g *CGroups) of(id uint64, hierarchy uint32, pid uint32) *Group {
	if known := g.known[cgroupKey{hierarchy, id}]; known != nil {
		return known
	}
	if id == 0 {
		return noGroup
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/cgroup")
	if err != nil {
		return noGroup
	}
	prefix := strconv.Itoa(int(hierarchy)) + ":"
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, prefix) {
			path := strings.TrimSuffix(strings.SplitN(line, ":", 3)[2], "\n")
			return g.learn(hierarchy, id, path, 0)
		}
	}
	return noGroup
}

// Get finds the group that a process is in.
func (g *CGroups) Get(p *event.Process, hierarchy uint32) *Group {
	if known := g.known[cgroupKey{hierarchy, uint64(p.CGroup.Inode)}]; known != nil {
		return known
	}
	return noGroup
}
