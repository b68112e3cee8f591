package deny

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"nightjar/secl/event"
	"nightjar/secl/policy"
)

// The mechanisms that deny.
const (
	ByLSM      = "lsm"
	ByFanotify = "fanotify"
	ByCGroup   = "cgroup"
)

// Options say where a Guard works, and who is told.
type Options struct {
	// Shared are the maps of the probe that the programs use too, so that records of
	// what they denied stand in its ring, in order.
	Shared map[string]*ebpf.Map
	// CGroup is the control group whose processes can't connect: a folder of version 2;
	// empty: its root, which is every process.
	CGroup string
	// Denied is called for every denial by fanotify, before whoever asked gets the
	// answer, from any goroutine. It must not wait.
	Denied func(Denial)
	// Protected lists the executables that may be executed whatever rules say, and whose
	// processes may open and connect to everything. It is asked now and then, as they
	// may be replaced; nil: there are none.
	Protected func() []string
	// Protects reports whether a path is that of a protected executable, installed or not:
	// it is not denied, whichever file it is by now. nil: none is.
	Protects func(path string) bool
}

// Denial is something that fanotify denied.
type Denial struct {
	Entry    uint32
	At       uint64 // ns since boot
	PID, TID uint32
	Path     string // of the file, in the mount namespace of the agent
	File     unix.Stat_t
}

// Guard denies. Its methods may be called from any goroutine.
type Guard struct {
	options  Options
	mu       sync.Mutex
	kernel   *kernel
	fanotify *fanotify
	files    *tracker
	entries  atomic.Pointer[map[uint32]*Entry]
	before   map[uint32]*Entry // of the rules that were replaced: records of them may be on their way
	next     uint32
	outlook  []Outlook
	armed    bool
	closed   bool
	nets     map[netip.Prefix]bool // in the kernel
	paths    map[kernelPath]bool   // likewise
}

// NewGuard makes a guard that denies nothing yet. What this kernel does not have is no
// error: Outlook tells.
func NewGuard(o Options) (*Guard, error) {
	k, err := loadKernel(o)
	if err != nil {
		return nil, fmt.Errorf("load the programs that deny: %w", err)
	}
	g := &Guard{options: o, kernel: k, armed: true, nets: map[netip.Prefix]bool{}, paths: map[kernelPath]bool{}}
	g.entries.Store(&map[uint32]*Entry{})
	g.files = newTracker(g)
	if err := k.arm(true); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Replace makes rules the ones in force. What both the old and the new ones deny is
// denied throughout.
func (g *Guard) Replace(rules []*policy.Rule) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	plan := g.plan(rules)
	now := map[uint32]*Entry{}
	for _, e := range plan.all() {
		g.next++
		e.ID = g.next
		now[e.ID] = e
	}
	known := maps.Clone(g.before)
	if known == nil {
		known = map[uint32]*Entry{}
	}
	maps.Copy(known, now)
	g.entries.Store(&known)
	g.before = now
	err := errors.Join(g.denyNets(plan), g.denyFiles(plan), g.kernel.detachUnused(plan.operations()))
	g.outlook = plan.outlook
	return err
}

// Arm ends all denying, or begins it again.
func (g *Guard) Arm(armed bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.armed = armed
	err := g.kernel.arm(armed)
	return errors.Join(err, g.files.apply())
}

// Entry is what a denial is about; nil if its rules are not in force any more.
func (g *Guard) Entry(id uint32) *Entry { return (*g.entries.Load())[id] }

// Outlook says of every rule that kills what will happen, in their order.
func (g *Guard) Outlook() []Outlook {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.Clone(g.outlook)
	for i := range out {
		out[i].Notes = append(slices.Clone(out[i].Notes), g.fileNotes(&out[i])...)
	}
	return out
}

// LetThrough is how many openings and executions of listed files were let through, because
// the agent did not answer within Deadline: it was stopped, or had no time.
func (g *Guard) LetThrough() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fanotify == nil {
		return 0
	}
	return g.fanotify.late.Load()
}

func (g *Guard) denied(d Denial) {
	if g.options.Denied != nil {
		g.options.Denied(d)
	}
}

// Close denies nothing any more. It may be called again.
func (g *Guard) Close() error {
	g.files.stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	err := g.kernel.close()
	if g.fanotify != nil {
		err = errors.Join(err, g.fanotify.close())
	}
	return err
}

// Concerns reports whether a rule is one that a guard may deny something of.
func Concerns(r *policy.Rule) bool { return wanted(r) == "" }

// Foresee says what a guard would do about rules on this kernel, and denies nothing.
func Foresee(rules []*policy.Rule, protected func() []string, protects func(string) bool) ([]Outlook, error) {
	g, err := NewGuard(Options{Protected: protected, Protects: protects})
	if err != nil {
		return nil, err
	}
	err = errors.Join(g.Arm(false), g.Replace(rules))
	return g.Outlook(), errors.Join(err, g.Close())
}

// plan is what rules deny.
type plan struct {
	files   map[fileWanted]*Entry
	nets    map[netip.Prefix][]Entry
	outlook []Outlook
}

// fileWanted is a file that is denied for an operation.
type fileWanted struct {
	op   Operation
	path string
}

func (p *plan) all() []*Entry {
	out := slices.SortedFunc(maps.Values(p.files), func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Path, b.Path))
	})
	for _, list := range p.nets {
		for i := range list {
			out = append(out, &list[i])
		}
	}
	return out
}

// operations are those of which something is denied.
func (p *plan) operations() map[Operation]bool {
	out := map[Operation]bool{Connect: p.nets != nil}
	for key := range p.files {
		out[key.op] = true
	}
	return out
}

// plan finds out what is denied because of rules, and how.
func (g *Guard) plan(rules []*policy.Rule) *plan {
	p := &plan{files: map[fileWanted]*Entry{}}
	var connecting []*policy.Rule
	for _, r := range rules {
		if !slices.ContainsFunc(r.Actions, func(a *policy.Action) bool { return a.ActionDef.Kill != nil }) {
			continue
		}
		o := Outlook{Rule: r.ID, Event: r.Event(), Mode: r.Mode, Why: wanted(r)}
		switch op := Operation(r.Event()); {
		case o.Why != "":
		case op == Exec || op == Open:
			g.planFiles(p, r, op, &o)
		case op == Connect:
			connecting = append(connecting, r)
		default:
			o.Why = "nothing denies " + r.Event() + " before it happens"
		}
		p.outlook = append(p.outlook, o)
	}
	g.planNets(p, connecting)
	return p
}

func (g *Guard) planFiles(p *plan, r *policy.Rule, op Operation, o *Outlook) {
	all, why := reduceToFiles(r, op)
	paths, notes := deniable(r, all, g.options.Protects)
	o.Why, o.Notes = why, notes
	if len(all) > 0 && len(paths) == 0 {
		o.Why = "all of its files are needed or protected"
	}
	for _, at := range paths {
		key := fileWanted{op, at}
		if p.files[key] == nil {
			p.files[key] = &Entry{Operation: op, Path: at}
		}
		p.files[key].Rules = append(p.files[key].Rules, r.ID)
		o.What = append(o.What, at)
	}
	if len(paths) > 0 {
		o.By, o.Why = g.fileMechanism(op)
	}
}

// fileMechanism is how opening or executing files is denied on this kernel; and why
// not at all.
func (g *Guard) fileMechanism(op Operation) (by, why string) {
	program := lsmOf[op]
	err := g.kernel.attach(program)
	if err == nil {
		return ByLSM, ""
	}
	if g.fanotify == nil {
		f, ferr := openFanotify(g.decide, g.denied)
		if ferr != nil {
			return "", fmt.Sprintf("lsm: %s; fanotify: %s", g.kernel.reason(program, err), ferr)
		}
		g.fanotify = f
	}
	return ByFanotify, ""
}

func (g *Guard) planNets(p *plan, rules []*policy.Rule) {
	if len(rules) == 0 {
		return
	}
	p.nets = reduceToNets(rules, event.Model())
	by, why := "", ""
	if p.nets != nil {
		by, why = g.netMechanism()
	}
	for i := range p.outlook {
		o := &p.outlook[i]
		at := slices.IndexFunc(rules, func(r *policy.Rule) bool { return r.ID == o.Rule })
		if at < 0 {
			continue
		}
		for _, list := range p.nets {
			for _, e := range list {
				if slices.Contains(e.Rules, o.Rule) {
					o.What = append(o.What, e.Net.String())
				}
			}
		}
		slices.Sort(o.What)
		if o.By, o.Why = by, why; len(o.What) == 0 {
			o.By, o.Why = "", notReduced(rules[at], isNetField, "which address and port it is")
		}
	}
}

// netMechanism is how connections are denied. Programs at the control group see also
// those that LSM does not (fast open), so both are used where there are both.
func (g *Guard) netMechanism() (by, why string) {
	lsm := g.kernel.attach(lsmOf[Connect])
	var group error
	for _, name := range []string{"deny_connect4", "deny_connect6"} {
		group = errors.Join(group, g.kernel.attach(name))
	}
	switch {
	case lsm == nil:
		return ByLSM, ""
	case group == nil:
		return ByCGroup, ""
	}
	return "", fmt.Sprintf("lsm: %s; cgroup: %s", g.kernel.reason(lsmOf[Connect], lsm), group)
}

// denyNets writes the table of networks: what is new first.
func (g *Guard) denyNets(p *plan) error {
	var err error
	now := map[netip.Prefix]bool{}
	for prefix, list := range p.nets {
		now[prefix] = true
		left, failed := g.kernel.putNet(prefix, list)
		err = errors.Join(err, failed)
		for _, e := range left {
			p.note(e.Rules, fmt.Sprintf("%s is not denied before: at most %d ranges of ports of a network are", e.Net, maxRanges))
		}
	}
	for prefix := range g.nets {
		if !now[prefix] {
			err = errors.Join(err, g.kernel.removeNet(prefix))
		}
	}
	g.nets = now
	return err
}

func (g *Guard) denyFiles(p *plan) error {
	var err error
	now := map[kernelPath]bool{}
	if g.kernel.hasLSM() {
		names := map[string]uint32{}
		for key, e := range p.files {
			if len(key.path) > maxKernelPath {
				p.note(e.Rules, fmt.Sprintf("%s: the path is longer than %d bytes, so that the file is denied only while it exists", key.path, maxKernelPath))
				continue
			}
			k := kernelPath{key.op.bit(), key.path}
			now[k] = true
			err = errors.Join(err, g.kernel.putPath(k, e.ID))
			names[nameOf(key.path)] |= k.op
		}
		err = errors.Join(err, g.kernel.replaceNames(names))
	}
	for k := range g.paths {
		if !now[k] {
			err = errors.Join(err, g.kernel.removePath(k))
		}
	}
	g.paths = now
	return errors.Join(err, g.files.follow(p.files))
}

func (p *plan) note(rules []string, text string) {
	for i := range p.outlook {
		if slices.Contains(rules, p.outlook[i].Rule) {
			p.outlook[i].Notes = append(p.outlook[i].Notes, text)
		}
	}
}

// fileNotes are what is known now of the files that a rule lists.
func (g *Guard) fileNotes(o *Outlook) []string {
	if o.By == "" || o.Event == string(Connect) {
		return nil
	}
	var out []string
	for _, at := range o.What {
		if why := g.files.why(fileWanted{Operation(o.Event), at}); why != "" {
			out = append(out, at+": "+why)
		}
	}
	return out
}

// Deadline is how long somebody who opens or executes a listed file waits for the
// answer at most. It is let through then.
const Deadline = 500 * time.Millisecond
