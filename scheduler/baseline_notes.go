package scheduler

import (
	"fmt"

	"nightjar/schema"
)

// closedNotes say how a bucket was judged at its end.
func (u *usual) closedNotes(group []string, bucket int64) []string {
	at := fmt.Sprintf("the bucket from %s to %s", u.moment(bucket), u.moment(bucket+1))
	switch first, last, ok := u.alive(group); {
	case !ok || bucket < first || bucket > last:
		return []string{at + " was not judged at its end: the group had no event before it, or none for 14 days"}
	case u.learned(group) > bucket:
		return []string{at + " is in the models, and no longer judged"}
	}
	values, judged := u.judgeClosed(group, bucket)
	if !judged {
		return []string{at + " was not judged at its end: the group was not known for as long as is learned"}
	}
	n := len(u.plan.Labels)
	var out []string
	for label := range n {
		held := 0.0
		if s := u.series[keyOf(label, group...)]; s != nil {
			held = s.value(bucket)
		}
		out = append(out, fmt.Sprintf("%s: %s held %v, no more than that has a probability of %.4g", u.plan.Labels[label].Name, at, held, values[n+label]))
	}
	if c := u.firstCase(values, judged); c >= 0 && u.plan.Cases[c].Low {
		return append(out, fmt.Sprintf("case %d held at its end", c))
	}
	return append(out, "no case on the low side held at its end")
}

// judgedBy says what the sum of a label's bucket was held against.
func (u *usual) judgedBy(name string, label int, group []string, bucket int64, sum float64) string {
	at := fmt.Sprintf("%s: the bucket from %s holds %v so far", name, u.moment(bucket), sum)
	s := u.series[keyOf(label, group...)]
	switch {
	case s == nil:
		return at + "; the group has no past"
	case s.young(u, bucket) && u.plan.Anomaly.Peers:
		p := u.peersOf(label, bucket)
		return fmt.Sprintf("%s; the group is known since %s, for less than %s, so it is judged by the rule's other groups: by %d of their buckets", at, u.moment(s.first), u.plan.Anomaly.Learn, p.Buckets())
	case s.young(u, bucket):
		return fmt.Sprintf("%s; the group is known since %s, for less than the %s of learning, so it does not match", at, u.moment(s.first), u.plan.Anomaly.Learn)
	}
	f, err := s.foresight(u, bucket)
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

// has reports whether there was an event of a full group in a label.
func (u *usual) has(label int, group []string) bool { return u.series[keyOf(label, group...)] != nil }

// began is the beginning of the first bucket of a series that there is.
func (u *usual) began(label int, group []string) schema.Millis {
	return u.moment(u.series[keyOf(label, group...)].first)
}

// learnedSeries is what the buckets of a series taught.
type learnedSeries struct {
	season string
	// heldSince is since when buckets are unusual in a row, so that what is expected
	// stays as it was, heldUntil when that becomes the new normal if it goes on; 0:
	// they are not.
	heldSince, heldUntil schema.Millis
}

// points learns a series anew, up to the bucket of the newest moment, and tells of the
// buckets that end after from what was expected of them. Live, unless nil, has the other
// groups, those of the last days.
func (u *usual) points(label int, group []string, from, newest schema.Millis, live *usual, tell func(SeriesPoint)) (learnedSeries, error) {
	one := u.series[keyOf(label, group...)]
	m, next, err := one.restart(u)
	for last := u.bucketOf(newest); err == nil && next <= last; next++ {
		if at := u.moment(next); u.moment(next+1) > from {
			band, value := m.Band(int64(at)), one.value(next)
			below, atMost, judged := one.judge(u, next, value, false)
			if !judged && live != nil && live.hasPeers(next) {
				below, _ = live.peersBelow(label, next, value)
			}
			tell(SeriesPoint{At: at, Value: value, Lower: band.Lower, Median: band.Median, Upper: band.Upper, Probability: below, AtMost: atMost})
		}
		err = m.Add(int64(u.moment(next)), one.value(next))
	}
	if err != nil {
		return learnedSeries{}, err
	}
	since, until := m.Held()
	return learnedSeries{season: m.Season().String(), heldSince: schema.Millis(since), heldUntil: schema.Millis(until)}, nil
}
