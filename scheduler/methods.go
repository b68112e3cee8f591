package scheduler

import (
	"slices"
	"sort"
	"strconv"

	"nightjar/compiler"
	"nightjar/schema"
)

// gradedHits takes every alert of a vendor as a hit of the case that grades it.
func gradedHits(group []compiler.Match, from schema.Millis) []hit {
	var out []hit
	for _, m := range group {
		if m.At >= from {
			out = append(out, hit{m.At, int(m.Number)})
		}
	}
	return out
}

// matching keeps the matches that count by the plan's method: those of a new
// value, and those of somebody further away from where they last were than
// anybody travels. They are sorted by time, and stay so.
func matching(plan *compiler.Plan, k *known, matches []compiler.Match) []compiler.Match {
	if plan.Method == compiler.MethodTravel {
		var far []compiler.Match
		for _, group := range byGroup(matches) {
			far = append(far, travelled(group)...)
		}
		sort.Slice(far, func(i, j int) bool {
			if far[i].At != far[j].At {
				return far[i].At < far[j].At
			}
			return far[i].Seq < far[j].Seq
		})
		matches = far
	}
	if plan.Novelty != nil {
		matches = k.news(plan, matches)
	}
	return matches
}

// travelled are the matches of one traveller that are too far from one at the
// nearest moment before, whose place and time follow their own in Values.
func travelled(group []compiler.Match) []compiler.Match {
	var out []compiler.Match
	var before []compiler.Match // at the nearest earlier moment
	for i := 0; i < len(group); {
		j := i
		for ; j < len(group) && group[j].At == group[i].At; j++ {
			if from := impossible(before, group[j]); from != nil {
				m := group[j]
				m.Values = slices.Concat(m.Values, from.Values, []string{strconv.FormatInt(int64(from.At), 10)})
				out = append(out, m)
			}
		}
		before, i = group[i:j], j
	}
	return out
}

// impossible is the match that nobody could have come from, or nil.
func impossible(before []compiler.Match, now compiler.Match) *compiler.Match {
	for i := range before {
		gap := now.At - before[i].At
		if gap > schema.Millis(compiler.TravelWithin.Milliseconds()) {
			return nil
		}
		km := now.Place().Km(before[i].Place())
		if km > compiler.TravelKm && km/(float64(gap)/3_600_000) > compiler.TravelKmh {
			return &before[i]
		}
	}
	return nil
}
