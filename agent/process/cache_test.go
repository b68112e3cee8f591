package process

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"nightjar/agent/bpf"
)

// record makes a record of a process; parts are pairs of a kind and bytes.
func record(kind bpf.Type, pid uint32, start, time uint64, num [6]uint64, parts ...any) bpf.Record {
	h := bpf.Header{Type: uint16(kind), Time: time, Num: num}
	h.Who.Pid, h.Who.Tid, h.Who.Start, h.Who.Ppid = pid, pid, start, 1
	b := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&h)), bpf.HeaderSize)...)
	for i := 0; i < len(parts); i += 2 {
		kind, data := parts[i].(bpf.Part), []byte(parts[i+1].(string))
		b = append(b, byte(kind), byte(kind>>8), byte(len(data)), byte(len(data)>>8), 0, 0, 0, 0)
		b = append(b, data...)
		b = append(b, make([]byte, (8-len(data)%8)%8)...)
	}
	(*bpf.Header)(unsafe.Pointer(&b[0])).Size = uint32(len(b))
	r, err := bpf.Parse(b)
	if err != nil {
		panic(err)
	}
	return r
}

// nobody is above every pid of this machine, so that /proc has nothing to say.
const nobody = 1 << 30

func fork(pid uint32, start uint64, parent uint32, parentStart uint64) bpf.Record {
	return record(bpf.Fork, pid, start, start, [6]uint64{uint64(parent), parentStart})
}

func exec(pid uint32, start, time uint64, file, args string) bpf.Record {
	info := make([]byte, unsafe.Sizeof(bpf.FileInfo{}))
	return record(bpf.Exec, pid, start, time, [6]uint64{uint64(len(args)), uint64(len(args))},
		bpf.PartFile, string(info)+file, bpf.PartPath, file, bpf.PartArgs, args)
}

func newCache(l Limits) *Cache { return New(l, func(boot uint64) int64 { return int64(boot) }) }

func TestAPidThatIsUsedAgainIsAnotherProcess(t *testing.T) {
	c := newCache(Limits{})
	c.Fork(fork(nobody, 10, 0, 0))
	first := c.Exec(exec(nobody, 10, 11, "/bin/first", "first\x00"))
	// Its exit was lost; the pid is used again.
	c.Fork(fork(nobody, 20, 0, 0))
	second := c.Exec(exec(nobody, 20, 21, "/bin/second", "second\x00"))
	if first == second || c.Get(nobody) != second || second.Parent == first || first.Key == second.Key {
		t.Errorf("the second process is %+v", second)
	}
	// A late record of the first one is not one of the second.
	late := c.Of(record(bpf.Open, nobody, 10, 22, [6]uint64{}))
	if late == second || late.File.Path == "/bin/second" {
		t.Errorf("a record of the first process is said to be of %s", late.File.Path)
	}
	if c.Get(nobody) != second {
		t.Error("a late record took the place of the living process")
	}
}

func TestAProcessKnowsWhatItWasAndWhoStartedIt(t *testing.T) {
	c := newCache(Limits{})
	c.Fork(fork(nobody, 10, 0, 0))
	php := c.Exec(exec(nobody, 10, 11, "/usr/bin/php", "php\x00x\x00"))
	c.Fork(fork(nobody+1, 12, nobody, 10))
	sh := c.Exec(exec(nobody+1, 12, 13, "/bin/sh", "sh\x00-c\x00id\x00"))
	id := c.Exec(exec(nobody+1, 12, 14, "/bin/id", "id\x00"))
	if sh.Parent != php || id.Parent != sh || id.Args != "" || sh.Args != "-c id" {
		t.Errorf("the chain is %v ← %v ← %v", id.File.Path, id.Parent.File.Path, id.Parent.Parent)
	}
	_, done := c.Exit(record(bpf.Exit, nobody+1, 12, 15, [6]uint64{}))
	done()
	if c.Get(nobody+1) != nil || c.Get(nobody) != php {
		t.Error("the process that ended is there, or its parent is not")
	}
}

func TestAnExecThatWasSeenEarlierChangesNothing(t *testing.T) {
	c := newCache(Limits{})
	c.Start(record(bpf.Snapshot, nobody, 10, 100, [6]uint64{}, bpf.PartFile, string(make([]byte, unsafe.Sizeof(bpf.FileInfo{})))+"/bin/now"))
	if p := c.Exec(exec(nobody, 10, 50, "/bin/before", "before\x00")); p.File.Path != "/bin/now" {
		t.Errorf("an exec from before the snapshot made it %s", p.File.Path)
	}
}

func TestAPieceThatIsMissingIsMarked(t *testing.T) {
	c := newCache(Limits{})
	c.Fork(fork(nobody, 10, 0, 0))
	for _, i := range []uint64{0, 2} { // 1 was lost
		c.Piece(record(bpf.Args, nobody, 10, 11, [6]uint64{i}, bpf.PartArgs, strings.Repeat("x", 100)+"\x00"))
	}
	p := c.Exec(record(bpf.Exec, nobody, 10, 12, [6]uint64{303, 303}))
	if !p.ArgsTruncated || c.Stats.PiecesLost != 1 {
		t.Errorf("cut: %v, lost pieces: %d", p.ArgsTruncated, c.Stats.PiecesLost)
	}
}

// TestMemoryIsBounded runs a host that is worse than any: every process forks one
// and ends, with arguments of its own, and no exit is ever told.
func TestMemoryIsBounded(t *testing.T) {
	const processes, limit = 40_000, 48 << 20
	c := newCache(Limits{Processes: 10_000, HeapBytes: limit})
	args := strings.Repeat("a", 7000)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	worst := uint64(0)
	for i := range uint32(processes) {
		pid, start := nobody+i%50_000, uint64(10+i)
		c.Fork(fork(pid, start, nobody+(i-1)%50_000, uint64(9+i)))
		c.Exec(exec(pid, start, start, "/bin/x", fmt.Sprint(i, args)+"\x00"))
		if i%2_000 == 0 {
			used := heap()
			worst = max(worst, used)
			c.Shed(used)
		}
	}
	if worst > 2*limit {
		t.Errorf("the heap had %d MiB, the limit is %d", worst>>20, limit>>20)
	}
	if c.Stats.Living > 10_000 || c.Stats.Evicted == 0 || c.Stats.ChainsCut == 0 {
		t.Errorf("%+v", c.Stats)
	}
	if !c.Get(nobody + (processes-1)%50_000).IsExec {
		t.Error("the newest process is not known")
	}
	for _, e := range c.living {
		depth := 0
		for p := e.Process; p != nil; p = p.Parent {
			depth++
		}
		if depth > 2*c.limits.Ancestors+2 {
			t.Fatalf("a chain of %d", depth)
		}
	}
}

func TestContainersAreReadFromCGroups(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for path, want := range map[string][2]string{
		"/system.slice/docker-" + id + ".scope": {id, "docker"},
		"/docker/" + id:                         {id, "docker"},
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope": {id, "containerd"},
		"/kubepods/burstable/pod7a/" + id:                                                 {id, "containerd"},
		"/kubepods.slice/crio-" + id + ".scope":                                           {id, "cri-o"},
		"/machine.slice/libpod-" + id + ".scope":                                          {id, "podman"},
		"/machine.slice/libpod-conmon-" + id + ".scope":                                   {"", "systemd"},
		"/ecs/task/" + id[:32] + "-1234567890":                                            {id[:32] + "-1234567890", "containerd"},
		"/system.slice/containerd.service/kubepods-besteffort.slice:cri-containerd:" + id: {id, "containerd"},
		"/system.slice/ssh.service":                                                       {"", "systemd"},
		"/user.slice/user-1000.slice/session-2.scope":                                     {"", "systemd"},
		"/": {"", ""},
	} {
		if g := newGroup(path); g.Container.ID != want[0] || g.Manager != want[1] {
			t.Errorf("%s: %q by %q, want %q by %q", path, g.Container.ID, g.Manager, want[0], want[1])
		}
	}
}

// TestAContainerEndsWithItsLastProcess holds that it is told once, when nobody is in it
// any more: when processes end, when they leave, and when an exit was lost and the pid is
// used again.
func TestAContainerEndsWithItsLastProcess(t *testing.T) {
	const host, docker = 1, 77
	id := strings.Repeat("0123456789abcdef", 4)
	c := newCache(Limits{})
	c.CGroups.learn(0, host, "/system.slice/ssh.service", 0)
	c.CGroups.learn(0, docker, "/docker/"+id, 0)
	ended := 0
	c.ContainerEnded = func(which string) {
		if ended++; which != id {
			t.Errorf("%q has ended", which)
		}
	}
	in := func(group uint64, r bpf.Record) bpf.Record { r.Who.Cgroup = group; return r }
	exit := func(pid uint32, start uint64) {
		_, done := c.Exit(in(docker, record(bpf.Exit, pid, start, start+5, [6]uint64{})))
		done()
	}
	c.Fork(in(docker, fork(nobody, 10, 0, 0)))
	c.Exec(in(docker, exec(nobody, 10, 11, "/bin/first", "first\x00")))
	c.Fork(in(docker, fork(nobody+1, 12, nobody, 10)))
	exit(nobody, 10)
	if ended != 0 {
		t.Error("it ended with its first process")
	}
	c.Of(in(host, record(bpf.Open, nobody+1, 12, 13, [6]uint64{}))) // it has left
	if ended != 1 {
		t.Errorf("its last process has left: ended %d times", ended)
	}
	c.Fork(in(docker, fork(nobody+2, 20, 0, 0)))
	c.Fork(in(host, fork(nobody+2, 30, 0, 0)))
	if ended != 2 || len(c.members) != 0 {
		t.Errorf("the pid of its last process is another's: ended %d times, members %v", ended, c.members)
	}
}

func FuzzGroup(f *testing.F) {
	f.Add("/docker/0123")
	f.Fuzz(func(t *testing.T, path string) {
		if g := newGroup(path); g.Container.ID != "" && !strings.Contains(path, g.Container.ID) {
			t.Errorf("%q has the container %q", path, g.Container.ID)
		}
	})
}
