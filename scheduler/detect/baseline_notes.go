package detect

import (
	"fmt"

	"nightjar/schema"
)

// closedNotes say how a bucket was judged at its end.
func (bl *Baseline) closedNotes(group []string, bucket int64) []string {
	at := fmt.Sprintf("the bucket from %s to %s", bl.Moment(bucket), bl.Moment(bucket+1))
	switch first, last, ok := bl.alive(group); {
	case !ok || bucket < first || bucket > last:
		return []string{at + " was not judged at its end: the group had no event before it, or none for 14 days"}
	case bl.learned(group) > bucket:
		return []string{at + " is in the models, and no longer judged"}
	}
	values, judged := bl.judgeClosed(group, bucket)
	if !judged {
		return []string{at + " was not judged at its end: the group was not known for as long as is learned"}
	}
	n := len(bl.Plan.Labels)
	var out []string
	for label := range n {
		held := 0.0
		if s := bl.series[LabelKey(label, group...)]; s != nil {
			held = s.value(bucket)
		}
		out = append(out, fmt.Sprintf("%s: %s held %v, no more than that has a probability of %.4g", bl.Plan.Labels[label].Name, at, held, values[n+label]))
	}
	if c := bl.firstCase(values, judged); c >= 0 && bl.Plan.Cases[c].Low {
		return append(out, fmt.Sprintf("case %d held at its end", c))
	}
	return append(out, "no case on the low side held at its end")
}

// judgedBy says what the sum of a label's bucket was held against.
func (bl *Baseline) judgedBy(name string, label int, group []string, bucket int64, sum float64) string {
	at := fmt.Sprintf("%s: the bucket from %s holds %v so far", name, bl.Moment(bucket), sum)
	s := bl.series[LabelKey(label, group...)]
	switch {
	case s == nil:
		return at + "; the group has no past"
	case s.young(bl, bucket) && bl.Plan.Anomaly.Peers:
		p := bl.peersOf(label, bucket)
		return fmt.Sprintf("%s; the group is known since %s, for less than %s, so it is judged by the rule's other groups: by %d of their buckets", at, bl.Moment(s.first), bl.Plan.Anomaly.Learn, p.Buckets())
	case s.young(bl, bucket):
		return fmt.Sprintf("%s; the group is known since %s, for less than the %s of learning, so it does not match", at, bl.Moment(s.first), bl.Plan.Anomaly.Learn)
	}
	f, err := s.foresight(bl, bucket)
	if err != nil {
		return at
	}
	band := f.Band()
	return fmt.Sprintf("%s, where %.0f to %.0f was expected", at, band.Lower, band.Upper)
}

// SeriesPoint is a bucket: what it holds and, from the buckets before it, what it
// was expected to hold.
type SeriesPoint struct {
	At                          schema.Millis
	Value, Lower, Median, Upper float64
	// Probability is that of a lower value: what conditions are about; of a new group
	// by its peers, where it is judged by them and they are in memory. AtMost is that of
	// no higher one, which they are about on the low side.
	Probability, AtMost float64
}

// Has reports whether there was an event of a full group in a label.
func (bl *Baseline) Has(label int, group []string) bool {
	return bl.series[LabelKey(label, group...)] != nil
}

// Began is the beginning of the first bucket of a series that there is.
func (bl *Baseline) Began(label int, group []string) schema.Millis {
	return bl.Moment(bl.series[LabelKey(label, group...)].first)
}

// LearnedSeries is what the buckets of a series taught.
type LearnedSeries struct {
	Season string
	// HeldSince is since when buckets are unusual in a row, so that what is expected
	// stays as it was, heldUntil when that becomes the new normal if it goes on; 0:
	// they are not.
	HeldSince, HeldUntil schema.Millis
}

// Points learns a series anew, up to the bucket of the newest moment, and tells of the
// buckets that end after from what was expected of them. Live, unless nil, has the other
// groups, those of the last days.
func (bl *Baseline) Points(label int, group []string, from, newest schema.Millis, live *Baseline, tell func(SeriesPoint)) (LearnedSeries, error) {
	one := bl.series[LabelKey(label, group...)]
	m, next, err := one.restart(bl)
	for last := bl.BucketOf(newest); err == nil && next <= last; next++ {
		if at := bl.Moment(next); bl.Moment(next+1) > from {
			band, value := m.Band(int64(at)), one.value(next)
			below, atMost, judged := one.judge(bl, next, value, false)
			if !judged && live != nil && live.hasPeers(next) {
				below, _ = live.peersBelow(label, next, value)
			}
			tell(SeriesPoint{At: at, Value: value, Lower: band.Lower, Median: band.Median, Upper: band.Upper, Probability: below, AtMost: atMost})
		}
		err = m.Add(int64(bl.Moment(next)), one.value(next))
	}
	if err != nil {
		return LearnedSeries{}, err
	}
	since, until := m.Held()
	return LearnedSeries{Season: m.Season().String(), HeldSince: schema.Millis(since), HeldUntil: schema.Millis(until)}, nil
}
