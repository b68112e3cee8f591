package compiler

import "nightjar/schema"

// MayMatch reports whether there can be an event with this source that one of the
// plan's queries matches: false only where their conditions on the source alone
// exclude it. A plan over signals reads no events.
func (p *Plan) MayMatch(source string) bool {
	if p.OfSignals {
		return false
	}
	e := &schema.Event{Source: source}
	for i := range p.Labels {
		if p.Labels[i].mayMatch(e) {
			return true
		}
	}
	return false
}

func (l *Label) mayMatch(e *schema.Event) bool {
	for _, part := range l.Parts {
		holds, fails := possible(part.Query.Root, e)
		if part.Negated && !fails || !part.Negated && !holds {
			return false
		}
	}
	return true
}

// possible are the outcomes that a condition can have for an event of which nothing but
// the source is known.
func possible(n Node, e *schema.Event) (holds, fails bool) {
	switch n := n.(type) {
	case MatchAll:
		return true, false
	case Negation:
		holds, fails = possible(n.Node, e)
		return fails, holds
	case Conjunction:
		holds = true
		for _, part := range n.Nodes {
			h, f := possible(part, e)
			holds, fails = holds && h, fails || f
		}
		return holds, fails
	case Disjunction:
		fails = true
		for _, part := range n.Nodes {
			h, f := possible(part, e)
			holds, fails = holds || h, fails && f
		}
		return holds, fails
	case Equals:
		return known(n.Field, n, e)
	case Like:
		return known(n.Field, n, e)
	case Range:
		return known(n.Field, n, e)
	case Exists:
		return known(n.Field, n, e)
	case Folded:
		return known(n.Field, n, e)
	case Regexp:
		return known(n.Field, n, e)
	}
	return true, true
}

// known is the one outcome of a condition on the source; any other can have both.
func known(f schema.Field, n Node, e *schema.Event) (holds, fails bool) {
	if f.Kind != schema.FieldReserved || f.Name != "source" {
		return true, true
	}
	holds = matcher(n, nil)(e)
	return holds, !holds
}
