package probe

import (
	"runtime"
	"slices"

	"nightjar/agent/bpf"
)

// Widen subscribes to what the options ask for beside what is subscribed to: programs are
// loaded and attached, while those that run go on. What this kernel refuses is no error:
// Hooks tells. The events of further types leave the kernel once they have a filter.
// RingBytes and WakeBytes stay what they are.
func (p *Probe) Widen(o Options) error {
	before := p.options
	all := Options{
		RingBytes: before.RingBytes, WakeBytes: before.WakeBytes, Events: union(before.Events, o.Events), Urgent: union(before.Urgent, o.Urgent), Functions: o.Functions,
	}
	if err := p.loadFurther(all); err != nil {
		return err
	}
	if err := p.setUrgent(all.Urgent); err != nil {
		return err
	}
	if err := p.writeCalls(all.Events); err != nil {
		return err
	}
	p.subscribe(all)
	return nil
}

// Narrow ends what the options do not ask for any more. The filters of types that are not
// among them must have ended.
func (p *Probe) Narrow(o Options) error {
	before := p.options
	o.RingBytes, o.WakeBytes = before.RingBytes, before.WakeBytes
	if err := p.setUrgent(o.Urgent); err != nil {
		return err
	}
	if err := p.writeCalls(o.Events); err != nil {
		return err
	}
	for _, name := range p.unused(o) {
		if err := p.detach(name); err != nil {
			return err
		}
	}
	p.subscribe(o)
	return nil
}

// unused are the programs, and the functions, that are attached and that the options do
// not ask for.
func (p *Probe) unused(o Options) []string {
	keep := setOf([]string{"on_fork", "on_exec", "on_exit", "on_return"})
	for _, wanted := range optional.wanted(o) {
		keep[p.ready[wanted.forms[0]]] = true
	}
	for _, function := range o.Functions {
		keep[ofFunction(function)] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for name := range p.links {
		if !keep[name] {
			out = append(out, name)
		}
	}
	return out
}

// loadFurther loads the programs that the options ask for and that nobody asked for yet.
func (p *Probe) loadFurther(o Options) error {
	fresh := slices.DeleteFunc(optional.wanted(o), func(w program) bool {
		first := w.forms[0]
		return p.ready[first] != "" || p.refused[first] != ""
	})
	if len(fresh) == 0 {
		return nil
	}
	defer runtime.KeepAlive(bpf.KernelTypes()) // read once for all that is loaded
	spec, err := specFor(o)
	if err != nil {
		return err
	}
	choice, err := p.choose(spec, fresh)
	if err != nil {
		return err
	}
	for _, w := range fresh { // a form that serves another one too
		if form := choice[w.forms[0]]; p.objects.Programs[form] != nil {
			p.ready[w.forms[0]] = form
		}
	}
	p.loadMore(spec, fresh, choice, func(form string) bool { return p.objects.Programs[form] == nil })
	return nil
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
