package oracle

import (
	"slices"

	"nightjar/schema"
)

// This file is for what must follow: `then`, `then not` and the steps of sequences
// (docs/semantics.md, "Chains" and "Sequences").

// held are the evaluation points at which a condition holds over a window; with
// window 0, those where it holds for any one event.
func (g *ruleGroup) held(w clause, window int64) []int64 {
	return slices.DeleteFunc(g.points(), func(t int64) bool {
		if window > 0 {
			return !w.holds(g.between(t-window, t))
		}
		for i := range g.o.events {
			if g.own(i) && int64(g.o.events[i].At) == t && w.holds(g.alone(i)) {
				return false
			}
		}
		return true
	})
}

// ends are the times at which the last of some parts holds and a chain of
// earlier times exists: every way of choosing one for each part is tried. As
// many parts may stand at one time as the group has distinct events at it.
func (g *ruleGroup) ends(held [][]int64, follows func(part int, before, after, last int64) bool) []int64 {
	var reached func(part int, t, last int64, standing int) bool
	reached = func(part int, t, last int64, standing int) bool {
		if part == 0 {
			return true
		}
		for _, u := range held[part-1] {
			now := 1
			if u == t {
				now = standing + 1
			}
			if u <= t && follows(part, u, t, last) && now <= g.distinct(u) && reached(part-1, u, last, now) {
				return true
			}
		}
		return false
	}
	return slices.DeleteFunc(slices.Clone(held[len(held)-1]), func(t int64) bool { return !reached(len(held)-1, t, t, 1) })
}

// chains are the times at which the parts hold in order within the window.
func (g *ruleGroup) chains(parts []clause) []int64 {
	window := *g.o.rule.Options.EvaluationWindow * 1000
	if window == 0 && len(parts) > 1 {
		return nil
	}
	var held [][]int64
	for _, p := range parts {
		held = append(held, g.held(p, window))
	}
	return g.ends(held, func(_ int, before, _, last int64) bool { return before > last-window })
}

func (g *ruleGroup) judgeThen(parts []clause) []Match {
	var out []Match
	for _, t := range g.chains(parts) {
		out = append(out, Match{At: t, group: g})
	}
	return out
}

func (g *ruleGroup) judgeSequence(sequence *schema.SequenceOptions) []Match {
	var held [][]int64
	for _, s := range sequence.Steps {
		held = append(held, g.held(readCaseWords(s.Condition, g.o.names).parts[0], *s.EvaluationWindow*1000))
	}
	var out []Match
	for _, t := range g.ends(held, func(part int, before, after, _ int64) bool {
		return after <= before+*sequence.Transitions[part-1].EvaluationWindow*1000
	}) {
		out = append(out, Match{At: t, group: g})
	}
	return out
}

// judgeAbsence asks after every point at which what stands before `then not`
// matches, and an event brings it, whether the answer came.
func (g *ruleGroup) judgeAbsence(c caseWords) []Match {
	window := *g.o.rule.Options.EvaluationWindow * 1000
	var out []Match
	for _, t := range g.chains(c.parts) {
		if t+window <= g.o.Horizon && g.brings(c.parts[len(c.parts)-1], t) && !g.answered(*c.absent, t, window) {
			out = append(out, Match{At: t + window, Silent: true, from: t, Counted: g.at(t), group: g})
		}
	}
	return out
}

// brings reports whether an event of the group at t matches a query that the
// condition names.
func (g *ruleGroup) brings(w clause, t int64) bool {
	return slices.ContainsFunc(w.names, func(q int) bool {
		return slices.ContainsFunc(g.at(t), func(i int) bool { return g.matches[q][i] })
	})
}

// answered reports whether the condition holds at an evaluation point after t, or
// at t when another event of the group is there.
func (g *ruleGroup) answered(w clause, t, window int64) bool {
	from, after := t+1, t
	if g.distinct(t) > 1 {
		from, after = t, t-1
	}
	return slices.ContainsFunc(g.points(), func(p int64) bool {
		return p >= from && p <= t+window && w.holds(g.between(after, p))
	})
}

// at are the group's own events at a time.
func (g *ruleGroup) at(t int64) []int {
	var out []int
	for i := range g.o.events {
		if int64(g.o.events[i].At) == t && g.own(i) {
			out = append(out, i)
		}
	}
	return out
}
