package detect

import (
	"nightjar/anomaly/content"
	"nightjar/compiler"
	"nightjar/schema"
)

// contentAnomaly is a threshold over matches with a text like few of the group before.
type contentAnomaly struct{ threshold }

func (contentAnomaly) counting(plan *compiler.BoundPlan, matches []compiler.Match, from schema.Millis) []compiler.Match {
	return inGroups(matches, func(group []compiler.Match) []compiler.Match { return unlike(plan, group, from) })
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
