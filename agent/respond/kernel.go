package respond

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/secl/event"
	"nightjar/secl/ruleset"
)

// Table is what the kernel kills at exec by itself. Its leases are numbered from 1.
type Table interface {
	// SetKills replaces the paths and names of programs that are killed.
	SetKills(map[string]bpf.Kill) error
	// SetKillInodes replaces the inodes of the same programs, for their other names.
	SetKillInodes(map[bpf.KillInode]bpf.Kill) error
	// SetSpared replaces the inodes of the programs that never are.
	SetSpared([]bpf.KillInode) error
	// SetLease lets so many be killed, since the beginning.
	SetLease(slot uint32, most uint64) error
	// Taken is how many were killed of a lease, since the beginning.
	Taken(slot uint32) (uint64, error)
	// Arm turns everything on or off.
	Arm(bool) error
	// Leases is how many there can be.
	Leases() uint32
	// Done is how many signals the kernel has sent.
	Done() (uint64, error)
}

// Kernel is what the kernel has done at an exec, before anybody else saw it.
type Kernel struct {
	bpf.KillReport
	Signal string    // that was sent; empty: none was
	At     time.Time // when
}

// killed reports whether the kernel has sent a signal.
func (k *Kernel) killed(signal string) bool { return k != nil && k.Signal == signal }

// kernelState is what the kernel was told to do by itself, and for whom.
type kernelState struct {
	table  Table
	rules  map[string]*atExecRule
	byID   map[uint32]*atExecRule // also of rules that are gone: their records may still come
	ids    map[string]uint32
	slots  map[string]uint32 // of leases, by what they are of
	free   []uint32          // slots that were
	texts  map[uint32]string // of the leases of files
	most   map[uint32]uint64 // as the kernel was told
	files  map[string]identity
	spared map[identity]string
	looked time.Time
}

// atExecRule is a rule that the kernel decides for some programs.
type atExecRule struct {
	rule  *ruleset.Rule
	texts []string // that decide it, in whatever mode
	kills map[string]bpf.Kill
}

// Install tells the kernel what it may do by itself for a set of rules, instead of what
// it was told before. What was killed so far counts on.
func (r *Responder) Install(rules *ruleset.Set, table Table) error {
	k := &r.kernel
	if k.table == nil {
		*k = kernelState{byID: map[uint32]*atExecRule{}, ids: map[string]uint32{}, slots: map[string]uint32{}, texts: map[uint32]string{}, most: map[uint32]uint64{}}
		r.Switch.Watch(func(disarmed bool) { _ = table.Arm(!disarmed) }) // every match asks the switch again
	}
	k.table, k.rules, k.spared = table, map[string]*atExecRule{}, r.Protected.identities()
	r.redefine(rules)
	kills := map[string]bpf.Kill{}
	if b := rules.For("exec"); b != nil {
		for _, rule := range b.Rules {
			r.reduce(rule, kills)
		}
	}
	k.sweep()
	if err := r.refresh(r.Now()); err != nil {
		return err
	}
	for id := range k.rules {
		r.renew(id)
	}
	if err := table.SetKills(kills); err != nil {
		return fmt.Errorf("tell the kernel what to kill at exec: %w", err)
	}
	return nil
}

// redefine puts rules that were disarmed into service again whose definition, or mode, has
// changed: what a rule would have killed keeps it from no kill.
func (r *Responder) redefine(rules *ruleset.Set) {
	before := r.definitions
	r.definitions = map[string]string{}
	for id, text := range before { // it may come back
		if r.disarmer.knows(id) {
			r.definitions[id] = text
		}
	}
	for _, kind := range rules.Events() {
		for _, rule := range rules.For(kind).Rules {
			text := fmt.Sprint(rule.Mode, rule.Version, " ", rule.Text)
			for _, a := range rule.Actions {
				if a.ActionDef.Kill != nil {
					text += fmt.Sprintf(" %q %+v", a.ActionDef.Filter, *a.ActionDef.Kill)
				}
			}
			if old, known := before[rule.ID]; known && old != text {
				r.disarmer.Arm(rule.ID)
			}
			r.definitions[rule.ID] = text
		}
	}
}

// maxKills is how many paths and names the kernel has room for, as in kill.h.
const maxKills = 8192

// reduce adds what the kernel can decide of a rule to kills. Of several rules about the
// same program the one that ends it for sure has it, then the one without limits.
func (r *Responder) reduce(rule *ruleset.Rule, kills map[string]bpf.Kill) {
	_, texts := wouldAtExec(rule)
	one := &atExecRule{rule: rule, texts: texts, kills: map[string]bpf.Kill{}}
	if len(texts) == 0 {
		return
	}
	r.kernel.rules[rule.ID] = one
	def, _ := atExec(rule)
	if def == nil {
		return
	}
	id := r.kernel.id(rule.ID)
	r.kernel.byID[id] = one
	for _, text := range texts {
		if _, have := kills[text]; r.mustSpare(text) || !have && len(kills) == maxKills {
			continue // the rule's match kills it
		}
		kill := bpf.Kill{Rule: id, Signal: uint32(unix.SignalNum(def.Signal))}
		ok := true
		if !def.NoExecutableDisarmer {
			kill.Lease[leaseFile], ok = r.kernel.slot("file " + rule.ID + " " + text)
			r.kernel.texts[kill.Lease[leaseFile]] = text
			if ok {
				kill.Lease[leaseRule], ok = r.kernel.slot("rule " + rule.ID)
			}
		}
		if ok && !def.NoContainerDisarmer {
			kill.Lease[leaseContainer], ok = r.kernel.slot("container " + rule.ID)
		}
		if !ok {
			continue // there are no leases left: the rule's match kills it
		}
		one.kills[text] = kill
		if have, taken := kills[text]; !taken || weight(kill) > weight(have) {
			kills[text] = kill
		}
	}
}

// The leases of a kill, as enum kill_lease.
const (
	leaseFile = iota
	leaseRule
	leaseContainer
)

func weight(k bpf.Kill) int {
	n := 0
	if k.Signal == uint32(unix.SIGKILL) {
		n += len(k.Lease) + 1
	}
	for _, slot := range k.Lease {
		if slot == 0 {
			n++
		}
	}
	return n
}

// mustSpare reports whether the kernel is not told of a program, as it may be a protected
// one: the rule's match looks closer.
func (r *Responder) mustSpare(text string) bool {
	if !strings.HasPrefix(text, "/") {
		return r.Protected.Name(text)
	}
	return r.Protected.Program(text)
}

func (k *kernelState) id(rule string) uint32 {
	id, ok := k.ids[rule]
	if !ok {
		id = uint32(len(k.ids) + 1)
		k.ids[rule] = id
	}
	return id
}

func (k *kernelState) slot(of string) (uint32, bool) {
	if s, ok := k.slots[of]; ok {
		return s, true
	}
	s := uint32(len(k.slots) + len(k.free) + 1)
	if last := len(k.free) - 1; last >= 0 {
		s, k.free = k.free[last], k.free[:last]
	}
	if s >= k.table.Leases() {
		return 0, false
	}
	k.slots[of] = s
	return s, true
}

// sweep frees the leases that no rule has any more.
func (k *kernelState) sweep() {
	used := map[uint32]bool{}
	for _, one := range k.rules {
		for _, kill := range one.kills {
			for _, slot := range kill.Lease {
				used[slot] = true
			}
		}
	}
	for of, slot := range k.slots {
		if !used[slot] {
			delete(k.slots, of)
			delete(k.texts, slot)
			delete(k.most, slot)
			k.free = append(k.free, slot)
		}
	}
}

// reduces reports whether the kernel decides about the event by itself, or would in
// blocking mode.
func (k *kernelState) reduces(rule *ruleset.Rule, e *event.Event) bool {
	one := k.rules[rule.ID]
	return one != nil && e.Process.Interpreter.Path == "" &&
		(slices.Contains(one.texts, e.Process.File.Path) || slices.Contains(one.texts, e.Process.File.Name))
}

// refreshEvery is how often the files of the paths are looked up.
const refreshEvery = time.Second

// refresh looks up which files the paths are now, so that their other names are known:
// a file that is replaced, made later or renamed is another one from then on. The paths
// themselves need none of it.
func (r *Responder) refresh(now time.Time) error {
	k := &r.kernel
	k.looked = now
	files := map[string]identity{}
	for _, one := range k.rules {
		for text := range one.kills {
			if !strings.HasPrefix(text, "/") {
				continue
			}
			if id, _ := identityOf(text); id != (identity{}) && k.spared[id] == "" {
				files[text] = id
			}
		}
	}
	if maps.Equal(files, k.files) && k.files != nil {
		return nil
	}
	k.files = files
	inodes := map[bpf.KillInode]bpf.Kill{}
	for _, one := range k.rules {
		for text, kill := range one.kills {
			if id, ok := files[text]; ok {
				inodes[inKernel(id)] = kill
			}
		}
	}
	var spared []bpf.KillInode
	for id := range k.spared {
		spared = append(spared, inKernel(id))
	}
	if err := k.table.SetSpared(spared); err != nil {
		return fmt.Errorf("tell the kernel what is protected: %w", err)
	}
	if err := k.table.SetKillInodes(inodes); err != nil {
		return fmt.Errorf("tell the kernel which files to kill at exec: %w", err)
	}
	return nil
}

// inKernel is an identity as the kernel has it: its numbers of devices are others.
func inKernel(id identity) bpf.KillInode {
	const minorBits = 20
	return bpf.KillInode{Inode: id.inode, Dev: unix.Major(id.dev)<<minorBits | unix.Minor(id.dev)}
}

// Seen reads what the kernel has done at an exec, and when.
func (r *Responder) Seen(at, killed time.Time, report *bpf.KillReport) Seen {
	s := Seen{Time: at}
	if report == nil {
		return s
	}
	s.Kernel = &Kernel{KillReport: *report, At: killed}
	if report.Result == 0 {
		r.told++
		s.Kernel.Signal = unix.SignalName(syscall.Signal(report.Signal))
	}
	return s
}

// Untold is how many signals the kernel has sent by itself of which no event was seen: it
// is on its way, or was lost.
func (r *Responder) Untold() uint64 {
	if r.kernel.table == nil {
		return 0
	}
	done, err := r.kernel.table.Done()
	if err != nil {
		return 0
	}
	return done - min(done, r.told)
}

// Owner is the rule because of which the kernel has sent a signal; nil if it has not.
func (r *Responder) Owner(s Seen) *ruleset.Rule {
	if s.Kernel == nil || s.Kernel.Signal == "" {
		return nil
	}
	if one := r.kernel.byID[s.Kernel.Rule]; one != nil {
		return one.rule
	}
	return nil
}

// Other reports what the kernel has killed because of a rule that does not match the
// event: it was called by another name of the same file.
func (r *Responder) Other(rule *ruleset.Rule, e *event.Event, s Seen) *Taken {
	def, _ := atExec(rule)
	if def == nil {
		return nil
	}
	t := &Taken{}
	done := r.counted(rule, t.promise(Report{Type: "kill", Status: Queued}))
	report := Report{Type: "kill", Signal: def.Signal, Scope: ScopeProcess, CreatedAt: time.Unix(0, e.Process.CreatedAt), DetectedAt: r.Now()}
	report.Detail = map[string]any{"matched_by": "the file, which is also called " + strings.Join(r.namesOf(rule), ", ")}
	ask := AskOf(rule.ID, def, e)
	ask.Mode = rule.Mode
	r.killedInKernel(&report, ask, e, s)
	r.await(report, e, done)
	return t
}

// namesOf are the paths by which the kernel knows the files of a rule.
func (r *Responder) namesOf(rule *ruleset.Rule) []string {
	one := r.kernel.rules[rule.ID]
	if one == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(one.kills))
}

// settle tells the kernel, after a kill was seen and counted, what may be killed beyond
// what had been taken with it.
func (r *Responder) settle(k *Kernel, at time.Time) {
	one := r.kernel.byID[k.Rule]
	if one == nil {
		return
	}
	for which, slot := range k.Lease {
		r.lend(one, which, slot, k.Taken[which], at)
	}
}

// renew tells the kernel anew what a rule may kill; of "", what all may.
func (r *Responder) renew(rule string) {
	for id, one := range r.kernel.rules {
		if rule != "" && rule != id {
			continue
		}
		for _, kill := range one.kills {
			for which, slot := range kill.Lease {
				if taken, err := r.kernel.table.Taken(slot); err == nil {
					r.lend(one, which, slot, taken, r.Now())
				}
			}
		}
	}
}

// lend sets one lease. Where that fails, the kernel has leave for less: the rule's match
// kills then.
func (r *Responder) lend(one *atExecRule, which int, slot uint32, taken uint64, at time.Time) {
	if slot == 0 {
		return
	}
	most := taken + uint64(r.disarmer.left(one.rule.ID, which, r.kernel.texts[slot], at))
	if have, set := r.kernel.most[slot]; set && have == most {
		return
	}
	if r.kernel.table.SetLease(slot, most) == nil {
		r.kernel.most[slot] = most
	}
}
