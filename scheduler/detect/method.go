package detect

import (
	"sort"

	"nightjar/compiler"
	"nightjar/schema"
)

// method is what a detection method decides. What comes after it, episodes and signals, is
// the same for all. Adding a method is a file that implements this, and a line in methods.
type method interface {
	// counting keeps, of a signal group's matches, those that count by the method. They are
	// sorted by time, and stay so. Those before from need not be looked at.
	counting(plan *compiler.BoundPlan, matches []compiler.Match, from schema.Millis) []compiler.Match
	// detections finds the moments, from one on, at which a case holds in the matches of a
	// full group that count.
	detections(u *GroupState, group fullGroup, globals []compiler.Match, from schema.Millis) []detection
	// explain says how the cases of a full group stand at a moment.
	explain(m *Moment, s *Standing)
	// reachesFurther reports whether the matches, which reach back to from, are not enough
	// to tell which of them count that are of since or later.
	reachesFurther(matches []compiler.Match, from, since schema.Millis) bool
	// opens tells an episode what it is about, besides its group, by a match of its first
	// moment.
	opens(l *episode, m *compiler.Match)
	// asksPast reports whether matches before a moment decide which of those at it count.
	asksPast() bool
	// hasDefault reports whether a signal may be of no case: compiler.Plan.DefaultStatus.
	hasDefault() bool
	// describe says what the values of a signal are.
	describe(plan *compiler.BoundPlan, values []string) Description
	// recipients are the handles that the rule names for a case.
	recipients(rule *schema.Rule, caseAt int) []string
}

// methods has one for every method that compiles (compiler.Methods).
var methods = map[schema.Method]method{
	schema.MethodThreshold:         threshold{},
	schema.MethodSequenceDetection: sequence{},
	schema.MethodThirdParty:        thirdParty{},
	schema.MethodImpossibleTravel:  travel{},
	schema.MethodNewValue:          newValue{},
	schema.MethodAnomalyDetection:  anomalies{},
	schema.MethodContentAnomaly:    contentAnomaly{},
}

// methodOf is the plan's method; a plan without one compares with thresholds.
func methodOf(plan *compiler.BoundPlan) method {
	if m := methods[plan.Method]; m != nil {
		return m
	}
	return threshold{}
}

// counting keeps the matches that count: those that do by the plan's method and, where it
// asks for what is new, those of a new value. They are sorted by time, and stay so. Before
// from they need not be asked.
func counting(plan *compiler.BoundPlan, seen *SeenValues, matches []compiler.Match, from schema.Millis) []compiler.Match {
	matches = methodOf(plan).counting(plan, matches, from)
	if plan.Novelty != nil {
		matches = seen.news(plan, matches)
	}
	return matches
}

// ReachesFurther reports whether the matches of some groups of the plan, which reach back
// to from, are not enough to tell which of them count that are of since or later.
func ReachesFurther(plan *compiler.BoundPlan, matches []compiler.Match, from, since schema.Millis) bool {
	return methodOf(plan).reachesFurther(matches, from, since)
}

// Description is what the values of a signal are: new ones, or a journey.
type Description struct {
	NewValues          []any // texts, or lists of texts where a value is of several fields
	NewValuesTruncated *bool // nil: there are none
	Travel             *schema.SignalTravel
}

// Describe says what the values of a signal are.
func Describe(plan *compiler.BoundPlan, values []string) Description {
	if len(values) == 0 {
		return Description{}
	}
	return methodOf(plan).describe(plan, values)
}

// Recipients are the handles that the plan's rule names for a case.
func Recipients(plan *compiler.BoundPlan, caseAt int) []string {
	return methodOf(plan).recipients(&plan.Rule, caseAt)
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
