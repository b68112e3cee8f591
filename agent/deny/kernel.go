package deny

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"nightjar/agent/bpf"
	"nightjar/agent/probe"
)

// lsmOf are the LSM programs.
var lsmOf = map[Operation]string{Exec: "deny_exec", Open: "deny_open", Connect: "deny_connect"}

// bit is an operation as in deny.c.
func (o Operation) bit() uint32 {
	if o == Exec {
		return 1
	}
	return 2
}

// kernel is the programs that deny, and their tables.
type kernel struct {
	objects *ebpf.Collection
	group   string
	links   map[string]link.Link
	refused map[string]error
	names   map[string]uint32
}

// loadKernel loads the programs. Those for LSM that this kernel forbids are left out.
func loadKernel(o Options) (*kernel, error) {
	defer runtime.KeepAlive(bpf.KernelTypes()) // read once for all that is loaded
	spec, err := bpf.LoadDeny()
	if err != nil {
		return nil, err
	}
	shared := map[string]*ebpf.Map{}
	for _, name := range []string{"events", "counts"} { // the rest is every object's own
		if m := o.Shared[name]; m != nil {
			shared[name] = m
		}
	}
	base := spec.Copy()
	maps.DeleteFunc(base.Programs, func(_ string, p *ebpf.ProgramSpec) bool { return p.Type == ebpf.LSM })
	objects, err := ebpf.NewCollectionWithOptions(base, ebpf.CollectionOptions{MapReplacements: shared, Cache: bpf.KernelTypes()})
	if err != nil {
		return nil, err
	}
	k := &kernel{objects: objects, group: o.CGroup, links: map[string]link.Link{}, refused: map[string]error{}, names: map[string]uint32{}}
	for _, name := range lsmOf {
		if err := k.loadLSM(spec, name); err != nil {
			k.refused[name] = err
		}
	}
	// Records of denials are told at once: who reads them is woken.
	for name, value := range map[string]any{"agent_pid": uint32(os.Getpid()), "urgent": ^uint64(0)} {
		if err := objects.Variables[name].Set(value); err != nil {
			return nil, errors.Join(fmt.Errorf("set %s: %w", name, err), k.close())
		}
	}
	return k, nil
}

// loadLSM loads one program, which shares the maps of the others.
func (k *kernel) loadLSM(spec *ebpf.CollectionSpec, name string) error {
	one := spec.Copy()
	maps.DeleteFunc(one.Programs, func(n string, _ *ebpf.ProgramSpec) bool { return n != name })
	c, err := ebpf.NewCollectionWithOptions(one, ebpf.CollectionOptions{MapReplacements: k.objects.Maps, Cache: bpf.KernelTypes()})
	if err != nil {
		return err
	}
	k.objects.Programs[name] = c.DetachProgram(name)
	c.Close()
	return nil
}

// attach lets a program see what happens. Nothing is done where it does already.
func (k *kernel) attach(name string) (err error) {
	if k.links[name] != nil {
		return nil
	}
	if err := k.refused[name]; err != nil {
		return err
	}
	var l link.Link
	switch program := k.objects.Programs[name]; {
	case program.Type() == ebpf.LSM:
		l, err = link.AttachLSM(link.LSMOptions{Program: program})
	default:
		l, err = k.attachToGroup(name, program)
	}
	if err != nil {
		k.refused[name] = err
		return err
	}
	k.links[name] = l
	return nil
}

func (k *kernel) attachToGroup(name string, program *ebpf.Program) (link.Link, error) {
	group, err := groupOr(k.group)
	if err != nil {
		return nil, err
	}
	at := map[string]ebpf.AttachType{"deny_connect4": ebpf.AttachCGroupInet4Connect, "deny_connect6": ebpf.AttachCGroupInet6Connect}[name]
	return link.AttachCgroup(link.CgroupOptions{Path: group, Attach: at, Program: program})
}

// programsOf are all programs of an operation.
var programsOf = map[Operation][]string{
	Exec: {lsmOf[Exec]}, Open: {lsmOf[Open]}, Connect: {lsmOf[Connect], "deny_connect4", "deny_connect6"},
}

// detachUnused takes the programs out of the way of operations of which nothing is
// denied.
func (k *kernel) detachUnused(used map[Operation]bool) error {
	var err error
	for op, names := range programsOf {
		for _, name := range names {
			if l := k.links[name]; l != nil && !used[op] {
				err = errors.Join(err, l.Close())
				delete(k.links, name)
			}
		}
	}
	return err
}

// groupOr is a control group, or the root of version 2.
func groupOr(group string) (string, error) {
	if group != "" {
		return group, nil
	}
	return probe.CGroupRoot()
}

// reason is why a program is not used, on one line.
func (k *kernel) reason(name string, err error) string {
	return probe.Reason(cmp.Or(k.refused[name], err))
}

// hasLSM reports whether files are denied by LSM.
func (k *kernel) hasLSM() bool { return k.links[lsmOf[Exec]] != nil || k.links[lsmOf[Open]] != nil }

func (k *kernel) arm(armed bool) error {
	var value uint32
	if armed {
		value = 1
	}
	return k.objects.Variables["armed"].Set(value)
}

// maxRanges is how many ranges of ports a network has, as in deny.c.
const maxRanges = len(bpf.DenyPorts{}.At)

func netKey(p netip.Prefix) *bpf.DenyNet {
	key := &bpf.DenyNet{Bits: uint32(p.Bits()), Address: p.Addr().As16()}
	if p.Addr().Is4() {
		const mapped = 96
		key.Bits += mapped
	}
	return key
}

// putNet sets the ports of a network that are denied, and returns those for which
// there is no room.
func (k *kernel) putNet(p netip.Prefix, list []Entry) (left []Entry, err error) {
	var v bpf.DenyPorts
	for i, e := range list[:min(len(list), maxRanges)] {
		v.At[i] = bpf.DenyRange{Low: e.Net.Low, High: e.Net.High, Protocols: uint32(e.Net.Protocols), Entry: e.ID}
		v.Count++
	}
	if err := k.objects.Maps["deny_nets"].Put(netKey(p), &v); err != nil {
		return nil, fmt.Errorf("deny connections to %s: %w", p, err)
	}
	return list[min(len(list), maxRanges):], nil
}

func (k *kernel) removeNet(p netip.Prefix) error {
	return k.objects.Maps["deny_nets"].Delete(netKey(p))
}

// maxKernelPath is how many bytes of a path the programs compare.
const maxKernelPath = len(bpf.DenyPath{}.Path)

// kernelPath is a path for an operation.
type kernelPath struct {
	op   uint32
	path string
}

func (p kernelPath) key() *bpf.DenyPath {
	key := &bpf.DenyPath{Op: p.op}
	for i := range len(p.path) {
		key.Path[i] = int8(p.path[i])
	}
	return key
}

func (k *kernel) putPath(p kernelPath, entry uint32) error {
	if err := k.objects.Maps["deny_paths"].Put(p.key(), entry); err != nil {
		return fmt.Errorf("deny %s: %w", p.path, err)
	}
	return nil
}

func (k *kernel) removePath(p kernelPath) error { return k.objects.Maps["deny_paths"].Delete(p.key()) }

func nameOf(p string) string { return path.Base(p) }

// replaceNames says which last names the denied paths have, new ones first.
func (k *kernel) replaceNames(names map[string]uint32) error {
	m := k.objects.Maps["deny_names"]
	key := func(name string) *bpf.NameKey {
		out := &bpf.NameKey{}
		for i := range min(len(name), len(out.Name)) {
			out.Name[i] = int8(name[i])
		}
		return out
	}
	for name, ops := range names {
		if err := m.Put(key(name), ops); err != nil {
			return fmt.Errorf("deny the name %q: %w", name, err)
		}
	}
	for name := range k.names {
		if _, wanted := names[name]; !wanted {
			if err := m.Delete(key(name)); err != nil {
				return err
			}
		}
	}
	k.names = names
	return nil
}

// putFile and removeFile list an inode for an operation.
func (k *kernel) putFile(i inode, op Operation, entry uint32) error {
	v := &bpf.DenyIdentity{Entry: entry, Generation: i.generation}
	if i.hasGeneration {
		v.Compare = 1
	}
	return k.objects.Maps["deny_files"].Put(&bpf.DenyFile{Inode: i.number, Dev: i.dev, Op: op.bit()}, v)
}

func (k *kernel) removeFile(i inode, op Operation) error {
	return k.objects.Maps["deny_files"].Delete(&bpf.DenyFile{Inode: i.number, Dev: i.dev, Op: op.bit()})
}

// spare lists the inodes of protected executables.
func (k *kernel) spare(add, remove []inode) error {
	m := k.objects.Maps["deny_spared"]
	var err error
	for _, i := range add {
		err = errors.Join(err, m.Put(&bpf.DenyFile{Inode: i.number, Dev: i.dev}, uint32(1)))
	}
	for _, i := range remove {
		err = errors.Join(err, m.Delete(&bpf.DenyFile{Inode: i.number, Dev: i.dev}))
	}
	return err
}

// close takes the programs out of the kernel.
func (k *kernel) close() error {
	var err error
	for _, name := range slices.Sorted(maps.Keys(k.links)) {
		err = errors.Join(err, k.links[name].Close())
	}
	k.links = map[string]link.Link{}
	k.objects.Close()
	k.objects.Variables = nil
	return err
}
