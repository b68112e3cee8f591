package grok

import "slices"

// op says what a node of a pattern's tree matches.
type op uint8

const (
	opEmpty   op = iota
	opText       // text, as it stands
	opClass      // one character of set
	opCat        // subs, one after the other
	opAlt        // the first of subs that leads to a match
	opLoop       // sub, min to max times (max -1: without end)
	opCapture    // sub; its text is what capture stores
	opGroup      // sub; its text is what references repeat
	opAtomic     // sub, which keeps its first match
	opLook       // whether sub matches here, or ends here (behind)
	opBack       // what target matched, again
	opAssert     // about an offset, such as the end of the text
)

// place is what an opAssert asks for.
type place uint8

const (
	textStart place = iota
	textEnd
	lineStart
	lineEnd
	wordEdge
	noWordEdge
	after     // a character of set stands before
	notAfter  // none does
	before    // a character of set follows
	notBefore // none does
)

// node is a part of a pattern.
type node struct {
	op       op
	text     string
	set      *class
	subs     []*node
	min, max int
	lazy     bool
	behind   bool // opLook
	negative bool // opLook
	place    place
	target   *node // opBack: the opGroup it repeats
	used     bool  // opGroup: some opBack repeats it
	capture  *capture
}

func text(s string) *node        { return &node{op: opText, text: s} }
func one(c *class) *node         { return &node{op: opClass, set: c} }
func cat(subs ...*node) *node    { return joined(subs) }
func alt(subs ...*node) *node    { return &node{op: opAlt, subs: subs} }
func keepFirst(sub *node) *node  { return &node{op: opAtomic, subs: []*node{sub}} }
func at(p place, c *class) *node { return &node{op: opAssert, place: p, set: c} }
func loop(sub *node, min, max int) *node {
	return &node{op: opLoop, subs: []*node{sub}, min: min, max: max}
}

// joined is the sequence of subs: flat, with neighbouring texts as one.
func joined(subs []*node) *node {
	var flat []*node
	for _, s := range subs {
		switch {
		case s.op == opEmpty:
		case s.op == opCat:
			for _, inner := range s.subs {
				flat = appendText(flat, inner)
			}
		default:
			flat = appendText(flat, s)
		}
	}
	switch len(flat) {
	case 0:
		return &node{op: opEmpty}
	case 1:
		return flat[0]
	}
	return &node{op: opCat, subs: flat}
}

func appendText(flat []*node, s *node) []*node {
	if n := len(flat); s.op == opText && n > 0 && flat[n-1].op == opText {
		flat[n-1] = text(flat[n-1].text + s.text)
		return flat
	}
	return append(flat, s)
}

// any reports whether n or a node below it is such a one.
func (n *node) any(is func(*node) bool) bool {
	return is(n) || slices.ContainsFunc(n.subs, func(s *node) bool { return s.any(is) })
}

// first is what a match of n can begin with, and whether it can be empty.
func (n *node) first() (set byteSet, empty bool) { return n.edge(atStart) }

// last is what a match of n can end in, and whether it can be empty.
func (n *node) last() (set byteSet, empty bool) { return n.edge(atEnd) }

// The edges of a match.
const (
	atStart = false
	atEnd   = true
)

func (n *node) edge(last bool) (set byteSet, empty bool) {
	switch n.op {
	case opText:
		if last {
			set.add(n.text[len(n.text)-1])
		} else {
			set.add(n.text[0])
		}
		return set, false
	case opClass:
		return n.set.bytes(), false
	case opCat:
		for i := range n.subs {
			s := n.subs[i]
			if last {
				s = n.subs[len(n.subs)-1-i]
			}
			f, e := s.edge(last)
			set.union(f)
			if !e {
				return set, false
			}
		}
		return set, true
	case opAlt:
		for _, s := range n.subs {
			f, e := s.edge(last)
			set.union(f)
			empty = empty || e
		}
		return set, empty
	case opLoop:
		set, empty = n.subs[0].edge(last)
		return set, empty || n.min == 0
	case opCapture, opGroup, opAtomic:
		return n.subs[0].edge(last)
	case opBack:
		return allBytes, true
	}
	return set, true // of no width
}

// width is how many bytes a match of n has at least, and at most (-1: no bound).
func (n *node) width() (least, most int) {
	switch n.op {
	case opText:
		return len(n.text), len(n.text)
	case opClass:
		if len(n.set.ranges) > 0 {
			return 1, 4
		}
		return 1, 1
	case opCat:
		for _, s := range n.subs {
			l, m := s.width()
			least, most = least+l, add(most, m)
		}
		return least, most
	case opAlt:
		least, most = n.subs[0].width()
		for _, s := range n.subs[1:] {
			l, m := s.width()
			least = min(least, l)
			if m < 0 || most < 0 {
				most = -1
			} else {
				most = max(most, m)
			}
		}
		return least, most
	case opLoop:
		l, m := n.subs[0].width()
		switch {
		case n.max < 0 || m < 0:
			most = -1
		default:
			most = m * n.max
		}
		return l * n.min, most
	case opCapture, opGroup, opAtomic:
		return n.subs[0].width()
	case opBack:
		return 0, -1
	}
	return 0, 0
}

func add(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}
