package compiler

import "nightjar/compiler/search"

// MatchSet asks one event, in memory, of all labels of all its plans at once. It gives
// the answers of MatchSQL's statement over the same plans: the two readers of a search
// agree.
//
// A MatchSet is for one goroutine.
type MatchSet struct {
	*search.Set
	// LabelsOf says which labels each filter that Match finds stands for.
	LabelsOf [][]LabelRef
}

// NewMatchSet prepares the plans' labels.
func NewMatchSet(plans []*BoundPlan) *MatchSet {
	labels, labelsOf := distinctLabels(plans)
	filters := make([]search.Filter, len(labels))
	for i, l := range labels {
		filters[i] = l.Filter
	}
	return &MatchSet{Set: search.NewSet(filters), LabelsOf: labelsOf}
}

// Spent calls of with what each plan cost since the last call, in nanoseconds, and
// resets it: an estimate from the events that were measured. What equal labels cost is
// shared by the plans that have them; what the search for the texts of all labels
// costs, by all plans. It returns of how many events that is; 0: too few went by.
func (s *MatchSet) Spent(of func(plan int, nanoseconds int64)) (events int) {
	plans := map[int]int64{}
	events, shared := s.Set.Spent(func(filter int, nanoseconds int64) {
		for _, ref := range s.LabelsOf[filter] {
			plans[ref.Plan] += nanoseconds / int64(len(s.LabelsOf[filter]))
		}
	})
	for plan, ns := range plans {
		of(plan, ns+shared/int64(len(plans)))
	}
	return events
}

// distinctLabels finds the labels that ask the same.
func distinctLabels(plans []*BoundPlan) (labels []*Label, refs [][]LabelRef) {
	number := map[string]int{}
	for i, plan := range plans {
		for j := range plan.Labels {
			text := plan.Labels[j].Filter.Key()
			n, known := number[text]
			if !known {
				n = len(labels)
				number[text] = n
				labels = append(labels, &plan.Labels[j])
				refs = append(refs, nil)
			}
			refs[n] = append(refs[n], LabelRef{Plan: i, Label: j})
		}
	}
	return labels, refs
}
