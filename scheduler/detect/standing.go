package detect

import (
	"nightjar/compiler"
	"nightjar/schema"
)

// Moment is a full group at a moment, about which is asked how it stands.
type Moment struct {
	Plan  *compiler.BoundPlan
	Group []string
	At    schema.Millis
	// Own are the group's matches, as far back as decides, Globals those that count for
	// every group; both are sorted by time.
	Own, Globals []compiler.Match
	Seen         *SeenValues // of plans with novelty
	Baseline     *Baseline   // of those that look for anomalies

	counted []compiler.Match // those of Own that count
}

// Standing is how a full group stands at a moment.
type Standing struct {
	// Values are the labels' values then, by label.
	Values []LabelValue
	Cases  []CaseStanding
	Steps  []StepStanding
	// Notes are what else decides: known values, journeys, expectations.
	Notes []string
}

// LabelValue is the value of a label.
type LabelValue struct {
	Name  string
	Value float64
}

// CaseStanding is a condition with values in it, and whether it holds. The first that
// holds is the match.
type CaseStanding struct {
	Index        int
	Name, Status string
	Condition    string
	Written      string // the condition without values
	Holds        bool
	// Compared are the comparisons in the condition, with the values of the moment.
	Compared []Comparison
}

// Comparison is a number that a value is compared with.
type Comparison struct {
	compiler.CondCompare
	Value float64
	Holds bool
}

// StepStanding is how far a sequence got.
type StepStanding struct {
	Name, Condition string
	// Window is the step's own; 0: it asks for one event. Within is how soon it must follow
	// the step before it; 0: it is the first, or all must lie within the rule's window.
	Window, Within schema.Millis
	// Holds says that the step holds at the moment.
	Holds bool
	// Reached is when it was reached, on a way that ends at the moment; where none does,
	// when it last was; nil: it never was.
	Reached *schema.Millis
	// Compared are the comparisons in the condition, with the values of when it was reached.
	Compared []StepComparison
}

// StepComparison is a comparison of a step. Most is the highest value from when the step was
// reached to when the next one was.
type StepComparison struct {
	Comparison
	Most float64
}

// Standing says how the group stands. Its notes are those on seen values, the given ones,
// and those of the plan's method.
func (m Moment) Standing(notes ...string) Standing {
	var s Standing
	if m.Plan.Novelty != nil {
		s.Notes = m.Seen.notes(m.Plan, m.Own, m.At)
	}
	s.Notes = append(s.Notes, notes...)
	m.counted = counting(m.Plan, m.Seen, m.Own, m.At-WindowOf(m.Plan))
	methodOf(m.Plan).explain(&m, &s)
	return s
}

func (s *Standing) setValues(plan *compiler.BoundPlan, values []float64) {
	for i, v := range values {
		s.Values = append(s.Values, LabelValue{Name: plan.Labels[i].Name, Value: v})
	}
}

func caseStanding(index int, c compiler.Case, condition string, holds bool) CaseStanding {
	return CaseStanding{Index: index, Name: c.Name, Status: string(c.Status), Condition: condition, Written: writtenOf(c.Condition), Holds: holds}
}

// writtenOf is a condition as a rule has it; of the alerts of others there is none.
func writtenOf(c *compiler.Condition) string {
	if c == nil {
		return ""
	}
	return c.Text
}

// valuesAt are the labels' values of a full group at a moment.
func valuesAt(m *Moment) []float64 {
	values := make([]float64, len(m.Plan.Labels))
	if m.Plan.Window > 0 {
		copy(values, newSlider(m.Plan, mergeByTime(m.counted, m.Globals), m.Plan.Window).to(m.At))
		return values
	}
	for e := range events(m.counted, m.Globals) {
		if e.at == m.At {
			copy(values, e.values(m.Plan))
		}
	}
	return values
}
