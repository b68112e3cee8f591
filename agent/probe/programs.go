package probe

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// essential programs are those without which there is no agent. They load on every
// kernel with BTF from 5.10.
var essential = []string{"on_fork", "on_exec", "on_exit", "on_return", "on_call"}

// served are the types of events that an essential program serves, of those that are
// wanted: processes always, and system calls by their return.
func served(name string, wanted []string) []string {
	if name != "on_return" {
		return []string{strings.TrimPrefix(name, "on_")}
	}
	var out []string
	for _, r := range rows {
		if r.handler == 0 && slices.Contains(wanted, r.event) && !slices.Contains(out, r.event) {
			out = append(out, r.event)
		}
	}
	return out
}

// program is an optional one, in the forms in which kernels may take it, the best
// first.
type program struct {
	forms  []string
	events []string // that need it; none: it always runs
	always bool     // it runs also where nobody wants these
	use    usage
}

// usage is what is done with a program once it is loaded.
type usage int

const (
	attached    usage = iota
	toCGroup          // at the root of version 2
	handler           // of calls: it stands in the array of handlers
	elsewhere         // another program uses it
	toFunctions       // of the kernel, which rules name
)

type programs []program

// optional programs serve some types of events each.
var optional = programs{
	{forms: []string{"on_task"}, use: elsewhere},
	{forms: []string{"on_cgroup_mkdir"}},
	{forms: []string{"on_cgroup_attach"}, events: []string{"cgroup_write"}, always: true},
	{forms: []string{"on_write"}, events: []string{"selinux", "login_uid_write"}, use: handler},
	{forms: []string{"on_enter"}, events: []string{"splice"}},
	{forms: []string{"lsm_mprotect", "on_enter"}, events: []string{"mprotect"}},
	{forms: []string{"on_signal"}, events: []string{"signal"}},
	{forms: []string{"on_capable", "on_capable_exit"}, events: []string{"capabilities"}},
	{forms: []string{"on_uring", "on_uring_old"}, events: []string{"open", "unlink", "rmdir", "rename", "mkdir", "link", "connect"}},
	{forms: []string{"on_module_load"}, events: []string{"load_module"}},
	{forms: []string{"on_demand"}, events: []string{"ondemand"}, use: toFunctions},
	{forms: []string{"lsm_unlink"}, events: []string{"unlink"}},
	{forms: []string{"lsm_rmdir"}, events: []string{"rmdir"}},
	{forms: []string{"lsm_mkdir"}, events: []string{"mkdir"}},
	{forms: []string{"lsm_rename"}, events: []string{"rename"}},
	{forms: []string{"lsm_link"}, events: []string{"link"}},
	{forms: []string{"lsm_chmod"}, events: []string{"chmod"}},
	{forms: []string{"lsm_chown"}, events: []string{"chown"}},
	{forms: []string{"lsm_mount"}, events: []string{"mount"}},
	{forms: []string{"on_sysctl"}, events: []string{"sysctl"}, use: toCGroup},
	{forms: []string{"on_state"}, events: []string{"network_flow_monitor"}},
	{forms: []string{"on_socket"}, events: []string{"dns", "imds"}, use: toCGroup},
	{forms: []string{"on_connect4"}, events: []string{"dns", "imds"}, use: toCGroup},
	{forms: []string{"on_connect6"}, events: []string{"dns", "imds"}, use: toCGroup},
	{forms: []string{"on_egress"}, events: []string{"dns", "imds"}, use: toCGroup},
	{forms: []string{"on_ingress"}, events: []string{"dns", "imds"}, use: toCGroup},
}

// needs names the struct without which a form reads nothing: requests of io_uring
// were laid out otherwise before 6.0.
var needs = map[string]string{"on_uring": "io_cmd_data", "on_uring_old": "io_cmd_data"}

// wanted are the programs that the events of the options need.
func (all programs) wanted(o Options) programs {
	var out programs
	for _, p := range all {
		if p.always || len(p.events) == 0 || slices.ContainsFunc(p.events, func(e string) bool { return slices.Contains(o.Events, e) }) {
			out = append(out, p)
		}
	}
	return out
}

// chosen are the programs of which a form was chosen that is wanted.
func (all programs) chosen(choice map[string]string, wanted func(form string) bool) programs {
	return slices.DeleteFunc(slices.Clone(all), func(o program) bool {
		form := choice[o.forms[0]]
		return form == "" || !wanted(form)
	})
}

// kind names how a form is attached.
func (p program) kind(form string) string {
	switch {
	case p.use == toCGroup:
		return "cgroup"
	case p.use == toFunctions:
		return "kprobe"
	case form == "on_task":
		return "iter"
	case strings.HasSuffix(form, "_exit"):
		return "fexit"
	case strings.HasPrefix(form, "lsm_"):
		return "lsm"
	}
	return "tp_btf"
}

// writeHandler is where on_write stands in the array of handlers.
const writeHandler = 1

// use puts a loaded program to its use, unless it is.
func (p *Probe) use(name string, o program) error {
	if p.isAttached(name) {
		return nil
	}
	switch o.use {
	case attached:
		return p.attach(name)
	case toCGroup:
		return p.attachToCGroup(name)
	case toFunctions:
		return p.attachToFunctions(name)
	case handler:
		return p.objects.Maps["handlers"].Put(uint32(writeHandler), p.objects.Programs[name])
	}
	return nil
}

func (p *Probe) attach(name string) error {
	program := p.objects.Programs[name]
	var l link.Link
	var err error
	if program.Type() == ebpf.LSM {
		l, err = link.AttachLSM(link.LSMOptions{Program: program})
	} else {
		l, err = link.AttachTracing(link.TracingOptions{Program: program})
	}
	if err != nil {
		return err
	}
	return p.attached(name, l)
}

// attached keeps a link by the name of its program, or closes it where the probe is
// detached.
func (p *Probe) attached(name string, l link.Link) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.links == nil {
		return l.Close()
	}
	p.links[name] = append(p.links[name], l)
	return nil
}

func (p *Probe) isAttached(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links[name]) > 0
}

// detach ends what is attached by a name.
func (p *Probe) detach(name string) error {
	p.mu.Lock()
	list := p.links[name]
	delete(p.links, name)
	p.mu.Unlock()
	var err error
	for _, l := range list {
		err = errors.Join(err, l.Close())
	}
	return err
}

// atCGroup is how the programs at a cgroup are attached.
var atCGroup = map[string]ebpf.AttachType{
	"on_sysctl": ebpf.AttachCGroupSysctl, "on_socket": ebpf.AttachCGroupInetSockCreate,
	"on_connect4": ebpf.AttachCGroupInet4Connect, "on_connect6": ebpf.AttachCGroupInet6Connect,
	"on_egress": ebpf.AttachCGroupInetEgress, "on_ingress": ebpf.AttachCGroupInetIngress,
}

func (p *Probe) attachToCGroup(name string) error {
	root, err := CGroupRoot()
	if err != nil {
		return err
	}
	l, err := link.AttachCgroup(link.CgroupOptions{Path: root, Attach: atCGroup[name], Program: p.objects.Programs[name]})
	if err != nil {
		return err
	}
	return p.attached(name, l)
}

// attachToFunctions attaches a program to every function that rules name. The
// cookie tells which one it was: an empty name is a place that one of before had.
func (p *Probe) attachToFunctions(name string) error {
	for i, function := range p.options.Functions {
		if function == "" || p.isAttached(ofFunction(function)) {
			continue
		}
		l, err := link.Kprobe(function, p.objects.Programs[name], &link.KprobeOptions{Cookie: uint64(i)})
		if err != nil {
			return fmt.Errorf("%s: %w", function, err)
		}
		if err := p.attached(ofFunction(function), l); err != nil {
			return err
		}
	}
	return nil
}

// ofFunction is the name by which what is attached to a function is kept.
func ofFunction(function string) string { return "function " + function }

// CGroupRoot is where cgroups of version 2 are mounted.
func CGroupRoot() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		const point, kind = 1, 2
		if f := strings.Fields(line); len(f) > kind && f[kind] == "cgroup2" {
			return f[point], nil
		}
	}
	return "", errors.New("cgroups of version 2 are not mounted")
}

// Reason is why a program was refused, on one line. The verifier's own words and
// cilium's hint about memory, which is wrong for programs that a kernel forbids,
// are left out.
func Reason(err error) string {
	var verifier *ebpf.VerifierError
	switch {
	case errors.Is(err, os.ErrPermission) && (!errors.As(err, &verifier) || len(verifier.Log) == 0):
		return "this kernel forbids programs of this kind"
	case errors.Is(err, ebpf.ErrNotSupported):
		return "this kernel does not have what it is attached to"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
