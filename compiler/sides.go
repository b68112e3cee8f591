package compiler

// CondLow is a comparison on the low side, of MethodAnomaly: its label is P(X ≤
// observed). The labels' values have those of the low side after those of the high
// side.
type CondLow struct{ CondCompare }

// Holds compares the label's value of the low side.
func (n CondLow) Holds(values []float64) bool { return n.compare(values[len(values)/2+n.Label]) }

// sided is a condition on probabilities with `<` and `<=` on the low side, wherever
// a `!` makes them so, and whether there are any.
func sided(n CondNode, not bool) (out CondNode, low bool) {
	switch n := n.(type) {
	case CondCompare:
		if not {
			n.Op = opposites[n.Op]
		}
		if n.Op == "<" || n.Op == "<=" {
			return CondLow{n}, true
		}
		return n, false
	case CondAnd:
		return sidedBoth(n.Left, n.Right, not, not)
	case CondOr:
		return sidedBoth(n.Left, n.Right, not, !not)
	case CondNot:
		return sided(n.Inner, !not)
	}
	if not {
		return CondNot{n}, false
	}
	return n, false
}

// sidedBoth are two conditions of which one (or else both) must hold.
func sidedBoth(left, right CondNode, not, either bool) (out CondNode, low bool) {
	l, lowLeft := sided(left, not)
	r, lowRight := sided(right, not)
	if either {
		return CondOr{l, r}, lowLeft || lowRight
	}
	return CondAnd{l, r}, lowLeft || lowRight
}

var opposites = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
