package compiler

import (
	"time"
)

// Novelty says when a value of a group is new (docs/semantics.md, "New values" and
// "Usual locations").
type Novelty struct {
	// Forget is how long a value counts as seen after it was last there.
	Forget time.Duration
	// First is how many of a group's first events learning waits for: what
	// happens at the time of the last of them, or before, is silent.
	First int
	// Learn is how long after a group's first event values are learned in
	// silence; the end of it is silent if LearnEnd.
	Learn    time.Duration
	LearnEnd bool
	// Before is how far back events that were stored before the rule was made
	// are learned from; 0: not at all.
	Before time.Duration
}

const day = 24 * time.Hour

// TupleSize is how many fields a value of the label is of, whose being new
// matters.
func (p *Plan) TupleSize(label int) int {
	if p.Labels[label].Aggregation == AggPlace {
		return 2 // city and country
	}
	return len(p.Labels[label].Distinct)
}

// Values are the values of a match whose being new matters: the new-value
// tuples, or the place; nil where nothing has to be new.
func (p *Plan) Values(m *Match) []string {
	switch {
	case p.Novelty == nil:
		return nil
	case p.Labels[m.Label].Aggregation == AggNewValue:
		return m.Values
	case p.Labels[m.Label].Aggregation == AggPlace:
		return m.common()
	case p.Labels[m.Label].Aggregation == AggContent:
		return []string{} // it is no value that was seen or is new
	}
	return nil
}
