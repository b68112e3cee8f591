package compiler

// spent measures what events cost labels, on one event of measureEvery: a clock is
// dear beside most labels.
type spent struct {
	clock    func() int64 // nanoseconds; nil: nothing is measured
	events   int
	measures bool    // the present event
	by       []int64 // by label, of the events that were measured
	began    int64
	all      int64 // the same with what labels share
	measured int
}

// measureEvery is of how many events one is measured.
const measureEvery = 64

// Measure has the set measure what its labels cost, by a clock in nanoseconds whose
// differences count.
func (s *MatchSet) Measure(clock func() int64) { s.spent.clock = clock }

// Spent gives what each plan cost since the last call, in nanoseconds, and resets it:
// by estimate from the events that were measured. What equal labels cost is shared by
// those who have them; what the search for the texts of all costs, by all plans. It
// returns of how many events that is; 0: too few went by.
func (s *MatchSet) Spent(of func(plan int, nanoseconds int64)) (events int) {
	sp := &s.spent
	if sp.measured == 0 {
		return 0
	}
	plans := map[int]int64{}
	labels := int64(0)
	for l, ns := range sp.by {
		labels += ns
		for _, ref := range s.Hits[l] {
			plans[ref.Plan] += ns / int64(len(s.Hits[l]))
		}
		sp.by[l] = 0
	}
	common := max(0, sp.all-labels) / int64(max(1, len(plans)))
	events = sp.measured * measureEvery
	for plan, ns := range plans {
		of(plan, (ns+common)*measureEvery)
	}
	sp.all, sp.measured = 0, 0
	return events
}

func (s *spent) begin() {
	s.events++
	if s.measures = s.clock != nil && s.events%measureEvery == 0; s.measures {
		s.began = s.clock()
	}
}

func (s *spent) end() {
	if s.measures {
		s.all += s.clock() - s.began
		s.measured++
		s.measures = false
	}
}

// now is the clock when the present event is measured, else 0.
func (s *spent) now() int64 {
	if s.measures {
		return s.clock()
	}
	return 0
}
