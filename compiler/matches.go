package compiler

import (
	"strconv"
	"strings"

	"nightjar/schema"
)

// Match is one event matching one label of a plan, in one group. Windows are
// made of matches; they hold all that an evaluation needs of the event.
type Match struct {
	At    schema.Millis
	Seq   uint64
	Label int
	// Group are the values of the label's group-by fields, in order.
	Group []string
	// Values are the distinct tuples that the event adds to AggCardinality, or
	// whose being new is asked by AggNewValue.
	Values []string
	// Number is what the event adds to AggSum and AggMax; valid if HasNumber.
	Number    float64
	HasNumber bool
	// With AggPlace, Values are latitude, longitude, the place's name and the
	// event's address; with AggGrade, Number is the case.
	// Tags are the event's, for what the signal's events have in common, and those
	// of its origin.
	Tags []string
}

// Matches are the plan's matches of the event, by the reader in memory.
func (p *BoundPlan) Matches(e *schema.Event) []Match { return p.MatchesCounting(e, &LeftOut{}) }

// MatchesCounting are the same, and count what is left out of them.
func (p *BoundPlan) MatchesCounting(e *schema.Event, out *LeftOut) []Match {
	var all []Match
	left := 0
	for i := range p.Labels {
		if p.Labels[i].Match(e) {
			matches, more := p.Expand(i, e)
			all, left = append(all, matches...), sum(left, more)
		}
	}
	if left > 0 {
		out.Add(e.ID(), left)
	}
	return all
}

// Match reports whether the event passes the label's query and the rule's filters.
func (l *Label) Match(e *schema.Event) bool { return l.Filter.Match(e) }

// Expand makes the matches of an event that label i is known to match: one for
// every group it is in, none when it lacks a group-by field, fails a check of a
// reference table or is excluded by a suppression. left is how many groups and
// tuples there would be beyond MaxTuples.
func (p *BoundPlan) Expand(i int, e *schema.Event) (matches []Match, left int) {
	l := &p.Labels[i]
	if p.excluded(e) || !p.passes(l, e) {
		return nil, 0
	}
	base := Match{At: e.At, Seq: e.Seq, Label: i, Tags: tagsOf(e)}
	switch l.Aggregation {
	case AggCardinality, AggNewValue:
		base.Values, left = l.tuples(e.Listed)
		if l.Aggregation == AggNewValue && len(base.Values) == 0 {
			return nil, 0 // an event without a value is not even a group's first
		}
	case AggPlace:
		place, ok := l.place(e)
		if !ok {
			return nil, 0
		}
		base.Values = place.values(e)
	case AggContent:
		signature, ok := l.signature(e)
		if !ok {
			return nil, 0
		}
		base.Values = []string{signature}
	case AggGrade:
		base.Number, base.HasNumber = float64(p.grade(e)), true
	case AggSum, AggMax:
		base.Number, base.HasNumber = l.number(e)
	}
	matches, more := l.inGroups(base, e.Listed)
	return matches, sum(left, more)
}

// tuples are the distinct tuples of an event with these values.
func (l *Label) tuples(values func(schema.Field) []string) (out []string, left int) {
	tuples, left := l.product(values, l.Distinct, nil)
	for _, tuple := range tuples {
		out = append(out, joinTuple(tuple))
	}
	return out, left
}

// inGroups is the match in every group of an event with these values.
func (l *Label) inGroups(base Match, values func(schema.Field) []string) (matches []Match, left int) {
	var missing []string
	if l.Optional {
		missing = []string{MissingGroup}
	}
	groups, left := l.product(values, l.GroupBy, missing)
	matches = make([]Match, len(groups))
	for n, g := range groups {
		matches[n] = base
		matches[n].Group = g
	}
	return matches, left
}

// Signals is about how many signals an event that label i matches may be in: one
// for every group that signals are kept apart by and, where each new value is a
// signal, every value.
func (p *Plan) Signals(i int, e *schema.Event) int {
	l := &p.Labels[i]
	var by []schema.Field
	for _, position := range p.SignalGroup {
		if position < len(l.GroupBy) {
			by = append(by, l.GroupBy[position])
		}
	}
	n := combinations(e, by)
	if p.PerValue && l.Aggregation == AggNewValue {
		n *= combinations(e, l.Distinct)
	}
	return n
}

// joinTuple makes one string of a tuple; different tuples give different ones.
func joinTuple(t []string) string {
	if len(t) == 1 {
		return t[0]
	}
	var b strings.Builder
	for _, v := range t {
		b.WriteString(strconv.Itoa(len(v)))
		b.WriteByte(':')
		b.WriteString(v)
	}
	return b.String()
}

// SplitTuple is the inverse of joinTuple, for a tuple of n values.
func SplitTuple(joined string, n int) []string {
	if n == 1 {
		return []string{joined}
	}
	var out []string
	for joined != "" {
		length, rest, _ := strings.Cut(joined, ":")
		size, err := strconv.Atoi(length)
		if err != nil || size > len(rest) {
			return append(out, joined) // not one of ours
		}
		out = append(out, rest[:size])
		joined = rest[size:]
	}
	return out
}

// number is the event's value of the metric field. Of an array, sum adds all
// numbers and max takes the greatest. Texts that are numbers are among them.
func (l *Label) number(e *schema.Event) (n float64, ok bool) {
	if l.Metric.Kind != schema.FieldAttribute {
		return 0, false
	}
	for _, leaf := range e.Lookup(l.Metric.Name) {
		v, isNumber := leaf.Number()
		if !isNumber {
			continue
		}
		switch {
		case !ok:
			n = v
		case l.Aggregation == AggSum:
			n += v
		default:
			n = max(n, v)
		}
		ok = true
	}
	return n, ok
}
