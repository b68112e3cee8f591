package compiler

import "slices"

// Absence is the end of `X then not Y`: a moment at which X holds, and after
// which Y holds at none for as long as the plan's window.
type Absence struct {
	// Asked are the labels that X names: only where an event of the group matches
	// one of them does the wait for Y begin.
	Asked []int
	// AnyAsks says that one of them has no groups, so that an event of whatever
	// label may match it too.
	AnyAsks bool
	// Answer is Y, whose values are taken over what happened since.
	Answer *Condition
	// Grows says that Y, once it holds, goes on holding while events are added, so
	// that it need only be asked of all of them together.
	Grows bool
}

// MayAsk reports whether an event of the group that matches the label may be one
// after which the wait for Y begins.
func (a *Absence) MayAsk(label int) bool { return a.AnyAsks || slices.Contains(a.Asked, label) }

// absence makes the plan wait for what does not follow.
func (c *ruleCompiler) absence(condition *Condition) {
	last := condition.Parts[len(condition.Parts)-1]
	c.plan.Absence = &Absence{
		Asked:  slices.Sorted(labelsIn(last)),
		Answer: &Condition{Parts: []CondNode{condition.Absent}},
		Grows:  grows(condition.Absent, c.plan.Labels),
	}
	c.plan.Absence.AnyAsks = slices.ContainsFunc(c.plan.Absence.Asked, func(l int) bool { return c.plan.Labels[l].Global })
	if c.plan.Window == 0 {
		c.bad.Add("cases[0].condition", "how long to wait? `then not` needs an evaluationWindow above 0")
	}
	if c.plan.OfSignals {
		c.bad.Add("cases[0].condition", "rules over signals have no `then not`: signals come and go, their absence tells nothing")
	}
}

// grows reports whether the condition stays true when events are added. It may
// say no of one that does.
func grows(n CondNode, labels []Label) bool {
	switch n := n.(type) {
	case CondCompare:
		if labels[n.Label].Aggregation == AggSum {
			return false // numbers may be negative
		}
		switch n.Op { // no value is below 0 and falls, but max from the 0 of nothing
		case ">":
			return n.Number >= 0
		case ">=":
			return n.Number > 0
		case "!=":
			return n.Number == 0 && labels[n.Label].Aggregation != AggMax
		}
		return false
	case CondAnd:
		return grows(n.Left, labels) && grows(n.Right, labels)
	case CondOr:
		return grows(n.Left, labels) && grows(n.Right, labels)
	}
	return false
}
