package search

import (
	"slices"
	"time"
)

// What parts of a query that are asked one by one take for an event, in nanoseconds,
// about: those that are looked for together take nothing more each.
const (
	nsTest    = 50 // a value compared, a path looked up, a pass over a text
	nsAddress = 100
	nsBlock   = 10
	nsRegexp  = 1000 // at least
	nsElement = 3000 // of an event, the elements of an array

	// An instruction of an expression at each character of a text of regexpText of them:
	// it may be tried at every one. Measured were 0.9 to 2.2 ns.
	nsInstruction = 1
	regexpText    = 100
)

// Estimate is about how long an event takes that is held against all of the query
// and matches none of its alternatives.
func (q *Query) Estimate() time.Duration { return time.Duration(estimate(q.Root)) }

func estimate(n Node) (ns int) {
	switch n := n.(type) {
	case Conjunction:
		for _, inner := range n.Nodes {
			ns += estimate(inner)
		}
	case Disjunction:
		var scopes []scope
		for _, inner := range n.Nodes {
			texts := soughtBy(inner)
			for _, t := range texts { // they are looked for in one pass
				if !slices.Contains(scopes, t.in) {
					scopes = append(scopes, t.in)
				}
			}
			if _, equal := inner.(Equals); len(texts) == 0 && !equal { // one look-up for all
				ns += estimate(inner)
			}
		}
		ns += nsTest * (1 + len(scopes))
	case Negation:
		return estimate(n.Node)
	case Network:
		return nsAddress + nsBlock*len(n.Blocks)
	case Regexp:
		return estimateRegexp(n.Expr)
	case Any:
		return nsElement + estimate(n.Node)
	case MatchAll:
	default:
		return nsTest
	}
	return ns
}

func estimateRegexp(expr string) (ns int) {
	tree, err := parseRegexp(expr)
	if err != nil {
		return 0 // refused when the query was parsed
	}
	size, _ := programSize(tree)
	return max(nsRegexp, size*regexpText*nsInstruction)
}
