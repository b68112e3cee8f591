package agent

import (
	"path"
	"slices"
	"strings"

	"nightjar/agent/bpf"
	"nightjar/agent/probe"
	"nightjar/secl"
	"nightjar/secl/event"
	"nightjar/secl/ruleset"
)

// filters are what the kernel is told about events that can't match.
type filters struct {
	kernel   map[bpf.Type]bpf.Filter // of all types that are subscribed to
	names    map[string]uint64       // of files that are let through, with the types, a bit each
	discards map[bpf.Type]bool
	told     map[string]bool // folders, by type and path, and whether they are discarded
	state    map[string]Filtering
}

// Filtering says how the kernel filters a type of events.
type Filtering struct {
	Approving bool     `json:"approving"`          // only what rules may match leaves the kernel
	By        []string `json:"by,omitempty"`       // the fields it is recognised by
	Without   []string `json:"without,omitempty"`  // the rules because of which everything leaves it
	Discards  bool     `json:"discards,omitempty"` // folders in which nothing matches are held back
	Names     int      `json:"names,omitempty"`    // of files that are let through
}

// inKernel are the fields that the programs filter by. What secl could do beyond
// that is left out, so that it finds another field, or none.
func inKernel(kind string) []secl.Capability {
	caps := event.KernelFilters(kind)
	return slices.DeleteFunc(caps, func(k secl.Capability) bool {
		switch k.Field {
		case "process.auid", "open.flags", "mmap.protection", "mprotect.req_protection", "bpf.cmd", "setsockopt.optname":
			return false
		}
		return !strings.HasSuffix(k.Field, ".file.path") && !strings.HasSuffix(k.Field, ".file.name")
	})
}

// newFilters finds what the kernel can be told for these rules. Events that were asked
// for without rules all come.
func newFilters(rules *ruleset.Set, all []string) filters {
	f := filters{
		kernel: map[bpf.Type]bpf.Filter{}, names: map[string]uint64{}, discards: map[bpf.Type]bool{}, told: map[string]bool{}, state: map[string]Filtering{},
	}
	for _, kind := range all {
		f.kernel[bpf.TypeOf(kind)] = bpf.Filter{AuidLow: 1}
	}
	for _, kind := range rules.Events() {
		t := bpf.TypeOf(kind)
		if t == 0 || slices.Contains(all, kind) {
			continue
		}
		bucket := rules.For(kind)
		filter, state := f.kernelFilter(t, bucket.Approve(inKernel(kind)), f.names)
		if kind == "open" && !state.Approving && bucket.DiscardsUnder(kind+".file.path", "/nightjar-no-such-folder") {
			state.Discards, filter.Discards, f.discards[t] = true, 1, true
		}
		f.kernel[t], f.state[kind] = filter, state
	}
	return f
}

// install tells the kernel, which was told nothing before.
func (f *filters) install(p *probe.Probe) error { return f.narrow(p, &filters{}) }

// widen has the kernel let through what these or those of before do. Names come first: a
// filter may rely on them.
func (f *filters) widen(p *probe.Probe, before *filters) error {
	for name, types := range f.names {
		if err := p.ApproveName(name, types|before.names[name]); err != nil {
			return err
		}
	}
	for t, filter := range f.kernel {
		if old, ok := before.kernel[t]; ok {
			filter = either(filter, old)
		}
		filter.Discards = 0 // those of before were found for other rules
		if err := p.SetFilter(t, filter); err != nil {
			return err
		}
	}
	return nil
}

// narrow has the kernel let through what these do, and no more.
func (f *filters) narrow(p *probe.Probe, before *filters) error {
	for name, types := range f.names {
		if err := p.ApproveName(name, types); err != nil {
			return err
		}
	}
	for t, filter := range f.kernel {
		if err := p.SetFilter(t, filter); err != nil {
			return err
		}
	}
	for t := range before.kernel {
		if _, ok := f.kernel[t]; !ok {
			if err := p.EndFilter(t); err != nil {
				return err
			}
		}
	}
	for name := range before.names {
		if f.names[name] == 0 {
			if err := p.ApproveName(name, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// either lets through what one of two filters does.
func either(a, b bpf.Filter) bpf.Filter {
	everything := bpf.Filter{AuidLow: 1}
	if a.Approving == 0 || b.Approving == 0 {
		return everything
	}
	out := a
	out.AnyOf |= b.AnyOf
	out.LongNames |= b.LongNames
	for i := range out.Lengths {
		out.Lengths[i] |= b.Lengths[i]
	}
	for _, v := range b.Equal[:b.Equals] {
		if slices.Contains(out.Equal[:out.Equals], v) {
			continue
		}
		if out.Equals == maxEquals {
			return everything
		}
		out.Equal[out.Equals] = v
		out.Equals++
	}
	if b.AuidLow <= b.AuidHigh {
		out.AuidLow, out.AuidHigh = widen(out, secl.FieldValue{Low: int64(b.AuidLow), High: int64(b.AuidHigh)})
	}
	return out
}

// maxEquals is how many values the programs compare with, as in wire.h.
const maxEquals = 8

// kernelFilter writes approvals as the programs read them, and adds the names to
// names.
func (f *filters) kernelFilter(t bpf.Type, a ruleset.Approvals, names map[string]uint64) (bpf.Filter, Filtering) {
	out, state := bpf.Filter{AuidLow: 1}, Filtering{Without: a.Without}
	if len(a.Fields) == 0 {
		return out, state
	}
	out.Approving, state.Approving = 1, true
	for field, values := range a.Fields {
		state.By = append(state.By, field)
		for _, v := range values {
			switch {
			case v.Kind == secl.KindRange:
				out.AuidLow, out.AuidHigh = widen(out, v)
			case v.Kind == secl.KindBitmask:
				out.AnyOf |= uint64(v.Value.Int)
			case field == "process.auid":
				out.AuidLow, out.AuidHigh = widen(out, secl.FieldValue{Low: v.Value.Int, High: v.Value.Int})
			case v.Value.Kind == secl.Int && out.Equals == maxEquals:
				return bpf.Filter{AuidLow: 1}, Filtering{Without: []string{"more than 8 values of " + field}}
			case v.Value.Kind == secl.Int:
				out.Equal[out.Equals] = uint64(v.Value.Int)
				out.Equals++
			default:
				state.Names++
				approveName(&out, t, v.Value.Text, names)
			}
		}
	}
	slices.Sort(state.By)
	return out, state
}

func widen(f bpf.Filter, v secl.FieldValue) (low, high uint32) {
	if f.AuidLow > f.AuidHigh {
		return uint32(v.Low), uint32(v.High)
	}
	return min(f.AuidLow, uint32(v.Low)), max(f.AuidHigh, uint32(v.High))
}

// approveName adds the last name of a path. Names that are longer than the
// programs look at pass all, if one of them does.
func approveName(f *bpf.Filter, t bpf.Type, text string, names map[string]uint64) {
	name := text[strings.LastIndexByte(text, '/')+1:]
	if len(name) >= len(bpf.NameKey{}.Name) {
		f.LongNames = 1
		return
	}
	f.Lengths[len(name)/64] |= 1 << (len(name) % 64)
	names[name] |= 1 << t
}

// maxTold bounds the folders that are remembered.
const maxTold = 16384

// learn finds out whether the folder of a file of which no rule matched can be
// held back as a whole.
func (f *filters) learn(p *probe.Probe, bucket *ruleset.Bucket, r bpf.Record) {
	t := r.Kind()
	if !f.discards[t] {
		return
	}
	info, at := r.File(bpf.PartFile)
	if info == nil || r.Has(bpf.Cut) {
		return
	}
	folder := path.Dir(at)
	key := t.Name() + " " + folder
	discard, known := f.told[key]
	if !known {
		if len(f.told) >= maxTold {
			clear(f.told)
		}
		discard = bucket.DiscardsUnder(t.Name()+".file.path", folder)
		f.told[key] = discard
	}
	if discard {
		// The worst of an error is that the events keep coming.
		_ = p.DiscardFolder(bpf.FolderKey{Inode: info.Parent, Dev: info.Dev, Mount: info.Mount}, 1<<t, r.Generation)
	}
}
