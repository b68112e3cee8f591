package scheduler

import (
	"github.com/cespare/xxhash/v2"

	"nightjar/compiler"
	"nightjar/schema"
)

// UnitKey is the key under which a signal group's state is stored. Readers
// compare rule key and group as well, so that a collision costs time only.
func UnitKey(ruleKey string, group []string) uint64 {
	return xxhash.Sum64String(ruleKey + "\x00" + groupKey(group))
}

func unitKey(plan *compiler.Plan, group []string) uint64 { return UnitKey(plan.Key, group) }

// globalKey is where the matches of labels without group-by fields are stored.
func globalKey(plan *compiler.Plan) uint64 {
	return xxhash.Sum64String(plan.Key + "\x01")
}

// unitGroup is what the signals that a match is for are kept under: their
// group, and what sets them apart beyond that.
func unitGroup(plan *compiler.Plan, m *compiler.Match) []string {
	if plan.PerEvent(m.Group) {
		return append(make([]string, len(plan.SignalGroup)), schema.EventID(m.At, m.Seq))
	}
	return signalGroup(plan, m.Group)
}

// Visible are the values of a signal's group that a user named: none where the
// group only sets the signal of an event apart.
func Visible(plan *compiler.Plan, group []string) []string {
	if len(group) > len(plan.SignalGroup) {
		return nil
	}
	return group
}

// signalGroup keeps of a full group what the rule groups its signals by.
func signalGroup(plan *compiler.Plan, group []string) []string {
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

// sinceEver is before every event; 0 is for what was never said.
const sinceEver = schema.Millis(1)
