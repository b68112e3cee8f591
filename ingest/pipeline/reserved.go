package pipeline

import (
	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// Remapper is a remapper of a reserved field: status, service, message, trace or span id.
type Remapper struct {
	Base
	Sources []string `json:"sources"`

	paths []record.Path
	remap func(*run, *fastjson.Value, record.Path) (outcome, bool)
}

func newRemapper(o *object, b Base, remap func(*run, *fastjson.Value, record.Path) (outcome, bool), absent ...string) Processor {
	r := &Remapper{Base: b, remap: remap}
	r.Sources, r.paths = o.attributes("sources", absent...)
	return r
}

// run gives the first source that the field can have. What it has been given by an
// earlier remapper stays.
func (r *Remapper) run(x *run) outcome {
	why := noSource
	for _, p := range r.paths {
		v := x.attribute(p)
		if v == nil {
			continue
		}
		if out, ok := r.remap(x, v, p); ok {
			return out
		}
		why = "none of its sources is a text"
	}
	return skipped(why)
}

func readStatusRemapper(o *object, b Base) Processor {
	return newRemapper(o, b, func(x *run, v *fastjson.Value, _ record.Path) (outcome, bool) {
		return x.give(givenStatus, &x.Status, "status", statusOf(v)), true
	})
}

func readServiceRemapper(o *object, b Base) Processor {
	return newRemapper(o, b, func(x *run, v *fastjson.Value, _ record.Path) (outcome, bool) {
		text, ok := record.Text(v)
		if !ok {
			return outcome{}, false
		}
		return x.give(givenService, &x.Service, "service", text), true
	})
}

// readHostRemapper reads a processor of ours: devices that tell of others name themselves
// in their lines, and only they know.
func readHostRemapper(o *object, b Base) Processor {
	return newRemapper(o, b, func(x *run, v *fastjson.Value, _ record.Path) (outcome, bool) {
		text, ok := record.Text(v)
		if !ok || text == "" {
			return outcome{}, false
		}
		return x.give(givenHost, &x.Host, "host", text), true
	})
}

func readMessageRemapper(o *object, b Base) Processor {
	return newRemapper(o, b, moving(givenMessage, "message", func(x *run) *string { return &x.Message }), "msg")
}

func readTraceRemapper(o *object, b Base) Processor {
	return newRemapper(o, b, moving(givenTrace, "trace_id", func(x *run) *string { return &x.TraceID }), "dd.trace_id")
}

func readSpanRemapper(o *object, b Base) Processor {
	return newRemapper(o, b, moving(givenSpan, "span_id", func(x *run) *string { return &x.SpanID }), "dd.span_id")
}

// moving gives a field the text of the attribute, which goes.
func moving(f givenField, name string, field func(*run) *string) func(*run, *fastjson.Value, record.Path) (outcome, bool) {
	return func(x *run, v *fastjson.Value, p record.Path) (outcome, bool) {
		text, ok := record.Text(v)
		if !ok {
			return outcome{}, false
		}
		out := x.give(f, field(x), name, text)
		if out.Outcome == Applied {
			x.take(p)
		}
		return out, true
	}
}
