package deny

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
	"nightjar/agent/process"
	"nightjar/secl/pcap"
)

// Drop says which packets are dropped, and whose.
type Drop struct {
	Rule   string // because of which
	Filter string // in the language of secl/pcap
	PID    int    // the process; its sockets' packets, or those of its whole control group
	Start  uint64 // of the process, ns since boot
	Group  bool   // of all processes in its control group and below
}

// The reasons why packets are not dropped.
var (
	ErrGone      = errors.New("the process is gone")
	ErrRootGroup = errors.New("the process is in the root control group: that would be the whole host")
	ErrClosed    = errors.New("the agent is ending")
	ErrOwnGroup  = errors.New("the agent is in that control group too, and would not reach its engine any more")
	ErrTooMany   = fmt.Errorf("%d filters are in force, and no more can be", maxDrops)
)

// maxDrops is how many filters are in force at most: each is asked about every packet of
// its control group.
const maxDrops = 64

// Dropper drops packets, until it is told otherwise, the process ends, or the agent does:
// nothing is kept. Its methods may be called from any goroutine.
type Dropper struct {
	mu     sync.Mutex
	active map[dropKey]*activeDrop
	spare  *activeDrop // loaded, and not attached
	// loading says that another one is on its way
	loading, closed bool
}

// Prepare loads what the next filter needs, which takes the kernel a while. Without, Add
// does. Neither holds up the other methods meanwhile: the switch must not wait.
func (d *Dropper) Prepare() error {
	d.mu.Lock()
	needed := d.spare == nil && !d.loading && !d.closed
	d.loading = d.loading || needed
	d.mu.Unlock()
	if !needed {
		return nil
	}
	a, err := loadDrop("drop_packet", "drop_socket")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loading = false
	if d.closed && err == nil {
		return a.close()
	}
	d.spare = a
	return err
}

// take is the programs and maps of one filter.
func (d *Dropper) take() (*activeDrop, error) {
	d.mu.Lock()
	a := d.spare
	d.spare = nil
	d.mu.Unlock()
	if a != nil {
		return a, nil
	}
	return loadDrop("drop_packet", "drop_socket")
}

// Close drops nothing any more, and lets go of what was prepared.
func (d *Dropper) Close() error {
	err := d.Clear()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.spare != nil {
		err = errors.Join(err, d.spare.close())
		d.spare = nil
	}
	return err
}

// dropKey is what two drops do not have in common.
type dropKey struct {
	Drop
	group string
}

// activeDrop is a drop that is in force.
type activeDrop struct {
	objects *ebpf.Collection
	links   []link.Link
}

// Add begins to drop packets. Nothing is done where that is so already.
func (d *Dropper) Add(o Drop) error {
	program, err := pcap.Compile(o.Filter)
	if err != nil {
		return err
	}
	group, err := groupOf(o.PID)
	if err != nil {
		return err
	}
	key := dropKey{o, group}
	if o.Group {
		if group == "/" {
			return ErrRootGroup
		}
		if own, err := groupOf(os.Getpid()); err == nil && encloses(group, own) {
			return ErrOwnGroup
		}
	}
	if !o.living() { // the group was another's
		return ErrGone
	}
	if o.Group {
		key.PID, key.Start = 0, 0
	}
	if err := d.room(key); err != nil {
		return unlessThere(err)
	}
	a, err := d.take()
	if err != nil {
		return fmt.Errorf("drop packets: %w", err)
	}
	return unlessThere(d.start(a, key, program))
}

// errThere is why a filter is not begun that is in force already.
var errThere = errors.New("it is in force")

func unlessThere(err error) error {
	if errors.Is(err, errThere) {
		return nil
	}
	return err
}

// room says why no further filter can be begun.
func (d *Dropper) room(key dropKey) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.roomLocked(key)
}

func (d *Dropper) roomLocked(key dropKey) error {
	switch {
	case d.closed:
		return ErrClosed
	case d.active[key] != nil:
		return errThere
	case len(d.active) >= maxDrops && d.forgetGroups() == 0:
		return ErrTooMany
	}
	return nil
}

// start attaches what was loaded, or closes it.
func (d *Dropper) start(a *activeDrop, key dropKey, program pcap.Program) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.roomLocked(key); err != nil { // somebody was faster
		return errors.Join(err, a.close())
	}
	if err := a.begin(key, program); err != nil {
		return fmt.Errorf("drop packets: %w", err)
	}
	if d.active == nil {
		d.active = map[dropKey]*activeDrop{}
	}
	if !key.Group && !key.living() { // it ended meanwhile, and who tells of that has been here
		return errors.Join(ErrGone, a.close())
	}
	d.active[key] = a
	return nil
}

// living reports whether the process is there, and no later one of its pid.
func (o *Drop) living() bool {
	const tick = uint64(time.Second) / process.Ticks
	s, err := process.StatOf(o.PID)
	return err == nil && s.Start == o.Start/tick && process.LivingThread(o.PID, s) != ""
}

// forgetGroups ends what was dropped in control groups that are gone, and says how many
// that were.
func (d *Dropper) forgetGroups() int {
	root, err := groupOr("")
	before := len(d.active)
	for key, a := range d.active {
		if _, gone := os.Stat(filepath.Join(root, key.group)); err == nil && errors.Is(gone, fs.ErrNotExist) {
			_ = a.close() // the kernel has taken the programs off with the group
			delete(d.active, key)
		}
	}
	return before - len(d.active)
}

// Ended ends what was dropped of a process that is gone.
func (d *Dropper) Ended(pid int, start uint64) error {
	return d.end(func(k dropKey) bool { return !k.Group && k.PID == pid && k.Start == start })
}

// Keep ends what was dropped because of rules that are not in force any more.
func (d *Dropper) Keep(rules []string) error {
	return d.end(func(k dropKey) bool { return !slices.Contains(rules, k.Rule) })
}

// Clear drops nothing any more.
func (d *Dropper) Clear() error { return d.end(func(dropKey) bool { return true }) }

func (d *Dropper) end(which func(dropKey) bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	for key, a := range d.active {
		if which(key) {
			err = errors.Join(err, a.close())
			delete(d.active, key)
		}
	}
	return err
}

// Dropping is a filter that is in force.
type Dropping struct {
	Rule    string `json:"rule"`
	Filter  string `json:"filter"`
	PID     int    `json:"pid,omitempty"` // whose packets; 0: of the control group
	CGroup  string `json:"cgroup"`
	Packets uint64 `json:"packets"` // that were dropped
}

// List are the filters that are in force, by their rules.
func (d *Dropper) List() []Dropping {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []Dropping
	for key, a := range d.active {
		out = append(out, Dropping{key.Rule, key.Filter, key.PID, key.group, a.dropped()})
	}
	slices.SortFunc(out, func(a, b Dropping) int { return strings.Compare(a.Rule+a.CGroup, b.Rule+b.CGroup) })
	return out
}

// groupOf is the control group of version 2 of a process, from its root.
func groupOf(pid int) (string, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return "", ErrGone
	}
	for line := range strings.Lines(string(text)) {
		if at, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSpace(at), nil
		}
	}
	return "", errors.New("the process has no control group of version 2")
}

// encloses reports whether a control group is another one, or has it below.
func encloses(group, own string) bool {
	return own == group || strings.HasPrefix(own, group+"/")
}

// begin attaches the programs of one filter to the control group. After an error they are
// closed.
func (a *activeDrop) begin(key dropKey, program pcap.Program) error {
	root, err := groupOr("")
	if err == nil {
		err = a.fill(key, program)
	}
	if err == nil {
		hooks := []hook{{"drop_packet", ebpf.AttachCGroupInetEgress}, {"drop_packet", ebpf.AttachCGroupInetIngress}}
		if key.PID != 0 {
			hooks = append(hooks, hook{"drop_socket", ebpf.AttachCGroupInetSockCreate})
		}
		err = a.attach(filepath.Join(root, key.group), hooks)
	}
	if err == nil && key.PID != 0 {
		err = a.addSockets(key.PID)
	}
	if err != nil {
		return errors.Join(err, a.close())
	}
	return nil
}

// hook is where a program is attached at a control group.
type hook struct {
	program string
	at      ebpf.AttachType
}

// loadDrop loads some of the programs that drop packets, with maps of their own.
func loadDrop(programs ...string) (*activeDrop, error) {
	spec, err := bpf.LoadDrop()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(spec.Programs, func(name string, _ *ebpf.ProgramSpec) bool { return !slices.Contains(programs, name) })
	objects, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: bpf.KernelTypes()})
	if err != nil {
		return nil, err
	}
	return &activeDrop{objects: objects}, nil
}

func (a *activeDrop) attach(group string, hooks []hook) error {
	for _, h := range hooks {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: group, Attach: h.at, Program: a.objects.Programs[h.program]})
		if err != nil {
			return fmt.Errorf("%s at %s: %w", h.program, group, err)
		}
		a.links = append(a.links, l)
	}
	return nil
}

// fill writes the filter down for the programs.
func (a *activeDrop) fill(key dropKey, program pcap.Program) error {
	for name, value := range map[string]any{"of_process": uint32(key.PID), "of_start": key.Start} {
		if err := a.objects.Variables[name].Set(value); err != nil {
			return err
		}
	}
	for i, t := range program {
		one := bpf.DropTest{Kind: uint8(t.Kind), Direction: uint8(t.Direction), Yes: t.Yes, No: t.No, Low: t.Low, High: t.High}
		if t.Kind == pcap.Host {
			one.Net, one.Mask = words(t.Net.Addr()), maskWords(t.Net)
		}
		if err := a.objects.Maps["drop_tests"].Put(uint32(i), &one); err != nil {
			return err
		}
	}
	return nil
}

// words are the bytes of an address, mapped into IPv6, as the kernel has them in memory.
func words(addr netip.Addr) (out [4]uint32) {
	b := addr.As16()
	for i := range out {
		out[i] = binary.NativeEndian.Uint32(b[4*i:])
	}
	return out
}

func maskWords(p netip.Prefix) [4]uint32 {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	var b [16]byte
	for i := range bits {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return words(netip.AddrFrom16(b))
}

// addSockets finds the sockets that a process has already.
func (a *activeDrop) addSockets(pid int) error {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return ErrGone
	}
	defer unix.Close(process)
	open, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return ErrGone
	}
	for _, e := range open {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if to, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/fd/" + e.Name()); err != nil || !strings.HasPrefix(to, "socket:") {
			continue
		}
		if err := a.addSocket(process, fd); err != nil {
			return err
		}
	}
	return nil
}

// addSocket finds the cookie of a socket of a process. One that was closed meanwhile has
// none.
func (a *activeDrop) addSocket(process, fd int) error {
	own, err := unix.PidfdGetfd(process, fd, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(own)
	cookie, err := unix.GetsockoptUint64(own, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		return nil
	}
	return a.objects.Maps["drop_sockets"].Put(cookie, uint32(1))
}

func (a *activeDrop) dropped() uint64 {
	var perCPU []uint64
	var n uint64
	if a.objects.Maps["dropped"].Lookup(uint32(0), &perCPU) == nil {
		for _, k := range perCPU {
			n += k
		}
	}
	return n
}

func (a *activeDrop) close() error {
	var err error
	for _, l := range a.links {
		err = errors.Join(err, l.Close())
	}
	a.links = nil
	a.objects.Close()
	a.objects.Variables = nil
	return err
}
