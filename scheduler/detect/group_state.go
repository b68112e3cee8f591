package detect

import (
	"slices"
	"sort"

	"nightjar/compiler"
	"nightjar/schema"
)

// chain is where one case of a group has to be looked at again: from a moment
// before which nothing has changed.
type chain struct {
	caseAt int
	from   schema.Millis
	// carry is the last signal that ended before from, and may go on.
	carry *schema.Signal
	// old are the published signals that begin at from or later.
	old []schema.Signal
}

// GroupState is one signal group of one plan, about to be brought up to date with
// matches that arrived at `since` or later in event time.
type GroupState struct {
	Plan      *compiler.BoundPlan
	Key       uint64
	Group     []string
	Since     schema.Millis
	Published []schema.Signal
	Seen      *SeenValues // of plans with novelty
	Baseline  *Baseline   // of those that look for anomalies
	Horizon   Horizon     // up to which what did not happen is judged
	// Expected is since when the group is expected to be heard of; 0: it is not.
	Expected schema.Millis

	// What recall found: where to start again, and the matches from there on.
	Chained          []chain
	From             schema.Millis
	Matches, Globals []compiler.Match
}

// Chains says, per case, from where to start again. A signal that spans since
// is replayed from its own beginning: late events may cut or stretch it. One
// that ended before since is settled, and can only go on.
func (gs *GroupState) Chains() []chain {
	var out []chain
	first := 0
	if methodOf(gs.Plan).hasDefault() {
		first = -1
	}
	for c := first; c < len(gs.Plan.Cases); c++ {
		out = append(out, gs.chain(c))
	}
	return out
}

func (gs *GroupState) chain(caseAt int) chain {
	c := chain{caseAt: caseAt, from: gs.Since}
	var before *schema.Signal
	for i := range gs.Published {
		s := &gs.Published[i]
		if s.Case == caseAt && !s.Gone() && s.FirstSeen < gs.Since && (before == nil || s.FirstSeen > before.FirstSeen) {
			before = s
		}
	}
	switch {
	case before == nil:
	case before.LastSeen >= gs.Since:
		c.from = before.FirstSeen
	default:
		c.carry = before
	}
	for i := range gs.Published {
		if s := &gs.Published[i]; s.Case == caseAt && !s.Gone() && s.FirstSeen >= c.from {
			c.old = append(c.old, *s)
		}
	}
	sort.Slice(c.old, func(i, j int) bool { return c.old[i].FirstSeen < c.old[j].FirstSeen })
	return c
}

// Reach is the earliest event time whose matches advance needs.
func (gs *GroupState) Reach(chains []chain) schema.Millis {
	back := schema.Millis(gs.Plan.Lookback().Milliseconds())
	reach := gs.Since - back
	for _, c := range chains {
		reach = min(reach, c.from-back)
		if c.carry != nil && gs.Since-c.carry.LastSeen <= gs.KeepAlive() {
			reach = min(reach, c.carry.LastSeen)
		}
	}
	if gs.Baseline != nil && gs.Plan.Low() {
		reach = gs.Baseline.lowFrom(gs.Group, reach)
	}
	return reach
}

// Earliest is the moment from which on the group's signals are found anew.
func (gs *GroupState) Earliest(chains []chain) schema.Millis {
	from := gs.Since
	for _, c := range chains {
		from = min(from, c.from)
	}
	return from
}

// KeepAlive is that of the plan, in milliseconds.
func (gs *GroupState) KeepAlive() schema.Millis {
	return schema.Millis(gs.Plan.KeepAlive.Milliseconds())
}

// Advance brings the group's signals up to date. The matches reach back to
// reach(), sorted by time; globals likewise.
func (gs *GroupState) Advance(chains []chain, matches, globals []compiler.Match) []Change {
	from := gs.Earliest(chains)
	matches = counting(gs.Plan, gs.Seen, matches, from-WindowOf(gs.Plan))
	if gs.Plan.PerValue {
		return gs.advanceEach(chains, matches, globals)
	}
	all := mergeByTime(matches, globals)
	found := gs.detections(matches, globals, from)
	var out []Change
	for _, c := range chains {
		var own []detection
		for _, h := range found {
			if h.caseAt == c.caseAt && h.at >= c.from {
				own = append(own, h)
			}
		}
		episodes := gs.fold(c.carry, own)
		for i := range episodes {
			gs.measure(&episodes[i], all)
			gs.silence(&episodes[i], matches)
		}
		out = append(out, gs.reconcile(c.caseAt, episodes, c.old, all)...)
		out = append(out, gs.heardAgain(&c, matches)...)
	}
	return out
}

// Own leaves out the matches of another group whose key is the same by chance.
func (gs *GroupState) Own(ms []compiler.Match) []compiler.Match {
	for i := range ms {
		if !slices.Equal(StateGroup(gs.Plan, &ms[i]), gs.Group) {
			return slices.DeleteFunc(slices.Clone(ms), func(m compiler.Match) bool {
				return !slices.Equal(StateGroup(gs.Plan, &m), gs.Group)
			})
		}
	}
	return ms
}
