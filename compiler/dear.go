package compiler

import (
	"fmt"
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

// dearEvent is from which estimate on a rule is said to be dear: what the scheduler
// lets a rule take that is evaluated with others.
const dearEvent = 100 * time.Microsecond

// Estimate is about how long an event takes that is held against all of the rule's
// queries and matches none of their alternatives.
func (p *Plan) Estimate() time.Duration {
	total := 0
	for i := range p.Labels {
		for _, part := range p.Labels[i].Parts {
			total += estimate(part.Query.Root)
		}
	}
	return time.Duration(total)
}

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

// dearWarning says that a rule is dear; it is empty where none is.
func (p *Plan) dearWarning() string {
	each := p.Estimate()
	if each <= dearEvent {
		return ""
	}
	return fmt.Sprintf("queries: an event takes about %s to be held against all of this, by estimate, where a rule that is evaluated with others may take %s: "+
		"it is evaluated by itself when it does, and may fall behind; words and wildcards cost next to nothing together, and a term that few events have (source:x) in front saves the rest",
		each.Round(10*time.Microsecond), dearEvent)
}
