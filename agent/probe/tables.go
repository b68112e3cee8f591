package probe

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"nightjar/agent/bpf"
)

// SetFilter says which events of a type leave the kernel, from now on.
func (p *Probe) SetFilter(t bpf.Type, f bpf.Filter) error {
	f.Active = 1
	if f.AuidLow == 0 && f.AuidHigh == 0 {
		f.AuidLow = 1 // no range approves
	}
	if err := p.objects.Maps["filters"].Put(uint32(t), &f); err != nil {
		return fmt.Errorf("set the filter of %s events: %w", t.Name(), err)
	}
	return nil
}

// EndFilter lets no more events of a type leave the kernel: nobody asks for them.
func (p *Probe) EndFilter(t bpf.Type) error {
	if err := p.objects.Maps["filters"].Put(uint32(t), &bpf.Filter{}); err != nil {
		return fmt.Errorf("end the filter of %s events: %w", t.Name(), err)
	}
	return nil
}

// ApproveName lets events of these types, a bit each, through by the last name
// of their file, and of no others; 0 takes the name back.
func (p *Probe) ApproveName(name string, types uint64) error {
	var key bpf.NameKey
	for i := range min(len(name), len(key.Name)) {
		key.Name[i] = int8(name[i])
	}
	var err error
	if types == 0 {
		err = p.objects.Maps["names"].Delete(&key)
	} else {
		err = p.objects.Maps["names"].Put(&key, types)
	}
	if err != nil {
		return fmt.Errorf("approve the name %q: %w", name, err)
	}
	return nil
}

// ForgetFolders ends what DiscardFolder was told, of this and of earlier generations. The
// kernel may count the generation up meanwhile, but not so far.
func (p *Probe) ForgetFolders() error {
	const far = 1 << 16
	var now uint32
	generation := p.objects.Variables["generation"]
	if err := generation.Get(&now); err != nil {
		return fmt.Errorf("forget folders: %w", err)
	}
	if err := generation.Set(now + far); err != nil {
		return fmt.Errorf("forget folders: %w", err)
	}
	return nil
}

// DiscardFolder holds back events of these types, a bit each, in a folder, as
// long as no name of a folder has changed since the generation.
func (p *Probe) DiscardFolder(key bpf.FolderKey, types uint64, generation uint32) error {
	return p.objects.Maps["folders"].Put(&key, &bpf.FolderValue{Types: types, Generation: uint64(generation)})
}

// Counts is what became of the events of each type.
type Counts [bpf.Types][bpf.Counts]uint64

// Counts reads the counts of the kernel.
func (p *Probe) Counts() (Counts, error) {
	var out Counts
	for t := range out {
		var perCPU [][bpf.Counts]uint64
		err := p.objects.Maps["counts"].Lookup(uint32(t), &perCPU)
		if err != nil {
			return out, fmt.Errorf("read what was counted: %w", err)
		}
		for _, one := range perCPU {
			for i, n := range one {
				out[t][i] += n
			}
		}
	}
	return out, nil
}

// ErrNoSnapshot is the error of a kernel that has no program for it.
var ErrNoSnapshot = errors.New("the kernel has no iterator of tasks")

// Snapshot calls found with a record for every process there is.
func (p *Probe) Snapshot(found func(bpf.Record)) error {
	program := p.objects.Programs["on_task"]
	if program == nil {
		return ErrNoSnapshot
	}
	it, err := link.AttachIter(link.IterOptions{Program: program})
	if err != nil {
		return fmt.Errorf("list the tasks: %w", err)
	}
	defer it.Close()
	r, err := it.Open()
	if err != nil {
		return fmt.Errorf("list the tasks: %w", err)
	}
	defer r.Close()
	return eachRecord(r, found)
}

// eachRecord reads records that stand one after the other.
func eachRecord(r io.Reader, found func(bpf.Record)) error {
	all, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("list the tasks: %w", err)
	}
	for len(all) > 0 {
		record, err := bpf.Parse(all)
		if err != nil {
			return err
		}
		size := int(record.Size)
		if size < bpf.HeaderSize || size > len(all) {
			return fmt.Errorf("%w: it says %d of %d bytes", bpf.ErrShort, size, len(all))
		}
		if record, err = bpf.Parse(all[:size]); err != nil {
			return err
		}
		found(record)
		all = all[size:]
	}
	return nil
}

// MapIDs are the ids of the maps, which are gone after Close.
func (p *Probe) MapIDs() ([]ebpf.MapID, error) {
	var out []ebpf.MapID
	for name, m := range p.objects.Maps {
		info, err := m.Info()
		if err != nil {
			return nil, fmt.Errorf("ask about map %s: %w", name, err)
		}
		if id, ok := info.ID(); ok {
			out = append(out, id)
		}
	}
	return out, nil
}

// ProgramIDs are the ids of the programs, which are gone after Close.
func (p *Probe) ProgramIDs() []ebpf.ProgramID {
	var out []ebpf.ProgramID
	for _, program := range p.objects.Programs {
		if info, err := program.Info(); err == nil {
			if id, ok := info.ID(); ok {
				out = append(out, id)
			}
		}
	}
	return out
}

// Existing counts the maps and programs that the kernel still has. It does not open
// them: to open and close an array of programs again and again, while the kernel is
// about to free it, leaks it (seen on 6.18).
func Existing(maps []ebpf.MapID, programs []ebpf.ProgramID) int {
	n := 0
	for _, id := range maps {
		if next, err := ebpf.MapGetNextID(id - 1); err == nil && next == id {
			n++
		}
	}
	for _, id := range programs {
		if next, err := ebpf.ProgramGetNextID(id - 1); err == nil && next == id {
			n++
		}
	}
	return n
}
