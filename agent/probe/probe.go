package probe

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"nightjar/agent/bpf"
)

// Options say which events to subscribe to.
type Options struct {
	Events    []string // types of events that there are rules about; those of processes always are
	RingBytes int      // of the ring between the kernel and the agent: a power of two; 0: DefaultRing
	WakeBytes int      // how much may wait before the reader is woken; 0: an eighth of the ring
	Urgent    []string // types of events of which the reader is told at once
	Functions []string // of the kernel: ondemand events tell of their calls, with the index in this list
}

// DefaultRing is the size of the ring, in bytes. It is mapped twice, so that it
// counts twice in the agent's memory.
const DefaultRing = 8 << 20

// Probe is programs in the kernel. Reading belongs to one goroutine, Widen and Narrow to
// one that may be another; the rest may be called from any.
type Probe struct {
	objects *ebpf.Collection
	options Options                     // what is subscribed to
	ready   map[string]string           // of the optional programs that are loaded, the form, by the first form
	refused map[string]string           // why others are not, likewise
	calls   [calls + callsMore]bpf.Call // as the kernel has them
	since   uint64                      // see Since
	reader  *ringbuf.Reader
	record  ringbuf.Record

	mu    sync.Mutex
	links map[string][]link.Link // by program, or by the function that it is attached to
	hooks []Hook
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
	defer runtime.KeepAlive(bpf.KernelTypes()) // read once for all that is loaded
	spec, err := specFor(o)
	if err != nil {
		return nil, err
	}
	p := &Probe{ready: map[string]string{}, refused: map[string]string{}, links: map[string][]link.Link{}}
	wanted := optional.wanted(o)
	choice, err := p.choose(spec, wanted)
	if err != nil {
		return nil, err
	}
	if err := p.loadBase(spec, wanted, choice); err != nil {
		return nil, err
	}
	p.loadMore(spec, wanted, choice, func(form string) bool { return spec.Programs[form].Type == ebpf.LSM })
	return p, nil
}

// specFor is what is loaded, with a ring as large as the options say.
func specFor(o Options) (*ebpf.CollectionSpec, error) {
	spec, err := bpf.Load()
	if err != nil {
		return nil, err
	}
	ring := o.RingBytes
	if ring == 0 {
		ring = DefaultRing
	}
	spec.Maps["events"].MaxEntries = uint32(ring)
	return spec, nil
}

// choose says of programs which form this kernel may take, by the first one.
func (p *Probe) choose(spec *ebpf.CollectionSpec, wanted programs) (map[string]string, error) {
	kernel, err := bpf.KernelTypes().Kernel()
	if err != nil {
		return nil, err
	}
	lsm := sync.OnceValue(tryLSM)
	choice := map[string]string{}
	for _, o := range wanted {
		for _, form := range o.forms {
			why := error(nil)
			switch program := spec.Programs[form]; {
			case program.Type == ebpf.LSM:
				why = lsm()
			case !hasTarget(kernel, program) || !hasStruct(kernel, needs[form]):
				why = ebpf.ErrNotSupported
			}
			if why == nil {
				choice[o.forms[0]] = form
				break
			}
			p.refuse(o, form, why)
		}
	}
	return choice, nil
}

// refuse keeps why a form of a program is not used.
func (p *Probe) refuse(o program, form string, err error) {
	first := o.forms[0]
	if text := p.refused[first]; text != "" {
		p.refused[first] = first + ": " + text + "; " + form + ": " + Reason(err)
	} else {
		p.refused[first] = Reason(err)
	}
}

// tryLSM is why this kernel takes no LSM programs; nil if it does. The list of
// LSMs that are active does not tell.
func tryLSM() error {
	const name = "try_lsm"
	c, err := ebpf.NewCollectionWithOptions(&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{name: {
		Name: name, Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open", License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}}}, ebpf.CollectionOptions{Cache: bpf.KernelTypes()})
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := link.AttachLSM(link.LSMOptions{Program: c.Programs[name]})
	if err != nil {
		return err
	}
	return l.Close()
}

// loadBase loads the essential programs, and with them the others that were chosen
// and are not LSM programs.
func (p *Probe) loadBase(spec *ebpf.CollectionSpec, wanted programs, choice map[string]string) error {
	base := spec.Copy()
	base.Programs = map[string]*ebpf.ProgramSpec{}
	for _, name := range essential {
		base.Programs[name] = spec.Programs[name].Copy()
	}
	list := wanted.chosen(choice, func(form string) bool { return spec.Programs[form].Type != ebpf.LSM })
	objects, err := p.loadWithout(base, spec, list, choice, ebpf.CollectionOptions{})
	p.objects = objects
	return err
}

// loadMore loads those of the chosen programs that are meant, which share the maps of the
// others.
func (p *Probe) loadMore(spec *ebpf.CollectionSpec, wanted programs, choice map[string]string, meant func(form string) bool) {
	list := wanted.chosen(choice, meant)
	if len(list) == 0 {
		return
	}
	none := spec.Copy()
	none.Programs = map[string]*ebpf.ProgramSpec{}
	c, err := p.loadWithout(none, spec, list, choice, ebpf.CollectionOptions{MapReplacements: p.objects.Maps})
	if err != nil {
		for _, o := range list {
			p.refuse(o, choice[o.forms[0]], err)
		}
		return
	}
	for name := range c.Programs {
		p.objects.Programs[name] = c.DetachProgram(name)
	}
	c.Close()
}

// loadWithout loads a collection and the chosen programs of a list, without those
// that the kernel refuses. All are loaded at once, and again when one was refused.
func (p *Probe) loadWithout(base, spec *ebpf.CollectionSpec, list programs, choice map[string]string, o ebpf.CollectionOptions) (*ebpf.Collection, error) {
	o.Cache = bpf.KernelTypes()
	for {
		all := base.Copy()
		for _, one := range list {
			form := choice[one.forms[0]]
			all.Programs[form] = spec.Programs[form].Copy()
		}
		c, err := ebpf.NewCollectionWithOptions(all, o)
		if err == nil {
			for _, one := range list {
				p.ready[one.forms[0]] = choice[one.forms[0]]
			}
			return c, nil
		}
		at := slices.IndexFunc(list, func(one program) bool {
			return strings.HasPrefix(err.Error(), "program "+choice[one.forms[0]]+":")
		})
		if at < 0 {
			return nil, err
		}
		p.refuse(list[at], choice[list[at].forms[0]], err)
		list = slices.Delete(slices.Clone(list), at, at+1)
	}
}

// hasTarget reports whether there is what a program is attached to.
func hasTarget(kernel *btf.Spec, program *ebpf.ProgramSpec) bool {
	if program.Type == ebpf.Tracing && program.AttachType == ebpf.AttachTraceRawTp {
		var t *btf.Typedef
		return kernel.TypeByName("btf_trace_"+program.AttachTo, &t) == nil
	}
	if program.Type == ebpf.Tracing && program.AttachType == ebpf.AttachTraceFExit {
		var f *btf.Func
		return kernel.TypeByName(program.AttachTo, &f) == nil
	}
	return true
}

// hasStruct reports whether the kernel has a struct; there is always the one without
// a name.
func hasStruct(kernel *btf.Spec, name string) bool {
	var s *btf.Struct
	return name == "" || kernel.TypeByName(name, &s) == nil
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
	for _, name := range []string{"on_fork", "on_exec", "on_exit", "on_return"} {
		if err := p.attach(name); err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
	}
	p.subscribe(o)
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return err
	}
	p.since = uint64(now.Nano())
	return nil
}

// subscribe attaches the programs that the options ask for and that are loaded, unless
// they are attached, and writes what became of them.
func (p *Probe) subscribe(o Options) {
	p.options = o
	var hooks []Hook
	for _, wanted := range optional.wanted(o) {
		name := p.ready[wanted.forms[0]]
		hook := Hook{Name: wanted.forms[0], Events: wanted.events, Reason: p.refused[wanted.forms[0]]}
		if name != "" {
			hook.Name, hook.Reason = name, ""
			if err := p.use(name, wanted); err != nil {
				hook.Reason = Reason(err)
			}
		}
		hook.Kind, hook.Attached = wanted.kind(hook.Name), name != "" && hook.Reason == ""
		hooks = append(hooks, hook)
	}
	for _, name := range []string{"on_fork", "on_exec", "on_exit", "on_return"} {
		hooks = append(hooks, Hook{Name: name, Kind: "tp_btf", Attached: true, Events: served(name, o.Events)})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = hooks
}

func (p *Probe) configure(o Options) error {
	wake := o.WakeBytes
	if wake == 0 {
		wake = int(p.objects.Maps["events"].MaxEntries()) / 8
	}
	for name, value := range map[string]any{"agent_pid": uint32(os.Getpid()), "wake_bytes": uint32(wake)} {
		if err := p.objects.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if err := p.setUrgent(o.Urgent); err != nil {
		return err
	}
	for _, name := range o.Events {
		if err := p.SetFilter(bpf.TypeOf(name), bpf.Filter{}); err != nil {
			return err
		}
	}
	if err := p.writeCalls(o.Events); err != nil {
		return err
	}
	return p.objects.Maps["handlers"].Put(uint32(0), p.objects.Programs["on_call"])
}

func (p *Probe) setUrgent(events []string) error {
	var urgent uint64
	for _, name := range events {
		urgent |= 1 << bpf.TypeOf(name)
	}
	if err := p.objects.Variables["urgent"].Set(urgent); err != nil {
		return fmt.Errorf("set urgent: %w", err)
	}
	return nil
}

// writeCalls makes the kernel's table of calls that for these events.
func (p *Probe) writeCalls(events []string) error {
	table, err := callsOf(setOf(events))
	if err != nil {
		return err
	}
	// Further rows first: they are there when the first one names them.
	for i, c := range slices.Backward(table) {
		if c == p.calls[i] {
			continue
		}
		if err := p.objects.Maps["calls"].Put(uint32(i), &c); err != nil {
			return fmt.Errorf("write the table of system calls: %w", err)
		}
		p.calls[i] = c
	}
	return nil
}

func setOf(names []string) map[string]bool {
	out := map[string]bool{}
	for _, name := range names {
		out[name] = true
	}
	return out
}

// Maps are the maps of the programs, for other programs that use them too. They are
// good until Close.
func (p *Probe) Maps() map[string]*ebpf.Map { return p.objects.Maps }

// Hooks tells which programs run, and why others do not.
func (p *Probe) Hooks() []Hook {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hooks
}

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
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for _, list := range p.links {
		for _, l := range list {
			err = errors.Join(err, l.Close())
		}
	}
	p.links = nil // what is attached from now on is closed at once
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
