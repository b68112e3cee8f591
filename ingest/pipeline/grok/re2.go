package grok

import (
	"fmt"
	"regexp"
	"strings"
)

// check is a part that RE2 does not know, seen again on what RE2 found without it.
// RE2's match without the part is the first of a larger set in the same order: when
// the part agrees with it, it is the first of the smaller set as well.
type check struct {
	node  *node
	body  step   // opAtomic: its first match must end where RE2's ended,
	slots [2]int // and its captures are those of the first match
}

// written is a pattern for Go's regexp: what its groups are, in their order.
type written struct {
	text   strings.Builder
	groups []group
	slots  map[*node]int
}

// group is what a group of the written pattern stands for.
type group struct {
	slot  int    // -1: none
	check *check // nil: none
}

// re2 is n as a pattern for Go's regexp, without what it does not know.
func re2(n *node, slots map[*node]int) string {
	w := &written{slots: slots}
	w.write(n, notInAtomic)
	return w.text.String()
}

// Whether what is written is within an atomic group.
const (
	notInAtomic = false
	inAtomic    = true
)

// write appends n. Within an atomic group nothing is checked by itself.
func (w *written) write(n *node, inside bool) {
	switch n.op {
	case opText:
		w.text.WriteString(regexp.QuoteMeta(n.text))
	case opClass:
		w.text.WriteString(n.set.text())
	case opCat:
		for _, s := range n.subs {
			w.write(s, inside)
		}
	case opAlt:
		w.alternatives(n, inside)
	case opLoop:
		w.text.WriteString("(?:")
		w.write(n.subs[0], inside)
		w.text.WriteString(")" + quantifier(n))
	case opCapture, opGroup:
		if slot, ok := w.slots[n]; ok {
			w.group(n, group{slot: slot}, inside)
		} else {
			w.group(n, group{slot: -1}, inside)
		}
	case opAtomic:
		if !inside && !fixedWidth(n) {
			w.group(n, group{slot: -1, check: &check{node: n}}, true)
		} else {
			w.group(n, group{slot: -1}, inside)
		}
	case opAssert:
		w.place(n, inside)
	}
}

func (w *written) group(n *node, g group, inside bool) {
	if g.slot < 0 && g.check == nil {
		w.text.WriteString("(?:")
	} else {
		w.text.WriteString("(")
		w.groups = append(w.groups, g)
	}
	w.write(n.subs[0], inside)
	w.text.WriteString(")")
}

func (w *written) alternatives(n *node, inside bool) {
	for i, s := range n.subs {
		w.text.WriteString(map[bool]string{true: "(?:", false: "|"}[i == 0])
		w.write(s, inside)
	}
	w.text.WriteString(")")
}

func (w *written) place(n *node, inside bool) {
	known := map[place]string{
		textStart: `\A`, textEnd: `\z`, lineStart: `(?m:^)`, lineEnd: `(?m:$)`, wordEdge: `\b`, noWordEdge: `\B`,
	}
	if s := known[n.place]; s != "" {
		w.text.WriteString(s)
	} else if !inside {
		w.text.WriteString("()")
		w.groups = append(w.groups, group{slot: -1, check: &check{node: n}})
	}
}

func quantifier(n *node) (q string) {
	switch {
	case n.max < 0 && n.min == 0:
		q = "*"
	case n.max < 0 && n.min == 1:
		q = "+"
	case n.max < 0:
		q = fmt.Sprintf("{%d,}", n.min)
	case n.min == 0 && n.max == 1:
		q = "?"
	default:
		q = fmt.Sprintf("{%d,%d}", n.min, n.max)
	}
	if n.lazy {
		q += "?"
	}
	return q
}

// fixedWidth reports whether all matches of n at an offset are equally long: whether
// it keeps the first then makes no difference.
func fixedWidth(n *node) bool {
	least, most := n.width()
	return least == most
}

// dearPart says why RE2 can't run n, or "".
func dearPart(n *node) string { return dearWithin(n, notLooped) }

// notLooped is said of a part that no loop is around.
const notLooped = false

func dearWithin(n *node, looped bool) string {
	switch n.op {
	case opLook:
		return map[bool]string{false: "it looks ahead: (?=…) or (?!…)", true: "it looks behind: (?<=…) or (?<!…)"}[n.behind]
	case opBack:
		return `it repeats what a group matched: \1`
	case opAtomic:
		if looped && !fixedWidth(n) {
			return "an atomic group, a number or a possessive quantifier is repeated"
		}
	case opAssert:
		if looped && n.place >= after {
			return "an address, or what looks at the next character, is repeated"
		}
	case opLoop:
		looped = looped || n.max != 1
	}
	for _, s := range n.subs {
		if why := dearWithin(s, looped); why != "" {
			return why
		}
	}
	return ""
}

// emptyTurns reports whether a loop's body can match nothing: the engines differ in
// when they leave such a loop, so RE2 alone decides.
func emptyTurns(n *node) bool {
	return n.any(func(s *node) bool {
		if s.op != opLoop || s.max == 1 {
			return false
		}
		_, empty := s.subs[0].first()
		return empty
	})
}
