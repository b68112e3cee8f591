package oracle

import "slices"

// This file is for thresholds, and for the silence after the last event of a group
// (docs/semantics.md, "Thresholds", "Silence points" and "Expected groups").

// judgeThreshold looks at every evaluation point and every silence point.
func (g *ruleGroup) judgeThreshold(cases []caseWords) []Match {
	var out []Match
	judge := func(values []float64, h Match) {
		h.Case = slices.IndexFunc(cases, func(c caseWords) bool { return c.parts[0].holds(values) })
		if h.group = g; h.Case >= 0 {
			out = append(out, h)
		}
	}
	window := *g.o.rule.Options.EvaluationWindow * 1000
	if window == 0 {
		for i := range g.o.events {
			if g.own(i) {
				judge(g.alone(i), Match{At: int64(g.o.events[i].At)})
			}
		}
		return out
	}
	for _, t := range g.points() {
		judge(g.between(t-window, t), Match{At: t})
	}
	for _, t := range g.falls(window) {
		judge(g.between(t, t+window), Match{At: t + window, Silent: true, from: t})
	}
	return out
}

// falls are the moments after which the group is silent for the whole window,
// which has ended by the horizon: its points, and that at which it begins to be
// expected because a table lists it.
func (g *ruleGroup) falls(window int64) []int64 {
	points := g.points()
	heard := slices.Clone(points)
	since, ok := g.o.expectedSince(g.key)
	if ok && !slices.ContainsFunc(points, func(t int64) bool { return t > since-window && t <= since }) {
		heard = append(heard, since) // that of a group which was heard of shortly before is its own
	}
	slices.Sort(heard)
	return slices.DeleteFunc(slices.Compact(heard), func(t int64) bool {
		return t+window > g.o.Horizon || slices.ContainsFunc(points, func(other int64) bool { return other > t && other <= t+window })
	})
}
