package compiler

// silence decides whether the plan has silence points to judge: whether a case
// may hold where a group has no events left in its window.
func (c *ruleCompiler) silence() {
	p := c.plan
	if p.Method != MethodThreshold || p.Window == 0 || p.OfSignals {
		return
	}
	for i := range p.Cases {
		p.Silence = p.Silence || p.Cases[i].Condition.MayHoldAtSilence(p.Labels)
	}
}

// MayHoldAtSilence reports whether the condition can hold where all labels with
// group-by fields are 0. Of labels that count for every group nothing is known
// there.
func (c *Condition) MayHoldAtSilence(labels []Label) bool {
	if c.OverTime() {
		return false
	}
	holds, _ := atSilence(c.Parts[0], labels)
	return holds
}

// atSilence reports whether the condition may hold at silence, and whether it may
// not.
func atSilence(n CondNode, labels []Label) (holds, fails bool) {
	switch n := n.(type) {
	case CondCompare:
		if labels[n.Label].Global {
			return true, true
		}
		holds = n.Holds(make([]float64, len(labels)))
		return holds, !holds
	case CondAnd:
		leftHolds, leftFails := atSilence(n.Left, labels)
		rightHolds, rightFails := atSilence(n.Right, labels)
		return leftHolds && rightHolds, leftFails || rightFails
	case CondOr:
		leftHolds, leftFails := atSilence(n.Left, labels)
		rightHolds, rightFails := atSilence(n.Right, labels)
		return leftHolds || rightHolds, leftFails && rightFails
	case CondNot:
		holds, fails = atSilence(n.Inner, labels)
		return fails, holds
	}
	return true, false // the empty condition
}
