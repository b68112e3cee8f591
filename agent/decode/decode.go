package decode

import (
	"nightjar/agent/abi"
	"nightjar/agent/bpf"
	"nightjar/agent/process"
	"nightjar/secl/event"
)

// Decoder makes events of records. It belongs to one goroutine.
type Decoder struct {
	Cache    *process.Cache
	Clock    process.Clock
	Hostname string
	// Functions are those of probe.Options.
	Functions []string
	// Unresolved counts files of which only the path as it was written is known.
	Unresolved uint64
	ownNet     uint32 // see netns
}

// fill is what a type of events has beside its process.
type fill func(*Decoder, *event.Event, bpf.Record)

// fills has a function for every type of events that a record can be.
var fills = map[bpf.Type]fill{}

func register(list map[string]fill) {
	for name, f := range list {
		fills[bpf.TypeOf(name)] = f
	}
}

// Types are the types of events that records are made into.
func Types() []string {
	var out []string
	for t := range fills {
		out = append(out, t.Name())
	}
	return out
}

// Event fills an event, which was reset before, from a record. It reports whether
// the record is an event at all; some only tell the cache something. Call done
// when the event has been looked at.
func (d *Decoder) Event(e *event.Event, r bpf.Record) (done func(), ok bool) {
	done = func() {}
	switch r.Kind() {
	case bpf.Args:
		d.Cache.Piece(r)
		return done, false
	case bpf.CGroupNew:
		d.Cache.CGroups.Made(r)
		return done, false
	case bpf.CGroupMove:
		d.Cache.CGroups.Moved(r)
		return done, false
	case bpf.Fork:
		d.Cache.Fork(r)
		return done, false
	case bpf.Exec:
		if r.Has(bpf.Denied) {
			e.Process = d.attempt(r)
		} else {
			e.Process = d.Cache.Exec(r)
		}
	case bpf.Exit:
		e.Process, done = d.Cache.Exit(r)
	default:
		e.Process = d.Cache.Of(r)
	}
	f := fills[r.Kind()]
	if f == nil {
		return done, false
	}
	d.common(e, r)
	f(d, e, r)
	return done, true
}

func (d *Decoder) common(e *event.Event, r bpf.Record) {
	d.about(e, r.Kind().Name(), r.Time, r.Ret)
	e.Async = r.Has(bpf.Uring)
	if e.Process.Container != "" {
		e.Container = d.Cache.CGroups.Get(e.Process, r.Who.Hierarchy).Container
		e.Container.ID = e.Process.Container
	}
}

// about sets what all events have.
func (d *Decoder) about(e *event.Event, kind string, boot uint64, ret int64) {
	e.Type, e.Timestamp, e.Retval = kind, d.Clock(boot), ret
	e.Hostname, e.OS, e.Origin, e.Source = d.Hostname, "linux", "ebpf", "runtime"
	e.Service = process.Service(e.Process)
	e.CGroup = e.Process.CGroup
	e.Container.ID = e.Process.Container
}

// call is the name of the record's system call.
func call(r bpf.Record) string { return abi.Name(int(r.Call), r.Has(bpf.Compat)) }

func init() {
	register(map[string]fill{
		"exec": func(d *Decoder, e *event.Event, r bpf.Record) {
			e.File = e.Process.File
			e.Syscall.Path = r.Text(bpf.PartPath)
		},
		"exit": func(d *Decoder, e *event.Event, r bpf.Record) {
			e.File = e.Process.File
			const signals, dumped = 0x7f, 0x80
			code := int64(r.Num[0])
			switch {
			case code&dumped != 0:
				e.Exit.Cause, e.Exit.Code = 1, code&signals
			case code&signals != 0:
				e.Exit.Cause, e.Exit.Code = 2, code&signals
			default:
				e.Exit.Code = code >> 8 & 0xff
			}
		},
	})
}
