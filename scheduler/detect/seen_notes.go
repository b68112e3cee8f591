package detect

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/schema"
)

// maxNotes is for how many values of a group there are notes.
const maxNotes = 20

// notes say what is known of the values of the group's events at a moment.
func (seen *SeenValues) notes(plan *compiler.BoundPlan, own []compiler.Match, at schema.Millis) []string {
	var out []string
	for i := range own {
		m := &own[i]
		if m.At != at {
			continue
		}
		if seen.learning(seenGroupKey(m), at) {
			out = append(out, "the group is still being learned: nothing is new yet")
		}
		for _, v := range plan.Values(m) {
			shown := strings.Join(compiler.SplitTuple(v, plan.TupleSize(m.Label)), ", ")
			for _, st := range seen.stretches(seenValueKey(m, v)) {
				switch {
				case st.start == at:
					out = append(out, fmt.Sprintf("%s is new", shown))
				case st.start < at && at <= st.end+seen.forget:
					out = append(out, fmt.Sprintf("%s is known since %s", shown, st.start))
				}
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if more := len(out) - maxNotes; more > 0 {
		out = append(out[:maxNotes:maxNotes], fmt.Sprintf("and so on for %d more values", more))
	}
	return out
}
