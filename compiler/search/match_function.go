package search

import (
	"unicode"
	"unicode/utf8"

	"nightjar/schema"
)

// foldSimple is one letter of all that Unicode's simple folding makes one.
func foldSimple(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if least >= 'A' && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

// simpleClass are the letters that foldSimple makes one with r, r first.
func simpleClass(r rune) []rune {
	class := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		class = append(class, f)
	}
	return class
}

// foldText folds every letter of a text.
func foldText(s string) string { return foldedBy(foldSimple, s) }

// foldedTest prepares the patterns of a Folded.
func foldedTest(patterns []Pattern) func(string) bool {
	literals := map[string]bool{}
	var open []*text
	for _, p := range patterns {
		if s, ok := p.Literal(); ok {
			literals[foldText(s)] = true
		} else {
			open = append(open, newFoldedText(p))
		}
	}
	return func(s string) bool {
		if len(literals) > 0 && literals[foldText(s)] {
			return true
		}
		for _, t := range open {
			if t.match(s) {
				return true
			}
		}
		return false
	}
}

// matchSame holds when the fields have a text in common. Each text is looked up among
// the other's: an event may have tens of thousands of both.
func matchSame(n Same) func(*schema.Event) bool {
	return func(e *schema.Event) bool {
		var texts []string
		matchTexts(n.Field, func(s string) bool {
			texts = append(texts, s)
			return false
		})(e)
		return len(texts) > 0 && matchTexts(n.Other, oneOf(texts))(e)
	}
}

func matchMeasured(n Measured) func(*schema.Event) bool {
	switch {
	case n.Measure == MeasureLength:
		return matchTexts(n.Field, func(s string) bool { return n.Holds(int64(utf8.RuneCountInString(s))) })
	case n.Field.Kind == schema.FieldAttribute:
		return func(e *schema.Event) bool { return n.Holds(countOf(e, n.Field)) }
	}
	return func(e *schema.Event) bool {
		count := int64(0)
		matchTexts(n.Field, func(string) bool { count++; return false })(e)
		return n.Holds(count)
	}
}

// matchAnyElement holds when the inner query does for an element of the array. What
// must hold of the event for that goes first: few events have to be taken apart.
func matchAnyElement(n Any, shared *sharedTerms) func(*schema.Event) bool {
	needs := matcher(relaxed(n), shared)
	inner := matcher(n.Node, nil) // is asked of other events
	return func(e *schema.Event) bool {
		return needs(e) && anyElement(e, n.Field, inner)
	}
}

// relaxed is a condition on the event that holds whenever the inner query holds for
// an element: each positive term, asked of the elements together.
func relaxed(n Any) Node { return relax(n.Node, n.Field) }

func relax(n Node, array schema.Field) Node {
	below := func(f schema.Field) schema.Field {
		return schema.Field{Kind: schema.FieldAttribute, Name: array.Name + "." + f.Name, AnyCase: array.AnyCase}
	}
	switch n := n.(type) {
	case Conjunction:
		var nodes []Node
		for _, inner := range n.Nodes {
			if r := relax(inner, array); !isMatchAll(r) {
				nodes = append(nodes, r)
			}
		}
		return joinAll(nodes)
	case Disjunction:
		nodes := make([]Node, len(n.Nodes))
		for i, inner := range n.Nodes {
			if nodes[i] = relax(inner, array); isMatchAll(nodes[i]) {
				return MatchAll{}
			}
		}
		return anyOf(n.At, nodes...)
	case Any:
		n.Field = below(n.Field)
		return relaxed(n)
	case Same:
		n.Field, n.Other = below(n.Field), below(n.Other)
		return n
	case Measured:
		if n.Measure == MeasureLength {
			n.Field = below(n.Field)
			return n
		}
	case Equals, Like, Exists, Network, Folded, Regexp:
		f, _ := FieldOf(n)
		return asked(n, below(f))
	}
	// What is denied or counted says nothing of the elements together; of numbers
	// in ranges, an element knows only what its text says.
	return MatchAll{}
}

func isMatchAll(n Node) bool {
	_, ok := n.(MatchAll)
	return ok
}

// joinAll joins nodes so that no Conjunction is in another; of none it is MatchAll.
func joinAll(nodes []Node) Node {
	var out []Node
	for _, n := range nodes {
		if c, ok := n.(Conjunction); ok {
			out = append(out, c.Nodes...)
		} else {
			out = append(out, n)
		}
	}
	switch len(out) {
	case 0:
		return MatchAll{}
	case 1:
		return out[0]
	}
	return Conjunction{Nodes: out}
}
