package pipeline

import (
	"nightjar/ingest/record"
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
	d := &DateRemapper{Base: b, IfMissing: o.flag("if_missing", false)}
	d.Sources, d.paths = o.attributes("sources")
	return d
}

func (d *DateRemapper) run(x *run) outcome {
	if d.IfMissing && x.Timed {
		return skipped("the event says its time itself")
	}
	why := noSource
	for _, p := range d.paths {
		v := x.Get(p)
		if v == nil {
			continue
		}
		at, ok := dates{Now: x.Received, Year: x.Year, Zone: x.Zone}.of(v)
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
