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
// gone for so long is usual to be gone.
const lowReach = schema.Millis(14 * 24 * 3_600_000)

// foreseen is what a bucket was expected to hold. The last few are kept, since a
// bucket is judged when later ones have been looked at.
type foreseen struct {
	bucket int64
	anomaly.Foresight
}

const keptForeseen = 3

// foresight is what the model expects of a bucket from those before it.
func (s *series) foresight(u *Baseline, bucket int64) (anomaly.Foresight, error) {
	for i := range s.kept {
		if s.kept[i].bucket == bucket {
			return s.kept[i].Foresight, nil
		}
	}
	m, err := s.model(u, bucket)
	if err != nil {
		return anomaly.Foresight{}, err
	}
	return m.Foresee(bucket * u.width), nil
}

// keep notes what the head expects of a bucket before it learns it.
func (s *series) keep(u *Baseline, m *anomaly.Model, bucket int64) {
	if !u.Plan.Low() || m != s.head {
		return
	}
	if len(s.kept) == keptForeseen {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	s.kept = append(s.kept, foreseen{bucket, m.Foresee(bucket * u.width)})
}

// Moment is when a bucket begins.
func (u *Baseline) Moment(bucket int64) schema.Millis { return schema.Millis(bucket * u.width) }

// closeAfter is the end of the first bucket that ends after a moment.
func (u *Baseline) closeAfter(at schema.Millis) schema.Millis { return u.Moment(u.BucketOf(at) + 1) }

// fullGroups are the full groups that share a signal group.
func (u *Baseline) fullGroups(group []string) [][]string {
	if len(u.Plan.SignalGroup) == u.Plan.Arity {
		return [][]string{group}
	}
	return u.sharing[GroupKey(group)]
}

// share notes the full group of a new series.
func (u *Baseline) share(group []string) {
	if !u.Plan.Low() || len(u.Plan.SignalGroup) == u.Plan.Arity {
		return
	}
	if u.sharing == nil {
		u.sharing = map[string][][]string{}
	}
	key := GroupKey(SignalGroup(u.Plan, group))
	if !slices.ContainsFunc(u.sharing[key], func(g []string) bool { return slices.Equal(g, group) }) {
		u.sharing[key] = append(u.sharing[key], group)
	}
}

// alive are the buckets in which a full group is judged: from the one after its first
// event on, until long after its last.
func (u *Baseline) alive(group []string) (first, last int64, ok bool) {
	first, last = math.MaxInt64, math.MinInt64
	for label := range u.Plan.Labels {
		if s := u.series[LabelKey(label, group...)]; s != nil && s.begun {
			first, last = min(first, s.first+1), max(last, s.heard)
		}
	}
	return first, last + int64(lowReach)/u.width, first < math.MaxInt64
}

// NextClose is the end of the first bucket after a moment in which a signal group is
// judged; never, when there is none.
func (u *Baseline) NextClose(group []string, after schema.Millis) schema.Millis {
	end, due := u.closeAfter(after), Never
	for _, full := range u.fullGroups(group) {
		if first, last, ok := u.alive(full); ok && end <= u.Moment(last+1) {
			due = min(due, max(end, u.Moment(first+1)))
		}
	}
	return due
}

// NextCloses calls due for every signal group that is judged after a moment, with the
// end of the first bucket in which it is.
func (u *Baseline) NextCloses(after schema.Millis, due func(group []string, at schema.Millis)) {
	for _, one := range u.series {
		group := SignalGroup(u.Plan, one.group)
		if at := u.NextClose(group, after); at < Never {
			due(group, at)
		}
	}
}

// closed finds the closed buckets of a full group, from a moment on and up to the
// horizon, in which a case holds that asks for the low side.
func (u *Baseline) closed(group []string, from schema.Millis, h Horizon) []detection {
	first, last, ok := u.alive(group)
	if !ok {
		return nil
	}
	var out []detection
	for b := max(first, u.BucketOf(from-1), u.learned(group)); b <= last && u.Moment(b+1) <= h.Through; b++ {
		at := u.Moment(b + 1)
		if at < from || !h.has(at) {
			continue
		}
		if c := u.firstCase(u.judgeClosed(group, b)); c >= 0 && u.Plan.Cases[c].Low {
			out = append(out, detection{at: at, caseAt: c, quiet: &quiet{group: group, low: at}})
		}
	}
	return out
}

// learned is the first bucket that is not in the models of a full group for good.
func (u *Baseline) learned(group []string) int64 {
	next := int64(math.MinInt64)
	for label := range u.Plan.Labels {
		if s := u.series[LabelKey(label, group...)]; s != nil && s.base != nil {
			next = max(next, s.base.Next()/u.width)
		}
	}
	return next
}

// judgeClosed are the labels' values in a closed bucket, those of the low side after
// those of the high side, and whether there was anything to judge one by.
func (u *Baseline) judgeClosed(group []string, bucket int64) (values []float64, judged bool) {
	n := len(u.Plan.Labels)
	values = make([]float64, 2*n)
	for label := range n {
		values[n+label] = 1
		if s := u.series[LabelKey(label, group...)]; s != nil {
			var ok bool
			values[label], values[n+label], ok = s.judge(u, bucket, s.value(bucket), false)
			judged = judged || ok
		}
	}
	return values, judged
}

// lowDetections are those of the signal group's closed buckets. The matches say which of
// the group's events came last.
func (u *GroupState) lowDetections(matches []compiler.Match, from schema.Millis) []detection {
	if !u.Plan.Low() {
		return nil
	}
	var out []detection
	for _, group := range u.Baseline.fullGroups(u.Group) {
		for _, h := range u.Baseline.closed(group, from, u.Horizon) {
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
// unit's groups was heard of: what a drop is told by lies there.
func (u *Baseline) lowFrom(group []string, before schema.Millis) schema.Millis {
	from := before
	for _, full := range u.fullGroups(group) {
		last := int64(math.MinInt64)
		for label := range u.Plan.Labels {
			if s := u.series[LabelKey(label, full...)]; s != nil {
				last = max(last, s.heardBefore(u, u.BucketOf(before)))
			}
		}
		if last != math.MinInt64 {
			from = min(from, u.Moment(last))
		}
	}
	return from
}

// heardBefore is the last bucket with an event, up to a bucket.
func (s *series) heardBefore(u *Baseline, bucket int64) int64 {
	last := int64(math.MinInt64)
	if s.base != nil && s.base.Heard()/u.width <= bucket {
		last = s.base.Heard() / u.width
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
func (u *Baseline) LowDue(group []string, from, until schema.Millis, h Horizon) schema.Millis {
	due := Never
	for _, full := range u.fullGroups(group) {
		for _, found := range u.closed(full, from, Horizon{After: h.After, Through: until}) {
			due = min(due, found.at)
		}
	}
	if due == Never {
		return u.NextClose(group, until)
	}
	return due
}
