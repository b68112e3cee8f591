package detect

import (
	"github.com/cespare/xxhash/v2"

	"nightjar/compiler"
	"nightjar/schema"
)

// StateKeyOfRule is the key under which a signal group's state is stored. Readers
// compare rule key and group as well, so that a collision costs time only.
func StateKeyOfRule(ruleKey string, group []string) uint64 {
	return xxhash.Sum64String(ruleKey + "\x00" + GroupKey(group))
}

// StateKey tells the states of groups of one plan apart.
func StateKey(plan *compiler.BoundPlan, group []string) uint64 {
	return StateKeyOfRule(plan.Key, group)
}

// GlobalKey is where the matches of labels without group-by fields are stored.
func GlobalKey(plan *compiler.BoundPlan) uint64 {
	return xxhash.Sum64String(plan.Key + "\x01")
}

// StateGroup is what the signals that a match is for are kept under: their
// group, and what sets them apart beyond that.
func StateGroup(plan *compiler.BoundPlan, m *compiler.Match) []string {
	if plan.PerEvent(m.Group) {
		return append(make([]string, len(plan.SignalGroup)), schema.EventID(m.At, m.Seq))
	}
	return SignalGroup(plan, m.Group)
}

// Visible are the values of a signal's group that a user named: none where the
// group only sets the signal of an event apart.
func Visible(plan *compiler.BoundPlan, group []string) []string {
	if len(group) > len(plan.SignalGroup) {
		return nil
	}
	return group
}

// SignalGroup keeps of a full group what the rule groups its signals by.
func SignalGroup(plan *compiler.BoundPlan, group []string) []string {
	if len(plan.SignalGroup) == len(group) {
		return group
	}
	out := make([]string, 0, len(plan.SignalGroup))
	for _, position := range plan.SignalGroup {
		if position < len(group) {
			out = append(out, group[position])
		}
	}
	return out
}

// SinceEver is before every event; 0 is for what was never said.
const SinceEver = schema.Millis(1)

// GroupPaths are the names of the fields that a full group has values of.
func GroupPaths(plan *compiler.BoundPlan) []string {
	paths := []string{}
	for l := range plan.Labels {
		if by := plan.Labels[l].GroupBy; len(by) == plan.Arity {
			for _, f := range by {
				paths = append(paths, f.Name)
			}
			break
		}
	}
	return paths
}
