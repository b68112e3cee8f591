package pipeline

// Nested is a pipeline within a pipeline.
type Nested struct {
	Base
	Description string      `json:"description,omitempty"`
	Filter      Filter      `json:"filter"`
	Processors  []Processor `json:"processors"`
	Tags        []string    `json:"tags,omitempty"`
}

func readNested(o *object, b Base) Processor {
	return &Nested{
		Base: b, Description: o.textOr("description", ""), Filter: o.filter("filter"),
		Processors: o.processors("processors", nestedLevel), Tags: o.tags(),
	}
}

func (n *Nested) run(x *run) outcome {
	if !x.matches(&n.Filter) {
		return skipped("its filter does not match")
	}
	step := x.trace
	if step == nil {
		x.process(n.Processors, nil)
		return applied
	}
	x.process(n.Processors, &step.Steps)
	x.trace = step
	return applied
}
