package detect

import (
	"slices"
	"sort"

	"nightjar/compiler"
	"nightjar/schema"
)

// Replay evaluates a plan over all its matches at once: a backtest, or a rule
// test. It is the same evaluation as the live one, from the beginning of time;
// what did not happen is judged up to the horizon. Signals come ordered by first
// seen, then case, then group. They are as they would be without suppressions of
// signals, which see what is rendered.
func Replay(plan *compiler.BoundPlan, matches []compiler.Match, h Horizon) []schema.Signal {
	changes := ReplayChanges(plan, matches, h)
	out := make([]schema.Signal, len(changes))
	for i := range changes {
		out[i] = changes[i].Signal
	}
	return out
}

// ReplayChanges is Replay, with what tells which events each signal is about.
func ReplayChanges(plan *compiler.BoundPlan, matches []compiler.Match, h Horizon) []Change {
	changes, _ := ReplayWithProgress(plan, matches, h, func(float64) error { return nil }) // fails only with its progress
	return changes
}

// ReplayWithProgress is ReplayChanges, and calls progress now and then with how much is
// done, from 0 to 1. It ends with the first error that progress returns.
func ReplayWithProgress(plan *compiler.BoundPlan, matches []compiler.Match, h Horizon, progress func(float64) error) ([]Change, error) {
	states, globals := split(plan, matches)
	expectAll(plan, states, h)
	var seen *SeenValues
	if plan.Novelty != nil {
		seen = NewSeenValues(plan.Novelty)
		for i := range matches {
			if values := plan.Values(&matches[i]); values != nil {
				seen.Learn(&matches[i], values)
			}
		}
	}
	var us *Baseline
	if plan.Anomaly != nil {
		us = NewBaseline(plan, 0)
		for i := range matches {
			us.Count(&matches[i])
		}
	}
	var out []Change
	done := 0
	for _, gs := range states {
		if done++; done%100 == 0 {
			if err := progress(float64(done) / float64(len(states))); err != nil {
				return nil, err
			}
		}
		gs.Since, gs.Seen, gs.Baseline, gs.Horizon = Always, seen, us, h
		sort.SliceStable(gs.Matches, func(i, j int) bool { return gs.Matches[i].At < gs.Matches[j].At })
		for _, c := range gs.Advance(gs.Chains(), gs.Matches, globals) {
			c.ID = c.SaltedID(0)
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return SignalLess(&out[i].Signal, &out[j].Signal) })
	return out, nil
}

// expectAll adds the groups that are expected at the horizon, and says since when
// each is.
func expectAll(plan *compiler.BoundPlan, states map[string]*GroupState, h Horizon) {
	plan.ExpectedGroups(h.Through, func(group []string, since schema.Millis) bool {
		key := GroupKey(group)
		if states[key] == nil {
			states[key] = &GroupState{Plan: plan, Group: group, Key: StateKey(plan, group)}
		}
		states[key].Expected = max(since, h.Began, SinceEver)
		return true
	})
}

// SignalLess reports whether a comes before b in the order in which signals are shown.
func SignalLess(a, b *schema.Signal) bool {
	switch {
	case a.FirstSeen != b.FirstSeen:
		return a.FirstSeen < b.FirstSeen
	case a.Case != b.Case:
		return a.Case < b.Case
	}
	if order := slices.Compare(a.Group, b.Group); order != 0 {
		return order < 0
	}
	return slices.Compare(a.Values, b.Values) < 0
}

// split sorts matches into the signal groups they belong to; those of labels
// without group-by fields belong to all.
func split(plan *compiler.BoundPlan, matches []compiler.Match) (map[string]*GroupState, []compiler.Match) {
	states := map[string]*GroupState{}
	var globals []compiler.Match
	for _, m := range matches {
		if plan.Labels[m.Label].Global {
			globals = append(globals, m)
			continue
		}
		group := StateGroup(plan, &m)
		key := GroupKey(group)
		gs := states[key]
		if gs == nil {
			gs = &GroupState{Plan: plan, Group: group, Key: StateKey(plan, group)}
			states[key] = gs
		}
		gs.Matches = append(gs.Matches, m)
	}
	sort.SliceStable(globals, func(i, j int) bool { return globals[i].At < globals[j].At })
	return states, globals
}
