package compiler

// CondLow is a comparison on the low side, of MethodAnomaly: its label is P(X ≤
// observed). The labels' values have those of the low side after those of the high
// side.
type CondLow struct{ CondCompare }

// Holds compares the label's value of the low side.
func (n CondLow) Holds(values []float64) bool { return n.Compare(values[len(values)/2+n.Label]) }

// sided is a condition on probabilities whose comparisons with `<` and `<=` are on the
// low side, wherever a `!` makes them so, and whether there are any.
func sided(n CondNode) (out CondNode, low bool) {
	switch n := n.(type) {
	case CondCompare:
		if n.Op == "<" || n.Op == "<=" {
			return CondLow{n}, true
		}
	case CondAnd:
		left, lowLeft := sided(n.Left)
		right, lowRight := sided(n.Right)
		return bothOf(left, right), lowLeft || lowRight
	case CondOr:
		left, lowLeft := sided(n.Left)
		right, lowRight := sided(n.Right)
		return eitherOf(left, right), lowLeft || lowRight
	case CondNot:
		return sidedDenial(n.Inner)
	}
	return n, false
}

// sidedDenial is sided for the opposite of a condition.
func sidedDenial(n CondNode) (out CondNode, low bool) {
	switch n := n.(type) {
	case CondCompare:
		n.Op = opposites[n.Op]
		return sided(n)
	case CondAnd:
		left, lowLeft := sidedDenial(n.Left)
		right, lowRight := sidedDenial(n.Right)
		return eitherOf(left, right), lowLeft || lowRight
	case CondOr:
		left, lowLeft := sidedDenial(n.Left)
		right, lowRight := sidedDenial(n.Right)
		return bothOf(left, right), lowLeft || lowRight
	case CondNot:
		return sided(n.Inner)
	}
	return CondNot{n}, false
}

var opposites = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
