package pipeline

import "nightjar/ingest/record"

// Exclude removes an attribute, and what is below it.
type Exclude struct {
	Base
	Attribute string `json:"attribute_to_exclude"`

	path record.Path
}

func readExclude(o *object, b Base) Processor {
	e := &Exclude{Base: b}
	e.Attribute, e.path = o.attribute("attribute_to_exclude", "")
	return e
}

func (e *Exclude) run(x *run) outcome {
	if x.Get(e.path) == nil {
		return skipped("there is no such attribute")
	}
	x.take(e.path)
	return applied
}
