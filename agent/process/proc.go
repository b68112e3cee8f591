package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

// Start takes in a process that was there before the agent.
func (c *Cache) Start(r bpf.Record) {
	if c.living[r.Who.Pid] != nil || r.Num[3] != 0 {
		return
	}
	e := c.entryOf(r)
	e.told = r.Time
	c.add(e)
	c.refresh(e, r)
}

// Link gives the processes of the snapshot their parents. Call it when all are
// there.
func (c *Cache) Link() {
	for _, e := range c.living {
		if parent := c.living[uint32(e.PPID)]; e.Parent == nil && parent != nil && parent != e {
			e.Parent = parent.Process
		}
	}
	for _, e := range c.living {
		e.depth = 0
		for p := e.Parent; p != nil && e.depth < c.limits.Ancestors; p = p.Parent {
			e.depth++
		}
	}
}

// entryOf makes an entry of what a record of a process tells, and of its
// arguments in /proc.
func (c *Cache) entryOf(r bpf.Record) *entry {
	w := &r.Who
	e := &entry{start: w.Start, Process: &event.Process{
		PID: int64(w.Pid), PPID: int64(w.Ppid), MountNS: int64(w.Mntns), CreatedAt: c.clock(w.Start), Key: w.Start, IsExec: true,
	}}
	e.IsKworker = r.Num[2] != 0 && r.Kind() == bpf.Snapshot
	c.setExec(e, r)
	if !e.IsKworker {
		readTexts(e)
	}
	return e
}

// recover makes an entry for a process that no record told of: from /proc if it
// is still there, else with what the record says.
func (c *Cache) recover(r bpf.Record) *entry {
	w := &r.Who
	if e := recoverLiving(c, w.Pid, w.Start); e != nil {
		c.Stats.Recovered++
		return e
	}
	c.Stats.Unknown++
	e := &entry{start: w.Start, Process: &event.Process{
		PID: int64(w.Pid), PPID: int64(w.Ppid), CreatedAt: c.clock(w.Start), Key: w.Start, ArgsTruncated: true, EnvsTruncated: true,
	}}
	if parent := c.living[w.Ppid]; parent != nil {
		e.Parent, e.depth = parent.Process, parent.depth+1
	}
	return e
}

// Ticks is how many parts of a second /proc counts in.
const Ticks = 100

// Stat is what /proc/PID/stat says of a process.
type Stat struct {
	Parent int
	Start  uint64 // in Ticks since boot
	Zombie bool   // it has ended, and its parent has not taken note
}

// StatOf reads what /proc says of the process that has a pid now.
func StatOf(pid int) (Stat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Stat{}, err
	}
	const state, parent, start = 0, 1, 19 // in what follows the name
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= start {
		return Stat{}, fmt.Errorf("/proc/%d/stat ends too early", pid)
	}
	s := Stat{Zombie: fields[state] == "Z" || fields[state] == "X"}
	s.Parent, _ = strconv.Atoi(fields[parent])
	s.Start, err = strconv.ParseUint(fields[start], 10, 64)
	return s, err
}

// LivingThread is the folder in /proc of a thread of a process that has not ended; empty:
// there is none. The first thread, of which stat tells, may end before the others: it is a
// zombie then, executes nothing, and the process goes on.
func LivingThread(pid int, first Stat) string {
	folder := "/proc/" + strconv.Itoa(pid)
	if !first.Zombie {
		return folder
	}
	threads, _ := os.ReadDir(folder + "/task")
	for _, t := range threads {
		at := folder + "/task/" + t.Name()
		if _, err := os.Readlink(at + "/exe"); err == nil {
			return at
		}
	}
	return ""
}

// recoverLiving reads a process from /proc; nil if it is gone, or its pid is
// another's now. /proc says when it began in hundredths of a second.
func recoverLiving(c *Cache, pid uint32, start uint64) *entry {
	dir := "/proc/" + strconv.Itoa(int(pid)) + "/"
	const ns = 1_000_000_000 / Ticks
	stat, err := StatOf(int(pid))
	if err != nil || start/ns != stat.Start {
		return nil
	}
	ppid := stat.Parent
	e := &entry{start: start, Process: &event.Process{
		PID: int64(pid), PPID: int64(ppid), CreatedAt: c.clock(start), Key: start, IsExec: true,
	}}
	if exe, err := os.Readlink(dir + "exe"); err == nil {
		e.File.SetPath(strings.TrimSuffix(exe, " (deleted)"))
		statFile(dir+"exe", &e.File)
	}
	if folder, err := os.Readlink(dir + "cwd"); err == nil {
		e.Folder = folder
	}
	readTexts(e)
	if parent := c.living[uint32(ppid)]; parent != nil {
		e.Parent, e.depth = parent.Process, parent.depth+1
	}
	return e
}

// readTexts reads arguments and environment from /proc.
func readTexts(e *entry) {
	dir := "/proc/" + strconv.Itoa(int(e.PID)) + "/"
	args, err := readMost(dir+"cmdline", maxTexts)
	envs, err2 := readMost(dir+"environ", maxTexts)
	setTexts(e.Process, args, envs)
	e.ArgsTruncated, e.EnvsTruncated = err != nil || len(args) == maxTexts, err2 != nil || len(envs) == maxTexts
}

// maxTexts bounds what is read of arguments, and of an environment, in bytes.
const maxTexts = 128 << 10

func readMost(name string, most int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []byte
	buffer := make([]byte, 4096)
	for len(out) < most {
		n, err := f.Read(buffer)
		out = append(out, buffer[:n]...)
		if err != nil || n == 0 {
			break
		}
	}
	return out[:min(len(out), most)], nil
}

// lookUp sets what a file's inode says, by the path it has where a process lives.
// It is after the fact: the path may be another file's by now.
func (c *Cache) lookUp(p *event.Process, f *event.File) {
	if f.Path == "" || f.Path[0] != '/' {
		return
	}
	if statFile("/proc/"+strconv.FormatInt(p.PID, 10)+"/root"+f.Path, f) || uint32(p.MountNS) == c.users.own && statFile(f.Path, f) {
		in := c.users.of(uint32(p.MountNS), uint32(p.PID))
		f.User, f.Group = in.user(uint32(f.UID)), in.group(uint32(f.GID))
		if c.Here(p) {
			c.Packages.Set(f)
		}
	}
}

func statFile(name string, f *event.File) bool {
	var s syscall.Stat_t
	if syscall.Stat(name, &s) != nil {
		return false
	}
	f.Inode, f.Mode, f.UID, f.GID = int64(s.Ino), int64(s.Mode), int64(s.Uid), int64(s.Gid)
	f.ModificationTime, f.ChangeTime = s.Mtim.Nano(), s.Ctim.Nano()
	return true
}
