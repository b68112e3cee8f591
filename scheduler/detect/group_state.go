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
func (u *GroupState) Chains() []chain {
	var out []chain
	first := 0
	if methodOf(u.Plan).hasDefault() {
		first = -1
	}
	for c := first; c < len(u.Plan.Cases); c++ {
		out = append(out, u.chain(c))
	}
	return out
}

func (u *GroupState) chain(caseAt int) chain {
	c := chain{caseAt: caseAt, from: u.Since}
	var before *schema.Signal
	for i := range u.Published {
		s := &u.Published[i]
		if s.Case == caseAt && !s.Gone() && s.FirstSeen < u.Since && (before == nil || s.FirstSeen > before.FirstSeen) {
			before = s
		}
	}
	switch {
	case before == nil:
	case before.LastSeen >= u.Since:
		c.from = before.FirstSeen
	default:
		c.carry = before
	}
	for _, s := range u.Published {
		if s.Case == caseAt && !s.Gone() && s.FirstSeen >= c.from {
			c.old = append(c.old, s)
		}
	}
	sort.Slice(c.old, func(i, j int) bool { return c.old[i].FirstSeen < c.old[j].FirstSeen })
	return c
}

// Reach is the earliest event time whose matches advance needs.
func (u *GroupState) Reach(chains []chain) schema.Millis {
	back := schema.Millis(u.Plan.Lookback().Milliseconds())
	reach := u.Since - back
	for _, c := range chains {
		reach = min(reach, c.from-back)
		if c.carry != nil && u.Since-c.carry.LastSeen <= u.KeepAlive() {
			reach = min(reach, c.carry.LastSeen)
		}
	}
	if u.Baseline != nil && u.Plan.Low() {
		reach = u.Baseline.lowFrom(u.Group, reach)
	}
	return reach
}

// Earliest is the moment from which on the unit's signals are found anew.
func (u *GroupState) Earliest(chains []chain) schema.Millis {
	from := u.Since
	for _, c := range chains {
		from = min(from, c.from)
	}
	return from
}

func (u *GroupState) KeepAlive() schema.Millis { return schema.Millis(u.Plan.KeepAlive.Milliseconds()) }

// Advance brings the unit's signals up to date. The matches reach back to
// reach(), sorted by time; globals likewise.
func (u *GroupState) Advance(chains []chain, matches, globals []compiler.Match) []Change {
	from := u.Earliest(chains)
	matches = counting(u.Plan, u.Seen, matches, from-WindowOf(u.Plan))
	if u.Plan.PerValue {
		return u.advanceEach(chains, matches, globals)
	}
	all := mergeByTime(matches, globals)
	found := u.detections(matches, globals, from)
	var out []Change
	for _, c := range chains {
		var own []detection
		for _, h := range found {
			if h.caseAt == c.caseAt && h.at >= c.from {
				own = append(own, h)
			}
		}
		episodes := u.fold(c.carry, own)
		for i := range episodes {
			u.measure(&episodes[i], all)
			u.silence(&episodes[i], matches)
		}
		out = append(out, u.reconcile(c.caseAt, episodes, c.old, all)...)
		out = append(out, u.heardAgain(&c, matches)...)
	}
	return out
}

// Own leaves out the matches of another group whose key is the same by chance.
func (u *GroupState) Own(ms []compiler.Match) []compiler.Match {
	for i := range ms {
		if !slices.Equal(StateGroup(u.Plan, &ms[i]), u.Group) {
			return slices.DeleteFunc(slices.Clone(ms), func(m compiler.Match) bool {
				return !slices.Equal(StateGroup(u.Plan, &m), u.Group)
			})
		}
	}
	return ms
}
