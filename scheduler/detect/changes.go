package detect

import (
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// Change is a signal that is new, or differs from what was published.
type Change struct {
	schema.Signal
	IsNew bool
	// perValue is the plan's.
	perValue bool
	// Evidence are matches of the signal, the earliest first, for its samples;
	// those after the end of the signal before, if that is carried on.
	Evidence []compiler.Match
	Carried  bool
}

// SaltedID is the signal's, as it is first published. Where each new value has its
// own signal, the value is part of it.
func (c *Change) SaltedID(salt int) string {
	group := c.Group
	if c.perValue {
		group = append(group[:len(group):len(group)], c.Values...)
	}
	return schema.SignalID(c.RuleKey, c.Case, group, c.FirstSeen, salt)
}

// Unsampled are the matches of the change's evidence that its signal has no
// sample of, where it has these.
func (c *Change) Unsampled(list []schema.Sample) []compiler.Match {
	if c.Gone() {
		return nil
	}
	have := map[string]bool{}
	for _, s := range list {
		have[s.EventID] = true
	}
	var out []compiler.Match
	for _, m := range c.Evidence {
		if !have[schema.EventID(m.At, m.Seq)] && (!c.Carried || len(list)+len(out) < maxSamples) {
			out = append(out, m)
		}
	}
	return out
}

// reconcile tells what changes for those who saw the old signals. Every episode
// goes on under the id of the earliest old signal it overlaps; an old one that
// is left over was merged into the episode that covers it, or else retracted.
func (gs *GroupState) reconcile(caseAt int, episodes []episode, old []schema.Signal, all []compiler.Match) []Change {
	taken := make([]bool, len(old))
	var out []Change
	for i := range episodes {
		ep := &episodes[i]
		for j := range old {
			if ep.old == nil && !taken[j] && old[j].FirstSeen <= ep.last && ep.first <= old[j].LastSeen {
				ep.old, taken[j] = &old[j], true
			}
		}
	}
	moveSilences(gs.Plan, episodes, old, taken)
	for i := range episodes {
		ep := &episodes[i]
		c, differs := gs.change(caseAt, ep)
		if differs || gs.othersMayShow(ep) {
			c.Evidence = evidence(gs.Plan, ep, all)
		}
		if !differs && len(c.Evidence) > 0 && len(c.Unsampled(schema.ReadSamples(c.Samples))) > 0 {
			c.RuleVersion, differs = gs.Plan.Rule.Version, true
			c.Version++
		}
		if differs {
			out = append(out, c)
		}
	}
	for j := range old {
		if !taken[j] {
			out = append(out, withdraw(old[j], episodes))
		}
	}
	return out
}

// othersMayShow reports whether an episode that is as it was may be about other events
// than before: about those before a silence, which are not counted, or about as
// many others, where what came before them decides which match.
func (gs *GroupState) othersMayShow(ep *episode) bool {
	return !ep.carried && (len(ep.opensQuiet(gs.Plan)) > 0 || gs.Plan.Novelty != nil || methodOf(gs.Plan).asksPast())
}

// change compares an episode with the signal it goes on from.
func (gs *GroupState) change(caseAt int, ep *episode) (c Change, differs bool) {
	c.perValue, c.Carried = gs.Plan.PerValue, ep.carried
	if ep.old == nil {
		c.IsNew = true
		c.Signal = schema.Signal{
			RuleKey: gs.Plan.Key, RuleID: gs.Plan.Rule.ID, Case: caseAt, Group: gs.Group, State: schema.StateOpen,
		}
	} else {
		c.Signal = *ep.old
		if ep.old.FirstSeen == ep.first && ep.old.LastSeen == ep.last && ep.old.Events == ep.events && slices.Equal(ep.old.EventTags, ep.tags) && slices.Equal(ep.old.Values, ep.values) && slices.Equal(ep.old.PerQuery, ep.perQuery) && ep.old.Silence.Equal(ep.silence) && ep.old.Lowered == ep.lowered {
			return c, false
		}
	}
	c.FirstSeen, c.LastSeen, c.Events, c.EventTags = ep.first, ep.last, ep.events, ep.tags
	c.Values, c.PerQuery, c.Silence, c.Lowered = ep.values, ep.perQuery, ep.silence, ep.lowered
	if ep.old == nil {
		c.Opened = ep.opened
	}
	c.RuleVersion = gs.Plan.Rule.Version
	c.Version++
	return c, true
}

// withdraw archives a published signal that in-order processing would not have
// made.
func withdraw(s schema.Signal, episodes []episode) Change {
	s.State, s.Reason = schema.StateArchived, schema.ReasonRetracted
	for _, ep := range episodes {
		if s.FirstSeen <= ep.last && ep.first <= s.LastSeen {
			s.Reason = schema.ReasonMerged
		}
	}
	s.Version++
	return Change{Signal: s}
}

// maxSamples is how many events a signal shows.
const maxSamples = 10

// evidence are the signal's earliest distinct events; where it began with what
// did not happen, those before that.
func evidence(plan *compiler.BoundPlan, ep *episode, all []compiler.Match) []compiler.Match {
	var out []compiler.Match
	seen := map[uint64]bool{}
	for _, own := range [][]compiler.Match{quietMatches(ep.opensQuiet(plan), all), Between(all, ep.after(plan), ep.last)} {
		for i := 0; i < len(own) && len(out) < maxSamples; i++ {
			if m := own[i]; !seen[m.Seq] {
				seen[m.Seq] = true
				out = append(out, m)
			}
		}
	}
	return out
}
