package compiler

import (
	"fmt"
	"strconv"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// LabelExplanation says what a label makes of an event.
type LabelExplanation struct {
	Name string
	// Matches says that the event counts for the label. Otherwise Why tells the
	// first thing that is in its way.
	Matches bool
	Why     string
	// Clauses are the query, and the filters after it.
	Clauses []search.Clause
	Found   []Match
}

// Explain says what the plan's labels make of an event.
func (p *BoundPlan) Explain(e *schema.Event) []LabelExplanation {
	out := make([]LabelExplanation, len(p.Labels))
	for i := range p.Labels {
		l := &p.Labels[i]
		x := &out[i]
		x.Name = l.Name
		for n, part := range l.Filter {
			c := part.Query.Explain(e)
			if part.Negated {
				c = search.Clause{Text: "NOT (" + c.Text + ")", Matches: !c.Matches, Clauses: []search.Clause{c}}
			}
			x.Clauses = append(x.Clauses, c)
			if !c.Matches && x.Why == "" {
				x.Why = map[bool]string{true: "the query does not match", false: "a filter of the rule leaves it out: " + c.Text}[n == 0]
			}
		}
		if x.Why == "" {
			x.Found, _ = p.Expand(i, e)
			x.Why = p.refused(l, e, x.Found)
		}
		x.Matches = x.Why == ""
	}
	return out
}

// refused says why an event that passes the label's query has no match there;
// "" when it has.
func (p *BoundPlan) refused(l *Label, e *schema.Event, found []Match) string {
	for i := range p.Suppressions {
		if f := &p.Suppressions[i]; f.excludes != nil && f.covers(e.At, e.Seq) && f.excludes(e) {
			return "suppression " + f.ID + " (" + f.Name + ") excludes it: " + f.data.String()
		}
	}
	for _, check := range l.Tables {
		if p.isIn(check, e) != check.Present {
			return fmt.Sprintf("%s is %s %s", check.Field.String(), map[bool]string{true: "not in", false: "in"}[check.Present], check.TableColumn)
		}
	}
	if len(found) > 0 {
		return ""
	}
	for _, f := range l.GroupBy {
		if !l.Optional && len(e.Values(f)) == 0 {
			return "it lacks the group-by field " + f.String()
		}
	}
	for _, f := range l.Distinct {
		if len(e.Values(f)) == 0 {
			return "it has no value of " + f.String()
		}
	}
	return "it has no place under " + l.Metric.String()
}

// Explain writes the condition with the values in place: `a 4 > 5`.
func (c *Condition) Explain(values []float64) string {
	text := ""
	for i, part := range c.Parts {
		if i > 0 {
			text += " then "
		}
		text += explainNode(part, values)
	}
	return text
}

func explainNode(n CondNode, values []float64) string {
	switch n := n.(type) {
	case CondCompare:
		value := "?"
		if n.Label < len(values) {
			value = strconv.FormatFloat(values[n.Label], 'f', -1, 64)
		}
		return n.Name + "=" + value + " " + n.Op + " " + strconv.FormatFloat(n.Number, 'f', -1, 64)
	case CondAnd:
		return "(" + explainNode(n.Left, values) + " && " + explainNode(n.Right, values) + ")"
	case CondOr:
		return "(" + explainNode(n.Left, values) + " || " + explainNode(n.Right, values) + ")"
	case CondNot:
		return "!" + explainNode(n.Inner, values)
	}
	return n.String()
}
