package compiler

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"nightjar/schema"
)

// MaxTuples bounds how many groups, and how many distinct tuples, one event is
// counted in for one label: an event with long arrays in several fields would
// be in their product. Those with values that the label's queries name come
// first, then all in the order of the arrays; the rest is left out, and told.
const MaxTuples = 10_000

// LeftOut is what MaxTuples left out: how many groups and tuples, of how many
// events, the first of which is named.
type LeftOut struct {
	Events, Tuples int
	First          string // its schema.EventID
}

// Add counts an event of which so many tuples were left out.
func (o *LeftOut) Add(id string, tuples int) {
	if tuples == 0 {
		return
	}
	if o.Events++; o.Events == 1 {
		o.First = id
	}
	o.Tuples = sum(o.Tuples, tuples)
}

// String says it in a sentence; it is empty where nothing was left out.
func (o LeftOut) String() string {
	if o.Events == 0 {
		return ""
	}
	return fmt.Sprintf("%d groups and tuples of values were left out: of an event and query only %d count, those with values that the query names first (%d events with long arrays, the first is %s)",
		o.Tuples, MaxTuples, o.Events, o.First)
}

// sum and times stop at the greatest number.
func sum(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func times(a, b int) int {
	if b != 0 && a > math.MaxInt/b {
		return math.MaxInt
	}
	return a * b
}

// product is every combination of the fields' values, one combination of no
// values for no fields. missing are the values of a field that the event lacks; where
// they are none, too, there is no combination. left is how many are left out.
func (l *Label) product(valuesOf func(schema.Field) []string, fields []schema.Field, missing []string) (tuples [][]string, left int) {
	lists, all := make([][]string, len(fields)), 1
	for i, f := range fields {
		lists[i] = valuesOf(f)
		if len(lists[i]) == 0 {
			if len(missing) == 0 {
				return nil, 0
			}
			lists[i] = slices.Clone(missing)
		}
		for j, v := range lists[i] {
			lists[i][j] = strings.Clone(v) // a match outlives the event, whose text this is part of
		}
		all = times(all, len(lists[i]))
	}
	if all > MaxTuples {
		return l.firstTuples(lists, fields), all - MaxTuples
	}
	tuples = make([][]string, 0, all)
	for _, list := range lists {
		slices.Sort(list)
	}
	combine(lists, nil, func(t []string) bool {
		tuples = append(tuples, t)
		return true
	})
	return tuples, 0
}

// combine gives every combination of the lists' values after those chosen, in
// order, until it is told to stop.
func combine(lists [][]string, chosen []string, yield func([]string) bool) bool {
	if len(lists) == 0 {
		return yield(slices.Clone(chosen))
	}
	for _, v := range lists[0] {
		if !combine(lists[1:], append(chosen, v), yield) {
			return false
		}
	}
	return true
}

// firstTuples are MaxTuples of the combinations: those with the most values that
// the queries name first.
func (l *Label) firstTuples(lists [][]string, fields []schema.Field) [][]string {
	named, others := make([][]string, len(lists)), make([][]string, len(lists))
	for i, list := range lists {
		names := l.Filter.Names(fields[i])
		for _, v := range list {
			if names(v) {
				named[i] = append(named[i], v)
			} else {
				others[i] = append(others[i], v)
			}
		}
	}
	var out [][]string
	for unnamed := 0; unnamed <= len(lists) && len(out) < MaxTuples; unnamed++ {
		split(named, others, nil, unnamed, func(chosen [][]string) bool {
			return combine(chosen, nil, func(t []string) bool {
				out = append(out, t)
				return len(out) < MaxTuples
			})
		})
	}
	return out
}

// split gives every choice of a list of each field of which so many are those of
// other values. Choices with an empty list are none.
func split(named, others, chosen [][]string, unnamed int, yield func([][]string) bool) bool {
	i := len(chosen)
	switch {
	case i == len(named):
		return unnamed > 0 || yield(chosen)
	case unnamed > len(named)-i:
		return true
	}
	if len(named[i]) > 0 && !split(named, others, append(chosen[:i:i], named[i]), unnamed, yield) {
		return false
	}
	if len(others[i]) > 0 && unnamed > 0 {
		return split(named, others, append(chosen[:i:i], others[i]), unnamed-1, yield)
	}
	return true
}
