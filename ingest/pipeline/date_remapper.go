package pipeline

import (
	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/ingest/times"
	"nightjar/schema"
)

// DateRemapper gives the record its time.
type DateRemapper struct {
	Base
	Sources []string `json:"sources"`
	// IfMissing is ours: it applies only where the event itself has said no time.
	IfMissing bool `json:"if_missing,omitempty"`

	paths []record.Path
}

func readDateRemapper(o *object, b Base) Processor {
	d := &DateRemapper{Base: b, IfMissing: o.flagOr("if_missing", false)}
	d.Sources, d.paths = o.attributes("sources")
	return d
}

func (d *DateRemapper) run(x *run) outcome {
	if d.IfMissing && x.said {
		return skipped("the event says its time itself")
	}
	why := noSource
	for _, p := range d.paths {
		v := x.Get(p)
		if v == nil {
			continue
		}
		at, ok := d.date(x, v)
		if !ok {
			why = p.String() + " is no date"
			continue
		}
		if !x.set.Dates.allows(at, x.Received) {
			why = p.String() + " is out of the range of dates"
			continue
		}
		x.At, x.Timed = at, true
		x.tell("timestamp", at.String())
		return applied
	}
	return skipped(why)
}

// date is what stands there, read as the vendor does; where the line counts only if the
// event says no time itself, which is ours, in any form that the intake reads.
func (d *DateRemapper) date(x *run, v *fastjson.Value) (schema.Millis, bool) {
	r := times.Reader{Now: x.Received, Year: x.Year, Zone: x.Zone}
	if !d.IfMissing {
		return dates(r).of(v)
	}
	r.Millis = v.Type() == fastjson.TypeNumber // which grok's date makes
	at, err := r.Value(v)
	return at, err == nil && at >= schema.MinMillis && at <= schema.MaxMillis
}
