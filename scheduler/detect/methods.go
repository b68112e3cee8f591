package detect

import (
	"slices"
	"sort"

	"nightjar/anomaly/content"
	"nightjar/compiler"
	"nightjar/schema"
)

// gradedHits takes every alert of a vendor as a hit of the case that grades it.
func gradedHits(group []compiler.Match, from schema.Millis) []hit {
	var out []hit
	for _, m := range group {
		if m.At >= from {
			out = append(out, hit{at: m.At, caseAt: int(m.Number)})
		}
	}
	return out
}

// Matching keeps the matches that count by the plan's method: those of a new
// value, those of somebody further away from where they last were than anybody
// travels, and those with a text like few before. They are sorted by time, and
// stay so. Before from they need not be asked.
func Matching(plan *compiler.BoundPlan, k *SeenValues, matches []compiler.Match, from schema.Millis) []compiler.Match {
	switch plan.Method {
	case schema.MethodAnomalyDetection: // the past is learned from, and is not what the rule sees
		matches = slices.DeleteFunc(slices.Clone(matches), func(m compiler.Match) bool { return m.Seq <= plan.After })
	case schema.MethodImpossibleTravel:
		matches = inGroups(matches, func(group []compiler.Match) []compiler.Match { return travelled(group, from) })
	case schema.MethodContentAnomaly:
		matches = inGroups(matches, func(group []compiler.Match) []compiler.Match { return unlike(plan, group, from) })
	}
	if plan.Novelty != nil {
		matches = k.news(plan, matches)
	}
	return matches
}

// inGroups keeps some of the matches of each full group.
func inGroups(matches []compiler.Match, keep func([]compiler.Match) []compiler.Match) []compiler.Match {
	var out []compiler.Match
	for _, group := range ByGroup(matches) {
		out = append(out, keep(group)...)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].At != out[j].At {
			return out[i].At < out[j].At
		}
		return out[i].Seq < out[j].Seq
	})
	return out
}

// mostTexts is how many different texts of a group are remembered.
const mostTexts = 20_000

// unlike are the matches, from a moment on, whose text is similar to fewer texts
// of the group before it than would make it normal.
func unlike(plan *compiler.BoundPlan, group []compiler.Match, from schema.Millis) []compiler.Match {
	var out []compiler.Match
	memories := map[int]*content.Memory{} // by label
	forget := int64(plan.Novelty.Forget.Milliseconds())
	for i := range group {
		m := &group[i]
		if plan.Labels[m.Label].Aggregation != compiler.AggContent || len(m.Values) != 1 {
			continue
		}
		s, err := content.ParseSignature(m.Values[0])
		if err != nil {
			continue // written by a version that signed otherwise
		}
		memory := memories[m.Label]
		if memory == nil {
			memory = content.NewMemory(mostTexts)
			memories[m.Label] = memory
		}
		at := int64(m.At)
		if m.At >= from && memory.Similar(s, *plan.Content, at-forget, at) < plan.Content.Items {
			out = append(out, *m)
		}
		memory.Add(s, at)
	}
	return out
}
