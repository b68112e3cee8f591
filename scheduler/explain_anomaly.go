package scheduler

import (
	"context"
	"fmt"

	"nightjar/compiler"
	"nightjar/schema"
)

// judgeAnomaly says how the open bucket of a moment was judged, and by what.
func (s *Scheduler) judgeAnomaly(ctx context.Context, g *GroupExplanation, plan *compiler.BoundPlan, own []compiler.Match) error {
	u, err := s.usualOf(ctx, plan, false, s.throughOf(plan.Key))
	if err != nil {
		return err
	}
	bucket, sums := u.BucketOf(g.At), u.SumsAt(own, g.At)
	if u.Learned(g.Group) > bucket {
		g.Notes = append(g.Notes, "the bucket is in the models, and no longer judged: nightjar anomaly explain learns them anew")
	}
	values, judged := u.Judge(g.Group, bucket, sums)
	for label, sum := range sums {
		name := plan.Labels[label].Name
		g.Values = append(g.Values, LabelValue{name, values[label]})
		g.Notes = append(g.Notes, u.JudgedBy(name, label, g.Group, bucket, sum))
	}
	for i, c := range plan.Cases {
		g.Cases = append(g.Cases, CaseExplanation{
			Index: i, Name: c.Name, Status: string(c.Status), Condition: c.Condition.Explain(values[:len(sums)]), Holds: judged && c.Sides.Holds(values),
		})
		if c.Low {
			g.Notes = append(g.Notes, fmt.Sprintf("case %d asks for the low side, and is tried at the end of the bucket, %s", i, u.Moment(bucket+1)))
		}
	}
	if plan.Low() {
		g.Notes = append(g.Notes, u.ClosedNotes(g.Group, bucket-1)...)
		if v := s.vigils[plan.Key]; v != nil && v.judged < u.Moment(bucket) {
			g.Notes = append(g.Notes, fmt.Sprintf("what ended at %s is judged %s later", u.Moment(bucket), s.deps.Delays.Of(plan)))
		}
	}
	return u.Err()
}

// putAnomaly writes what the signal says of how the rule goes on learning.
func putAnomaly(own map[string]any, plan *compiler.BoundPlan, sig schema.Signal) {
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
