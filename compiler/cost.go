package compiler

import "nightjar/schema"

// What the parts of an evaluation cost, in units of about a microsecond.
const (
	costGroup = 100 // a signal group brought up to date, and its signal published
	costValue = 10  // a value learned for a group, and held in memory from then on
	costTuple = 1   // a distinct tuple, stored for a group
	costTag   = 1   // a tag, stored for a group
)

// Cost is how much work an event that label i matches is, in units of about a
// microsecond: the groups that it is in times what each of them keeps of it.
func (p *Plan) Cost(i int, e *schema.Event) int {
	l := &p.Labels[i]
	each := costGroup + costTag*len(e.Tags)
	switch l.Aggregation {
	case AggCardinality:
		each += costTuple * combinations(e, l.Distinct)
	case AggNewValue:
		each += costValue * combinations(e, l.Distinct)
		if p.PerValue {
			each += costGroup * combinations(e, l.Distinct)
		}
	}
	return each * combinations(e, l.GroupBy)
}

// countExactly is from how many values on it is worth finding the equal ones.
const countExactly = 64

// combinations is how many tuples the values of the fields make, at most
// MaxTuples. Up to countExactly equal values may be counted twice.
func combinations(e *schema.Event, fields []schema.Field) int {
	n := 1
	for _, f := range fields {
		values := 1
		switch {
		case f.Kind == schema.FieldAttribute:
			values = len(e.Lookup(f.Name))
		case f.Kind == schema.FieldTag || f.Name == "tags":
			values = len(e.Tags)
		}
		if values > countExactly {
			values = len(e.Values(f))
		}
		n = min(MaxTuples, n*max(1, values))
	}
	return n
}
