package detect

import (
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// anomalies compares what a bucket holds with what the group's past lets expect.
type anomalies struct{ threshold }

// counting leaves out the past, which is learned from, and is not what the rule sees.
func (anomalies) counting(plan *compiler.BoundPlan, matches []compiler.Match, _ schema.Millis) []compiler.Match {
	return slices.DeleteFunc(slices.Clone(matches), func(m compiler.Match) bool { return m.Seq <= plan.After })
}

func (anomalies) detections(gs *GroupState, group fullGroup, _ []compiler.Match, from schema.Millis) []detection {
	return gs.Baseline.detections(group.matches, from)
}

// explain says how the open bucket of the moment is judged, and by what.
func (anomalies) explain(m *Moment, s *Standing) {
	bl := m.Baseline
	bucket, sums := bl.BucketOf(m.At), bl.sumsAt(m.Own, m.At)
	if bl.learned(m.Group) > bucket {
		s.Notes = append(s.Notes, "the bucket is in the models, and no longer judged: nightjar anomaly explain learns them anew")
	}
	values, judged := bl.judge(m.Group, bucket, sums)
	for label, sum := range sums {
		name := m.Plan.Labels[label].Name
		s.Values = append(s.Values, LabelValue{Name: name, Value: values[label]})
		s.Notes = append(s.Notes, bl.judgedBy(name, label, m.Group, bucket, sum))
	}
	for i, c := range m.Plan.Cases {
		standing := caseStanding(i, c, c.Condition.Explain(values[:len(sums)]), judged && c.Sides.Holds(values))
		for _, compared := range c.Condition.Comparisons() {
			value := values[compared.Label]
			if compared.Op == "<" || compared.Op == "<=" {
				value = values[len(sums)+compared.Label] // of the low side
			}
			standing.Compared = append(standing.Compared, Comparison{compared, value, judged && compared.Compare(value)})
		}
		s.Cases = append(s.Cases, standing)
		if c.Low {
			s.Notes = append(s.Notes, fmt.Sprintf("case %d asks for the low side, and is tried at the end of the bucket, %s", i, bl.Moment(bucket+1)))
		}
	}
	if m.Plan.Low() {
		s.Notes = append(s.Notes, bl.closedNotes(m.Group, bucket-1)...)
	}
}
