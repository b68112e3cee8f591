package search

// spent measures what events cost filters, on one event of measureEvery: reading a
// clock is dear beside most filters.
type spent struct {
	clock    func() int64 // nanoseconds; nil: nothing is measured
	events   int
	measures bool    // the present event
	by       []int64 // by filter, of the events that were measured
	began    int64
	all      int64 // the same with what filters share
	measured int
}

// measureEvery is of how many events one is measured.
const measureEvery = 64

// Measure has the set measure what its filters cost, by a clock in nanoseconds whose
// differences count.
func (s *Set) Measure(clock func() int64) { s.spent.clock = clock }

// Spent calls of with what each filter cost since the last call, in nanoseconds, and
// resets it: an estimate from the events that were measured. shared is what the search
// for the texts of all filters cost. It returns of how many events that is; 0: too few
// went by, and of was not called.
func (s *Set) Spent(of func(filter int, nanoseconds int64)) (events int, shared int64) {
	sp := &s.spent
	if sp.measured == 0 {
		return 0, 0
	}
	filters := int64(0)
	for f, ns := range sp.by {
		filters += ns
		of(f, ns*measureEvery)
		sp.by[f] = 0
	}
	events, shared = sp.measured*measureEvery, max(0, sp.all-filters)*measureEvery
	sp.all, sp.measured = 0, 0
	return events, shared
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
