package scheduler

// Status says how evaluation stands: how far it has come, what became of which arrivals,
// what waits aside, which a person may finish, and what rules cost. No answer waits for a
// step of evaluation, and only Coverage and TooLate read a store.
type Status struct {
	deps       *Deps
	rules      *RuleStore
	inForce    *inForce
	asides     *asides
	costs      *costs
	publishing *publishing
	requests   *requests
}

// LastShown is a place in the order in which signals are published, up to which all can
// be seen.
func (s *Status) LastShown() uint64 { return s.publishing.visible() }
