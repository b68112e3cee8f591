package scheduler

import (
	"context"
	"fmt"

	"nightjar/compiler"
	"nightjar/schema"
)

// judgeAnomaly says how the open bucket of a moment was judged, and by what.
func (s *Scheduler) judgeAnomaly(ctx context.Context, g *GroupExplanation, plan *compiler.Plan, own []compiler.Match) error {
	u, err := s.usualOf(ctx, plan, false, s.throughOf(plan.Key))
	if err != nil {
		return err
	}
	bucket, w := u.bucketOf(g.At), newWindow(plan)
	for i := range own {
		if m := &own[i]; m.At <= g.At && u.bucketOf(m.At) == bucket {
			w.add(m)
		}
	}
	sums := w.values()
	if u.learned(g.Group) > bucket {
		g.Notes = append(g.Notes, "the bucket is in the models, and no longer judged: nightjar anomaly explain learns them anew")
	}
	values, judged := u.judge(g.Group, bucket, sums)
	for label, sum := range sums {
		name := plan.Labels[label].Name
		g.Values = append(g.Values, LabelValue{name, values[label]})
		g.Notes = append(g.Notes, u.judgedBy(name, label, g.Group, bucket, sum))
	}
	for i, c := range plan.Cases {
		g.Cases = append(g.Cases, CaseExplanation{
			Index: i, Name: c.Name, Status: c.Status, Condition: c.Condition.Explain(values[:len(sums)]), Holds: judged && c.Sides.Holds(values),
		})
		if c.Low {
			g.Notes = append(g.Notes, fmt.Sprintf("case %d asks for the low side, and is tried at the end of the bucket, %s", i, u.moment(bucket+1)))
		}
	}
	if plan.Low() {
		g.Notes = append(g.Notes, u.closedNotes(g.Group, bucket-1)...)
		if v := s.vigils[plan.Key]; v != nil && v.judged < u.moment(bucket) {
			g.Notes = append(g.Notes, fmt.Sprintf("what ended at %s is judged %s later", u.moment(bucket), s.deps.Delays.Of(plan)))
		}
	}
	return u.err
}

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

// putAnomaly writes what the signal says of how the rule goes on learning.
func putAnomaly(own map[string]any, plan *compiler.Plan, sig schema.Signal) {
	if plan.Anomaly == nil || sig.Case < 0 || sig.Case >= len(plan.Cases) {
		return
	}
	side, beyond, until := "high", "above 0.995", sig.FirstSeen.Add(plan.MaxDuration)
	if plan.Cases[sig.Case].Low {
		side, beyond = "low", "below 0.005"
	}
	own["anomaly"] = map[string]any{
		"side": side, "learned_slowly_until": until,
		"note": fmt.Sprintf("buckets %s are learned slowly: if what began with this signal lasts, it does not become the new normal before %s, unless the group is younger than that is long; what had begun before becomes so sooner", beyond, until),
	}
}
