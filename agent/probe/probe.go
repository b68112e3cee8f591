package probe

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"nightjar/agent/bpf"
)

// Options say what to watch.
type Options struct {
	Events    []string // types of events that there are rules about; processes are always watched
	RingBytes int      // of the ring between the kernel and the agent: a power of two; 0: DefaultRing
	WakeBytes int      // how much may wait before the reader is woken; 0: an eighth of the ring
	Urgent    []string // types of events of which the reader is told at once
}

// DefaultRing is the size of the ring, in bytes. It is mapped twice, so that it
// counts twice in the agent's memory.
const DefaultRing = 8 << 20

// Probe is programs in the kernel. Reading belongs to one goroutine; the rest may
// be called from any.
type Probe struct {
	objects *ebpf.Collection
	ready   map[string]string // of the optional programs that are loaded, the form, by the first form
	links   []link.Link
	hooks   []Hook
	reader  *ringbuf.Reader
	record  ringbuf.Record
}

// Hook is a program, and whether this kernel takes it.
type Hook struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"` // of attachment: tp_btf, fexit, lsm, cgroup, iter
	Attached bool     `json:"attached"`
	Reason   string   `json:"reason,omitempty"` // why it is not
	Events   []string `json:"events,omitempty"` // that it serves
}

// ErrUnavailable is the error of a kernel, or a user, with which no events can be
// seen at all.
var ErrUnavailable = errors.New("this kernel shows the agent no events")

// Everything is the name of every type of events that a program is written for.
func Everything() []string {
	seen := map[string]bool{"exec": true, "exit": true}
	for _, r := range rows {
		seen[r.event] = true
	}
	for _, p := range optional {
		for _, e := range p.events {
			seen[e] = true
		}
	}
	delete(seen, "")
	return slices.Sorted(maps.Keys(seen))
}

// Open loads and attaches the programs. What only some events need and this
// kernel refuses is no error: Hooks tells.
func Open(o Options) (*Probe, error) {
	p, err := load(o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w%s", ErrUnavailable, err, advice())
	}
	if err := p.start(o); err != nil {
		p.Close()
		return nil, fmt.Errorf("%w: %w%s", ErrUnavailable, err, advice())
	}
	return p, nil
}

// advice is what a person can do about it.
func advice() string {
	if os.Geteuid() != 0 {
		return " (the agent must run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE)"
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return " (the kernel has no BTF: /sys/kernel/btf/vmlinux is missing; 5.10 or newer with CONFIG_DEBUG_INFO_BTF is needed)"
	}
	return ""
}

func load(o Options) (*Probe, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, err
	}
	spec, err := bpf.Load()
	if err != nil {
		return nil, err
	}
	ring := o.RingBytes
	if ring == 0 {
		ring = DefaultRing
	}
	spec.Maps["events"].MaxEntries = uint32(ring)
	p := &Probe{}
	wanted := optional.wanted(o)
	if err := p.loadTogether(spec, wanted); err == nil {
		return p, nil
	}
	programs := spec.Programs
	spec.Programs = map[string]*ebpf.ProgramSpec{}
	for _, name := range essential {
		spec.Programs[name] = programs[name]
	}
	if p.objects, err = ebpf.NewCollection(spec); err != nil {
		return nil, err
	}
	for _, o := range wanted {
		p.loadAlone(spec, programs, o)
	}
	return p, nil
}

// loadTogether loads all that this kernel is likely to take, which takes a tenth
// of a second where one by one takes that each: the kernel's types are read once.
func (p *Probe) loadTogether(spec *ebpf.CollectionSpec, wanted programs) error {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	all := spec.Copy()
	all.Programs = map[string]*ebpf.ProgramSpec{}
	for _, name := range essential {
		all.Programs[name] = spec.Programs[name].Copy()
	}
	p.ready = map[string]string{}
	for _, o := range wanted {
		for _, form := range o.forms {
			if hasTarget(kernel, spec.Programs[form]) {
				all.Programs[form] = spec.Programs[form].Copy()
				p.ready[o.forms[0]] = form
				break
			}
		}
	}
	p.objects, err = ebpf.NewCollection(all)
	if err != nil {
		p.ready = nil
		return err
	}
	for _, o := range wanted {
		if p.ready[o.forms[0]] == "" {
			p.hooks = append(p.hooks, Hook{Name: o.forms[0], Kind: o.kind(o.forms[0]), Events: o.events, Reason: reason(o.forms[0], ebpf.ErrNotSupported)})
		}
	}
	return nil
}

// hasTarget reports whether there is what a program is attached to.
func hasTarget(kernel *btf.Spec, program *ebpf.ProgramSpec) bool {
	if program.Type != ebpf.Tracing || program.AttachType != ebpf.AttachTraceRawTp {
		return program.Type != ebpf.Tracing || program.AttachType == ebpf.AttachTraceIter
	}
	var t *btf.Typedef
	return kernel.TypeByName("btf_trace_"+program.AttachTo, &t) == nil
}

// loadAlone loads the first of a program's forms that this kernel takes. It
// shares the maps of the others.
func (p *Probe) loadAlone(spec *ebpf.CollectionSpec, programs map[string]*ebpf.ProgramSpec, o program) {
	var reasons []string
	for _, name := range o.forms {
		alone := spec.Copy()
		alone.Programs = map[string]*ebpf.ProgramSpec{name: programs[name].Copy()}
		c, err := ebpf.NewCollectionWithOptions(alone, ebpf.CollectionOptions{MapReplacements: p.objects.Maps})
		if err != nil {
			reasons = append(reasons, reason(name, err))
			continue
		}
		p.objects.Programs[name] = c.DetachProgram(name)
		c.Close()
		if p.ready == nil {
			p.ready = map[string]string{}
		}
		p.ready[o.forms[0]] = name
		return
	}
	p.hooks = append(p.hooks, Hook{Name: o.forms[0], Kind: o.kind(o.forms[0]), Reason: strings.Join(reasons, "; "), Events: o.events})
}

// start fills the tables, and then lets events come.
func (p *Probe) start(o Options) error {
	if err := p.configure(o); err != nil {
		return err
	}
	reader, err := ringbuf.NewReader(p.objects.Maps["events"])
	if err != nil {
		return err
	}
	p.reader = reader
	for _, o := range optional {
		name := p.ready[o.forms[0]]
		if name == "" {
			continue
		}
		hook := Hook{Name: name, Kind: o.kind(name), Events: o.events}
		if err := p.use(name, o); err != nil {
			hook.Reason = reason(name, err)
		}
		hook.Attached = hook.Reason == ""
		p.hooks = append(p.hooks, hook)
	}
	for _, name := range []string{"on_fork", "on_exec", "on_exit", "on_return"} {
		if err := p.attach(name); err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
		p.hooks = append(p.hooks, Hook{Name: name, Kind: "tp_btf", Attached: true, Events: essentialEvents[name]})
	}
	return nil
}

func (p *Probe) configure(o Options) error {
	wake := o.WakeBytes
	if wake == 0 {
		wake = int(p.objects.Maps["events"].MaxEntries()) / 8
	}
	var urgent uint64
	for _, name := range o.Urgent {
		urgent |= 1 << bpf.TypeOf(name)
	}
	for name, value := range map[string]any{"agent_pid": uint32(os.Getpid()), "wake_bytes": uint32(wake), "urgent": urgent} {
		if err := p.objects.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	wanted := map[string]bool{}
	for _, name := range o.Events {
		wanted[name] = true
		if err := p.SetFilter(bpf.TypeOf(name), bpf.Filter{}); err != nil {
			return err
		}
	}
	table, err := callsOf(wanted)
	if err != nil {
		return err
	}
	for i, c := range table {
		if c.Type == 0 {
			continue
		}
		if err := p.objects.Maps["calls"].Put(uint32(i), &c); err != nil {
			return fmt.Errorf("write the table of system calls: %w", err)
		}
	}
	return p.objects.Maps["handlers"].Put(uint32(0), p.objects.Programs["on_call"])
}

// Hooks tells which programs run, and why others do not.
func (p *Probe) Hooks() []Hook { return p.hooks }

// Read waits for the next record, at most until the deadline. What it returns is
// good until the next call. Its error is os.ErrDeadlineExceeded when there was
// none, and os.ErrClosed after Close.
func (p *Probe) Read(deadline time.Time) (bpf.Record, error) {
	p.reader.SetDeadline(deadline)
	if err := p.reader.ReadInto(&p.record); err != nil {
		return bpf.Record{}, err
	}
	return bpf.Parse(p.record.RawSample)
}

// Detach lets no more events come. Those in the ring can still be read.
func (p *Probe) Detach() error {
	var err error
	for _, l := range p.links {
		err = errors.Join(err, l.Close())
	}
	p.links = nil
	return err
}

// Close takes everything out of the kernel.
func (p *Probe) Close() error {
	err := p.Detach()
	if p.reader != nil {
		err = errors.Join(err, p.reader.Close())
	}
	p.objects.Close()
	p.objects.Variables = nil // they map memory of the kernel, until they are collected
	return err
}
