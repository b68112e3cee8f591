package detect

import (
	"math"
	"slices"

	"nightjar/anomaly"
	"nightjar/compiler"
	"nightjar/schema"
)

// This file judges closed buckets, for conditions that ask for the low side of an
// anomaly (docs/semantics.md, "The low side"): a bucket is judged at its end, and may be
// empty.

// lowReach is how long after its last event a group is judged: a group that has been
// gone for so long is expected to be gone.
const lowReach = schema.Millis(14 * 24 * 3_600_000)

// foreseen is what a bucket was expected to hold. The last few are kept, since a
// bucket is judged when later ones have been looked at.
type foreseen struct {
	bucket int64
	anomaly.Foresight
}

const keptForeseen = 3

// foresight is what the model expects of a bucket from those before it.
func (s *series) foresight(bl *Baseline, bucket int64) (anomaly.Foresight, error) {
	for i := range s.kept {
		if s.kept[i].bucket == bucket {
			return s.kept[i].Foresight, nil
		}
	}
	m, err := s.model(bl, bucket)
	if err != nil {
		return anomaly.Foresight{}, err
	}
	return m.Foresee(bucket * bl.width), nil
}

// keep notes what the head expects of a bucket before it learns it.
func (s *series) keep(bl *Baseline, m *anomaly.Model, bucket int64) {
	if !bl.Plan.Low() || m != s.head {
		return
	}
	if len(s.kept) == keptForeseen {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	s.kept = append(s.kept, foreseen{bucket, m.Foresee(bucket * bl.width)})
}

// Moment is when a bucket begins.
func (bl *Baseline) Moment(bucket int64) schema.Millis { return schema.Millis(bucket * bl.width) }

// closeAfter is the end of the first bucket that ends after a moment.
func (bl *Baseline) closeAfter(at schema.Millis) schema.Millis { return bl.Moment(bl.BucketOf(at) + 1) }

// fullGroups are the full groups that share a signal group.
func (bl *Baseline) fullGroups(group []string) [][]string {
	if len(bl.Plan.SignalGroup) == bl.Plan.Arity {
		return [][]string{group}
	}
	return bl.sharing[GroupKey(group)]
}

// share notes the full group of a new series.
func (bl *Baseline) share(group []string) {
	if !bl.Plan.Low() || len(bl.Plan.SignalGroup) == bl.Plan.Arity {
		return
	}
	if bl.sharing == nil {
		bl.sharing = map[string][][]string{}
	}
	key := GroupKey(SignalGroup(bl.Plan, group))
	if !slices.ContainsFunc(bl.sharing[key], func(g []string) bool { return slices.Equal(g, group) }) {
		bl.sharing[key] = append(bl.sharing[key], group)
	}
}

// alive are the buckets in which a full group is judged: from the one after its first
// event on, until long after its last.
func (bl *Baseline) alive(group []string) (first, last int64, ok bool) {
	first, last = math.MaxInt64, math.MinInt64
	for label := range bl.Plan.Labels {
		if s := bl.series[LabelKey(label, group...)]; s != nil && s.begun {
			first, last = min(first, s.first+1), max(last, s.heard)
		}
	}
	return first, last + int64(lowReach)/bl.width, first < math.MaxInt64
}

// NextClose is the end of the first bucket after a moment in which a signal group is
// judged; never, when there is none.
func (bl *Baseline) NextClose(group []string, after schema.Millis) schema.Millis {
	end, due := bl.closeAfter(after), Never
	for _, full := range bl.fullGroups(group) {
		if first, last, ok := bl.alive(full); ok && end <= bl.Moment(last+1) {
			due = min(due, max(end, bl.Moment(first+1)))
		}
	}
	return due
}

// NextCloses calls due for every signal group that is judged after a moment, with the
// end of the first bucket in which it is.
func (bl *Baseline) NextCloses(after schema.Millis, due func(group []string, at schema.Millis)) {
	for _, one := range bl.series {
		group := SignalGroup(bl.Plan, one.group)
		if at := bl.NextClose(group, after); at < Never {
			due(group, at)
		}
	}
}

// closed finds the closed buckets of a full group, from a moment on and up to the
// horizon, in which a case holds that asks for the low side.
func (bl *Baseline) closed(group []string, from schema.Millis, h Horizon) []detection {
	first, last, ok := bl.alive(group)
	if !ok {
		return nil
	}
	var out []detection
	for b := max(first, bl.BucketOf(from-1), bl.learned(group)); b <= last && bl.Moment(b+1) <= h.Through; b++ {
		at := bl.Moment(b + 1)
		if at < from || !h.has(at) {
			continue
		}
		if c := bl.firstCase(bl.judgeClosed(group, b)); c >= 0 && bl.Plan.Cases[c].Low {
			out = append(out, detection{at: at, caseAt: c, quiet: &quiet{group: group, low: at}})
		}
	}
	return out
}

// learned is the first bucket that is not in the models of a full group for good.
func (bl *Baseline) learned(group []string) int64 {
	next := int64(math.MinInt64)
	for label := range bl.Plan.Labels {
		if s := bl.series[LabelKey(label, group...)]; s != nil && s.base != nil {
			next = max(next, s.base.Next()/bl.width)
		}
	}
	return next
}

// judgeClosed are the labels' values in a closed bucket, those of the low side after
// those of the high side, and whether there was anything to judge one by.
func (bl *Baseline) judgeClosed(group []string, bucket int64) (values []float64, judged bool) {
	n := len(bl.Plan.Labels)
	values = make([]float64, 2*n)
	for label := range n {
		values[n+label] = 1
		if s := bl.series[LabelKey(label, group...)]; s != nil {
			var ok bool
			values[label], values[n+label], ok = s.judge(bl, bucket, s.value(bucket), false)
			judged = judged || ok
		}
	}
	return values, judged
}

// lowDetections are those of the signal group's closed buckets. The matches say which of
// the group's events came last.
func (gs *GroupState) lowDetections(matches []compiler.Match, from schema.Millis) []detection {
	if !gs.Plan.Low() {
		return nil
	}
	var out []detection
	for _, group := range gs.Baseline.fullGroups(gs.Group) {
		for _, h := range gs.Baseline.closed(group, from, gs.Horizon) {
			h.quiet.since = lastBefore(matches, group, h.at)
			out = append(out, h)
		}
	}
	return out
}

// lastBefore is the time of a full group's last event before a moment; never, where
// there is none among the matches.
func lastBefore(matches []compiler.Match, group []string, at schema.Millis) schema.Millis {
	for _, m := range slices.Backward(Between(matches, schema.MinMillis, at-1)) {
		if slices.Equal(m.Group, group) {
			return m.At
		}
	}
	return Never
}

// lowFrom is the beginning of the last bucket before a moment in which one of the
// group's full groups was heard of: what a drop is told by lies there.
func (bl *Baseline) lowFrom(group []string, before schema.Millis) schema.Millis {
	from := before
	for _, full := range bl.fullGroups(group) {
		last := int64(math.MinInt64)
		for label := range bl.Plan.Labels {
			if s := bl.series[LabelKey(label, full...)]; s != nil {
				last = max(last, s.heardBefore(bl, bl.BucketOf(before)))
			}
		}
		if last != math.MinInt64 {
			from = min(from, bl.Moment(last))
		}
	}
	return from
}

// heardBefore is the last bucket with an event, up to a bucket.
func (s *series) heardBefore(bl *Baseline, bucket int64) int64 {
	last := int64(math.MinInt64)
	if s.base != nil && s.base.Heard()/bl.width <= bucket {
		last = s.base.Heard() / bl.width
	}
	if b, ok := s.counts.last(bucket); ok {
		last = max(last, b)
	}
	for b := range s.sums {
		if b <= bucket {
			last = max(last, b)
		}
	}
	return last
}

// LowDue is the first moment in [from, until] at which a closed bucket of the group
// may give a detection. Where none does, it is the next one after until.
func (bl *Baseline) LowDue(group []string, from, until schema.Millis, h Horizon) schema.Millis {
	due := Never
	for _, full := range bl.fullGroups(group) {
		for _, found := range bl.closed(full, from, Horizon{After: h.After, Through: until}) {
			due = min(due, found.at)
		}
	}
	if due == Never {
		return bl.NextClose(group, until)
	}
	return due
}
