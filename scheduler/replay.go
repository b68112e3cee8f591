package scheduler

import (
	"context"
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
func Replay(plan *compiler.Plan, matches []compiler.Match, h Horizon) []schema.Signal {
	changes := replay(plan, matches, h)
	out := make([]schema.Signal, len(changes))
	for i := range changes {
		out[i] = changes[i].Signal
	}
	return out
}

func replay(plan *compiler.Plan, matches []compiler.Match, h Horizon) []change {
	changes, _ := replayWatched(context.Background(), plan, matches, h, func(float64) {}) // fails only with its context
	return changes
}

// replayWatched tells how much is done, from 0 to 1, and ends with ctx.
func replayWatched(ctx context.Context, plan *compiler.Plan, matches []compiler.Match, h Horizon, progress func(float64)) ([]change, error) {
	units, globals := split(plan, matches)
	expectAll(plan, units, h)
	var k *known
	if plan.Novelty != nil {
		k = newKnown(plan.Novelty)
		for i := range matches {
			if values := plan.Values(&matches[i]); values != nil {
				k.learn(&matches[i], values)
			}
		}
	}
	var us *usual
	if plan.Anomaly != nil {
		us = newUsual(plan, 0)
		for i := range matches {
			us.count(&matches[i])
		}
	}
	var out []change
	done := 0
	for _, u := range units {
		if done++; done%100 == 0 {
			progress(float64(done) / float64(len(units)))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		u.since, u.known, u.usual, u.horizon = always, k, us, h
		sort.SliceStable(u.matches, func(i, j int) bool { return u.matches[i].At < u.matches[j].At })
		for _, c := range u.advance(u.chains(), u.matches, globals) {
			c.ID = c.id(0)
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return signalLess(&out[i].Signal, &out[j].Signal) })
	return out, nil
}

// expectAll adds the groups that are expected at the horizon, and says since when
// each is.
func expectAll(plan *compiler.Plan, units map[string]*unit, h Horizon) {
	plan.ExpectedGroups(h.Through, func(group []string, since schema.Millis) bool {
		key := groupKey(group)
		if units[key] == nil {
			units[key] = &unit{plan: plan, group: group, key: unitKey(plan, group)}
		}
		units[key].expected = max(since, h.Began, sinceEver)
		return true
	})
}

func signalLess(a, b *schema.Signal) bool {
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
func split(plan *compiler.Plan, matches []compiler.Match) (map[string]*unit, []compiler.Match) {
	units := map[string]*unit{}
	var globals []compiler.Match
	for _, m := range matches {
		if plan.Labels[m.Label].Global {
			globals = append(globals, m)
			continue
		}
		group := unitGroup(plan, &m)
		key := groupKey(group)
		u := units[key]
		if u == nil {
			u = &unit{plan: plan, group: group, key: unitKey(plan, group)}
			units[key] = u
		}
		u.matches = append(u.matches, m)
	}
	sort.SliceStable(globals, func(i, j int) bool { return globals[i].At < globals[j].At })
	return units, globals
}
