package scheduler

import (
	"cmp"
	"iter"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// hit is a moment at which a case of a rule matched.
type hit struct {
	at     schema.Millis
	caseAt int
	// quiet is what was not there, of a hit at a silence point, of an absence or of a
	// bucket that was too low.
	quiet *quiet
}

// hits finds the moments, from `from` on, at which cases of the plan match, in
// the matches of the signal group: an exact sliding window, at every distinct
// event time, and where events stay away up to the horizon. The matches must
// reach back to from − Lookback, sorted by time; globals are those of the plan's
// labels without group-by fields.
func (u *unit) hits(matches, globals []compiler.Match, from schema.Millis) []hit {
	var out []hit
	for _, group := range u.groups(matches) {
		switch plan := u.plan; {
		case plan.Method == compiler.MethodAnomaly:
			out = append(out, u.usual.hits(group.matches, from)...)
		case plan.Method == compiler.MethodThirdParty:
			out = append(out, gradedHits(group.matches, from)...)
		case plan.Method == compiler.MethodSequence:
			out = append(out, stepHits(plan, group.matches, globals, from, u.horizon)...)
		case plan.Window == 0:
			out = append(out, aloneHits(plan, group.matches, globals, from)...)
		default:
			out = append(out, windowHits(plan, group, globals, from, u.horizon)...)
		}
	}
	out = append(out, u.lowHits(matches, from)...)
	sort.Slice(out, func(i, j int) bool { return compareHits(out[i], out[j]) < 0 })
	return slices.CompactFunc(out, func(a, b hit) bool { return compareHits(a, b) == 0 })
}

// fullGroup is one full group with its matches.
type fullGroup struct {
	values  []string
	matches []compiler.Match
	// expected is since when it is expected to be heard of; 0: it is not.
	expected schema.Millis
}

// groups splits the unit's matches by full group. A group that is expected is
// there without any.
func (u *unit) groups(matches []compiler.Match) []fullGroup {
	var out []fullGroup
	for _, group := range byGroup(matches) {
		out = append(out, fullGroup{values: group[0].Group, matches: group, expected: u.expected})
	}
	if len(out) == 0 && u.expected != 0 {
		out = append(out, fullGroup{values: u.group, expected: u.expected})
	}
	return out
}

// compareHits orders hits by time and case; of those, events come before what
// did not happen.
func compareHits(a, b hit) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.caseAt, b.caseAt), a.quiet.compare(b.quiet))
}

// byGroup splits matches by full group, keeping their order.
func byGroup(matches []compiler.Match) map[string][]compiler.Match {
	groups := map[string][]compiler.Match{}
	for _, m := range matches {
		key := groupKey(m.Group)
		groups[key] = append(groups[key], m)
	}
	return groups
}

// groupKey is equal for equal values only, whatever bytes they hold.
func groupKey(values []string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(strconv.Itoa(len(v)))
		b.WriteByte(':')
		b.WriteString(v)
	}
	return b.String()
}

// windowHits slides (t − W, t] over the group's own event times, and over the
// moments at which its window has run empty.
func windowHits(plan *compiler.Plan, group fullGroup, globals []compiler.Match, from schema.Millis, h Horizon) []hit {
	w := newSlider(plan, mergeByTime(group.matches, globals), plan.Window)
	var out []hit
	for p := range points(plan, group, h) {
		values := w.to(p.at)
		if p.at < from {
			continue
		}
		c := firstCase(plan, values)
		if p.quiet != nil {
			c = silentCase(plan, values)
		}
		if c >= 0 {
			out = append(out, hit{at: p.at, caseAt: c, quiet: p.quiet})
		}
	}
	return out
}

// moments are the distinct times of matches, which are sorted, each with the next
// one; that of the last is never.
func moments(group []compiler.Match) iter.Seq2[schema.Millis, schema.Millis] {
	return func(yield func(t, next schema.Millis) bool) {
		for i := 0; i < len(group); {
			t, next := group[i].At, never
			for ; i < len(group) && group[i].At == t; i++ {
			}
			if i < len(group) {
				next = group[i].At
			}
			if !yield(t, next) {
				return
			}
		}
	}
}

// slider moves a window over matches, forward.
type slider struct {
	*window
	all            []compiler.Match
	width          schema.Millis
	added, removed int
}

func newSlider(plan *compiler.Plan, all []compiler.Match, width time.Duration) *slider {
	return &slider{window: newWindow(plan), all: all, width: schema.Millis(width.Milliseconds())}
}

// to moves the window to (t − W, t] and reads the labels' values.
func (s *slider) to(t schema.Millis) []float64 {
	for ; s.added < len(s.all) && s.all[s.added].At <= t; s.added++ {
		s.add(&s.all[s.added])
	}
	for ; s.removed < s.added && s.all[s.removed].At <= t-s.width; s.removed++ {
		s.remove(&s.all[s.removed])
	}
	return s.values()
}

// aloneHits judges every event by itself, for rules with window 0.
func aloneHits(plan *compiler.Plan, group, globals []compiler.Match, from schema.Millis) []hit {
	var out []hit
	for e := range events(group, globals) {
		if e.at < from {
			continue
		}
		if c := firstCase(plan, e.values(plan)); c >= 0 {
			out = append(out, hit{at: e.at, caseAt: c})
		}
	}
	return out
}

// oneEvent is an event of a group, with all that it matches there.
type oneEvent struct {
	at      schema.Millis
	matches []compiler.Match
}

// values are the labels' values when there is nothing but this event.
func (e oneEvent) values(plan *compiler.Plan) []float64 {
	w := newWindow(plan)
	for i := range e.matches {
		w.add(&e.matches[i])
	}
	return w.values()
}

// events are the group's events, by time.
func events(group, globals []compiler.Match) iter.Seq[oneEvent] {
	return func(yield func(oneEvent) bool) {
		more := map[uint64][]compiler.Match{}
		for _, m := range globals {
			more[m.Seq] = append(more[m.Seq], m)
		}
		own := map[uint64][]compiler.Match{}
		var order []uint64
		for _, m := range group {
			if own[m.Seq] == nil {
				order = append(order, m.Seq)
			}
			own[m.Seq] = append(own[m.Seq], m)
		}
		for _, seq := range order {
			matches := own[seq]
			if !yield(oneEvent{matches[0].At, append(matches[:len(matches):len(matches)], more[seq]...)}) {
				return
			}
		}
	}
}

// firstCase is the first case that holds; −1: none does.
func firstCase(plan *compiler.Plan, values []float64) int {
	return slices.IndexFunc(plan.Cases, func(c compiler.Case) bool { return c.Condition.Holds(values) })
}

// silentCase is the first case that holds at a silence point; −1: none does.
func silentCase(plan *compiler.Plan, values []float64) int {
	return slices.IndexFunc(plan.Cases, func(c compiler.Case) bool { return c.Condition.HoldsInSilence(values) })
}

func mergeByTime(a, b []compiler.Match) []compiler.Match {
	if len(b) == 0 {
		return a
	}
	all := append(append(make([]compiler.Match, 0, len(a)+len(b)), a...), b...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].At < all[j].At })
	return all
}

// window holds the aggregates of the matches that are inside it now. Matches
// leave in the order in which they came.
type window struct {
	labels []aggregate
	out    []float64
}

type aggregate struct {
	kind     compiler.Aggregation
	count    int
	distinct distinct
	sum      exactSum
	queue    []float64 // of max: decreasing candidates
	numbers  []float64 // of max: all numbers inside, in order
}

func newWindow(plan *compiler.Plan) *window {
	w := &window{labels: make([]aggregate, len(plan.Labels)), out: make([]float64, len(plan.Labels))}
	for i := range plan.Labels {
		w.labels[i].kind = plan.Labels[i].Aggregation
	}
	return w
}

func (w *window) add(m *compiler.Match) {
	a := &w.labels[m.Label]
	switch a.kind {
	case compiler.AggCount, compiler.AggNewValue, compiler.AggPlace, compiler.AggContent:
		a.count++
	case compiler.AggCardinality:
		a.distinct.add(m.Values)
	case compiler.AggSum:
		if m.HasNumber {
			a.sum.add(m.Number)
		}
	case compiler.AggMax:
		if m.HasNumber {
			a.push(m.Number)
		}
	}
}

func (w *window) remove(m *compiler.Match) {
	a := &w.labels[m.Label]
	switch a.kind {
	case compiler.AggCount, compiler.AggNewValue, compiler.AggPlace, compiler.AggContent:
		a.count--
	case compiler.AggCardinality:
		a.distinct.remove(m.Values)
	case compiler.AggSum:
		if m.HasNumber {
			a.sum.add(-m.Number)
		}
	case compiler.AggMax:
		if m.HasNumber {
			a.pop()
		}
	}
}

// push and pop keep the greatest number inside at queue[0]: a number that came
// before a greater one can never be the greatest again.
func (a *aggregate) push(n float64) {
	a.numbers = append(a.numbers, n)
	for len(a.queue) > 0 && a.queue[len(a.queue)-1] < n {
		a.queue = a.queue[:len(a.queue)-1]
	}
	a.queue = append(a.queue, n)
}

func (a *aggregate) pop() {
	if a.queue[0] == a.numbers[0] {
		a.queue = a.queue[1:]
	}
	a.numbers = a.numbers[1:]
}

func (w *window) values() []float64 {
	for i := range w.labels {
		a := &w.labels[i]
		switch a.kind {
		case compiler.AggCount, compiler.AggNewValue, compiler.AggPlace, compiler.AggContent:
			w.out[i] = float64(a.count)
		case compiler.AggCardinality:
			w.out[i] = float64(a.distinct.size())
		case compiler.AggSum:
			w.out[i] = a.sum.value()
		case compiler.AggMax:
			w.out[i] = 0
			if len(a.queue) > 0 {
				w.out[i] = a.queue[0]
			}
		}
	}
	return w.out
}

// exactSum adds doubles without rounding until it is asked, so that the sum of
// a window depends neither on the order of its events nor on those that left.
type exactSum struct {
	whole int64      // sum of integers, while it stays far from overflow
	rest  *big.Float // everything else
}

const wholeLimit = 1 << 52

// exactPrecision holds any sum of doubles: 2,098 bits of range, and 64 more
// for the carries of as many additions as there can be events.
const exactPrecision = 2098 + 64

func (s *exactSum) add(n float64) {
	if i := int64(n); float64(i) == n && i > -wholeLimit && i < wholeLimit && s.whole > -wholeLimit*512 && s.whole < wholeLimit*512 {
		s.whole += i
		return
	}
	if s.rest == nil {
		s.rest = new(big.Float).SetPrec(exactPrecision)
	}
	s.rest.Add(s.rest, new(big.Float).SetFloat64(n))
}

func (s *exactSum) value() float64 {
	if s.rest == nil {
		return float64(s.whole)
	}
	total := new(big.Float).SetPrec(exactPrecision).SetInt64(s.whole)
	f, _ := total.Add(total, s.rest).Float64()
	return f
}
