package detect

import (
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// thirdParty takes every alert of a vendor for a detection of the case that grades it; one
// that no case does is of the default.
type thirdParty struct{ threshold }

func (thirdParty) detections(_ *GroupState, group fullGroup, _ []compiler.Match, from schema.Millis) []detection {
	var out []detection
	for _, m := range group.matches {
		if m.At >= from {
			out = append(out, detection{at: m.At, caseAt: gradeOf(&m)})
		}
	}
	return out
}

// gradeOf is the case that grades an alert, which its match has for a number; −1 is the
// default.
func gradeOf(m *compiler.Match) int { return int(m.Number) }

func (thirdParty) hasDefault() bool { return true }

func (thirdParty) explain(m *Moment, s *Standing) {
	for i, c := range m.Plan.Cases {
		holds := slices.ContainsFunc(m.counted, func(own compiler.Match) bool { return own.At == m.At && gradeOf(&own) == i })
		s.Cases = append(s.Cases, caseStanding(i, c, m.Plan.Grades[i].String(), holds))
	}
}

func (t thirdParty) recipients(rule *schema.Rule, caseAt int) []string {
	switch o := rule.Options.ThirdParty; {
	case caseAt < 0 && o != nil:
		return o.DefaultNotifications
	case caseAt >= 0 && caseAt < len(rule.ThirdPartyCases):
		return rule.ThirdPartyCases[caseAt].Notifications
	}
	return t.threshold.recipients(rule, caseAt)
}
