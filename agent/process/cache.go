package process

import (
	"strings"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
)

// Limits bound the memory of a Cache.
type Limits struct {
	Processes int // living ones that are remembered; 0: 32768
	HeapBytes int // of the program's heap, beyond which texts and old ancestors are let go of; 0: 64 MiB
	Ancestors int // how far up a process's chain goes; 0: 64
}

func (l *Limits) defaults() {
	set := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	set(&l.Processes, 1<<15)
	set(&l.HeapBytes, 64<<20)
	set(&l.Ancestors, 64)
}

// Stats count what a Cache had to do without.
type Stats struct {
	Living     int    `json:"living"`
	Recovered  uint64 `json:"recovered"`   // read from /proc, because no record told of them
	Unknown    uint64 `json:"unknown"`     // not there any more: events have only what the kernel says
	Evicted    uint64 `json:"evicted"`     // forgotten because there were too many
	TextsCut   uint64 `json:"texts_cut"`   // arguments and environments let go of
	ChainsCut  uint64 `json:"chains_cut"`  // chains of ancestors that were cut
	PiecesLost uint64 `json:"pieces_lost"` // arguments of which a piece is missing
}

// Cache has the processes. It belongs to one goroutine.
type Cache struct {
	limits  Limits
	clock   Clock
	living  map[uint32]*entry
	oldest  queue // of living entries, by when they were last used
	pending map[uint32]*pieces
	users   *names
	shedAt  uint64
	CGroups *CGroups
	// Packages says which package a file came with; nil: nobody does.
	Packages *Packages
	Stats    Stats
	// Ended is called for every process that is gone, after its last event.
	Ended func(*event.Process)
	// ContainerEnded is called when the last process of a container is gone.
	ContainerEnded func(id string)

	members map[string]int // how many living processes a container has
}

// entry is a living process.
type entry struct {
	*event.Process
	start        uint64 // ns since boot
	told         uint64 // when what is known was so, ns since boot: older records change nothing
	depth        int    // of its chain of ancestors
	creds        credentials
	ns           uint32 // pid namespace
	nspid        uint32
	gone         bool
	member       string // the container in whose members it is counted
	newer, older *entry
}

// New makes an empty cache. Texts of time are made with the clock.
func New(l Limits, clock Clock) *Cache {
	l.defaults()
	return &Cache{
		limits: l, clock: clock, living: map[uint32]*entry{}, pending: map[uint32]*pieces{}, members: map[string]int{},
		users: newNames(), CGroups: NewCGroups(clock),
	}
}

// Clock converts ns since boot to ns since 1970.
type Clock func(boot uint64) int64

// Get finds a living process by its pid; nil if there is none.
func (c *Cache) Get(pid uint32) *event.Process {
	if e := c.living[pid]; e != nil {
		return e.Process
	}
	return nil
}

// Each calls do for every living process, in no order. They are lent for the call.
func (c *Cache) Each(do func(*event.Process)) {
	for _, e := range c.living {
		do(e.Process)
	}
}

// Of is the process of a record, as the record says it is now: with its
// credentials, its cgroup and its name. A process that no record has told of is
// looked up in /proc.
func (c *Cache) Of(r bpf.Record) *event.Process {
	e := c.find(r)
	c.refresh(e, r)
	return e.Process
}

func (c *Cache) find(r bpf.Record) *entry {
	w := &r.Who
	if e := c.living[w.Pid]; e != nil {
		if e.start == w.Start {
			c.oldest.touch(e)
			return e
		}
		if e.start > w.Start { // of an earlier process, whose exit was seen already
			return &entry{Process: &event.Process{PID: int64(w.Pid), PPID: int64(w.Ppid), Key: w.Start}, start: w.Start, gone: true}
		}
		c.remove(e)
	}
	e := c.recover(r)
	c.add(e)
	return e
}

// Fork adds the process of a record of its fork.
func (c *Cache) Fork(r bpf.Record) *event.Process {
	w := &r.Who
	if e := c.living[w.Pid]; e != nil && e.start == w.Start {
		return e.Process // the snapshot was earlier to see it
	}
	parent := c.parent(uint32(r.Num[0]), r.Num[1])
	e := &entry{Process: &event.Process{}, start: w.Start, told: r.Time}
	if parent != nil {
		*e.Process = *parent.Process
		e.depth, e.creds = parent.depth+1, parent.creds
	}
	p := e.Process
	p.Parent, p.IsExec, p.IsThread = nil, false, parent != nil
	p.PID, p.TID, p.PPID = int64(w.Pid), int64(w.Tid), int64(r.Num[0])
	p.CreatedAt, p.Key = c.clock(w.Start), w.Start
	p.IsKworker = r.Num[2] != 0
	if parent != nil {
		p.Parent = parent.Process
		c.cutChain(e)
	}
	c.add(e)
	c.refresh(e, r)
	return p
}

func (c *Cache) parent(pid uint32, start uint64) *entry {
	if e := c.living[pid]; e != nil && e.start == start {
		return e
	}
	if e := recoverLiving(c, pid, start); e != nil {
		c.Stats.Recovered++
		c.add(e)
		return e
	}
	return nil
}

// cutChain keeps a chain of ancestors from growing without end, as that of a
// program does that forks and ends again and again.
func (c *Cache) cutChain(e *entry) {
	if e.depth <= 2*c.limits.Ancestors {
		return
	}
	p := e.Process
	for range c.limits.Ancestors {
		p = p.Parent
		if p == nil {
			return
		}
	}
	p.Parent = nil
	e.depth = c.limits.Ancestors
	c.Stats.ChainsCut++
}

// Exec makes the process of a record what it executes now. What it was before
// becomes an ancestor, unless it was only a copy of its parent.
func (c *Cache) Exec(r bpf.Record) *event.Process {
	e := c.find(r)
	if e.told > r.Time {
		delete(c.pending, r.Who.Tid)
		return e.Process
	}
	p := &event.Process{
		PID: e.PID, TID: int64(r.Who.Tid), PPID: int64(r.Who.Ppid), CreatedAt: c.clock(r.Who.Start), Key: r.Who.Start,
		IsExec: true, Parent: e.Parent, MountNS: int64(r.Who.Mntns), Folder: e.Folder,
	}
	if e.IsExec {
		p.Parent, e.depth = e.Process, e.depth+1
		c.cutChain(&entry{Process: p, depth: e.depth})
	}
	e.Process, e.told = p, r.Time
	e.creds = credentials{}
	c.setExec(e, r)
	c.setArguments(e, r)
	c.refresh(e, r)
	return p
}

// Exit takes a process out after its last event was looked at: call the function
// it returns.
func (c *Cache) Exit(r bpf.Record) (p *event.Process, done func()) {
	e := c.find(r)
	c.refresh(e, r)
	return e.Process, func() {
		c.remove(e)
		if c.Ended != nil {
			c.Ended(e.Process)
		}
	}
}

func (c *Cache) add(e *entry) {
	if old := c.living[uint32(e.PID)]; old != nil {
		c.remove(old)
	}
	if len(c.living) >= c.limits.Processes {
		c.remove(c.oldest.last)
		c.Stats.Evicted++
	}
	c.living[uint32(e.PID)] = e
	c.oldest.push(e)
	c.count(e, e.Container)
	c.Stats.Living = len(c.living)
}

// count counts an entry among the members of a container; of "", among nobody's.
func (c *Cache) count(e *entry, container string) {
	left := e.member
	if left == container {
		return
	}
	e.member = container
	if container != "" {
		c.members[container]++
	}
	if left == "" {
		return
	}
	if c.members[left]--; c.members[left] > 0 {
		return
	}
	delete(c.members, left)
	if c.ContainerEnded != nil {
		c.ContainerEnded(left)
	}
}

func (c *Cache) remove(e *entry) {
	if e == nil || e.gone {
		return
	}
	e.gone = true
	if c.living[uint32(e.PID)] == e {
		delete(c.living, uint32(e.PID))
	}
	delete(c.pending, uint32(e.PID))
	c.count(e, "")
	c.oldest.drop(e)
	c.Stats.Living = len(c.living)
}

// Shed lets go of memory if the program's heap, of which live bytes were in use
// when it was last cleaned, is larger than it may be: of the ancestors that are
// far away, and of the arguments and environments of the processes that were not
// seen for longest. What is left is marked as cut. Call it now and then.
func (c *Cache) Shed(live uint64) {
	if live < uint64(c.limits.HeapBytes) || live == c.shedAt {
		return // it was not cleaned since
	}
	c.shedAt = live
	const near = 4 // ancestors that are kept
	left := len(c.living) / 2
	for e := c.oldest.last; e != nil; e = e.newer {
		p := e.Process
		for range near {
			if p.Parent == nil {
				break
			}
			p = p.Parent
		}
		if p.Parent != nil {
			p.Parent, e.depth = nil, near
			c.Stats.ChainsCut++
		}
		if left > 0 {
			left--
			dropTexts(e.Process)
			c.Stats.TextsCut++
		}
	}
}

func dropTexts(p *event.Process) {
	p.ArgsTruncated = p.ArgsTruncated || len(p.Argv) > 0
	p.EnvsTruncated = p.EnvsTruncated || len(p.Envp) > 0
	p.Argv, p.Args, p.ArgsFlags, p.ArgsOptions, p.Envs, p.Envp = nil, "", nil, nil, nil, nil
	p.Argv0 = strings.Clone(p.Argv0) // it shared the memory of all of them
}

// queue orders entries by when they were last used.
type queue struct{ first, last *entry }

func (q *queue) push(e *entry) {
	e.newer, e.older = nil, q.first
	if q.first != nil {
		q.first.newer = e
	}
	q.first = e
	if q.last == nil {
		q.last = e
	}
}

func (q *queue) drop(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else if q.first == e {
		q.first = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else if q.last == e {
		q.last = e.newer
	}
	e.newer, e.older = nil, nil
}

func (q *queue) touch(e *entry) {
	if q.first != e && !e.gone {
		q.drop(e)
		q.push(e)
	}
}

// Here reports whether a process is in the mount namespace of the agent.
func (c *Cache) Here(p *event.Process) bool {
	return p.MountNS == 0 || uint32(p.MountNS) == c.users.own
}

// ByPID finds the process that the caller of a record means by a pid, which is of
// its own namespace; nil if there is none.
func (c *Cache) ByPID(r bpf.Record, pid uint32) *event.Process {
	if pid == 0 {
		return nil
	}
	if r.Who.Pid == r.Who.Nspid { // most likely the first namespace
		if e := c.living[pid]; e != nil {
			return e.Process
		}
		return nil
	}
	for _, e := range c.living {
		if e.ns == r.Who.Pidns && e.nspid == pid {
			return e.Process
		}
	}
	return nil
}
