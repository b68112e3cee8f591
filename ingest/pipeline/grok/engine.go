package grok

import (
	"strings"
	"unicode/utf8"
)

// machine matches one text. Steps call what follows them and take back what they
// changed when that fails: the first match found is the one that Perl, and RE2, find.
type machine struct {
	text  string
	slots []int // begin and end of each capture; -1: not matched
	loops []looped
	left  int // steps that it may still take
	end   int // where a body that was run for itself ended
	until int // where a body that looks behind must end
	kept  []int
}

type looped struct{ count, at int }

// step is one part of a pattern: match reports whether it and all that follows it
// match at i. It takes a bounded time for itself and counts what it costs.
type step interface{ match(m *machine, i int) bool }

// pay counts cost, and reports whether the machine may go on.
func (m *machine) pay(cost int) bool {
	m.left -= cost
	return m.left > 0
}

type endStep struct{}

func (endStep) match(m *machine, i int) bool { m.end = i; return m.left > 0 }

// hereStep ends a body that looks behind.
type hereStep struct{}

func (hereStep) match(m *machine, i int) bool { return i == m.until }

// wholeStep ends a rule: the whole text was matched. A machine that was stopped has
// not seen all that comes before in the order of choices, so it matches nothing.
type wholeStep struct{}

func (wholeStep) match(m *machine, i int) bool { return i == len(m.text) && m.left > 0 }

type textStep struct {
	text string
	next step
}

func (s *textStep) match(m *machine, i int) bool {
	return strings.HasPrefix(m.text[i:], s.text) && s.next.match(m, i+len(s.text))
}

type classStep struct {
	set  *class
	next step
}

func (s *classStep) match(m *machine, i int) bool {
	size := s.set.size(m.text, i)
	return size > 0 && s.next.match(m, i+size)
}

// size is how many bytes the character at i has, or 0: it is not of the class.
func (c *class) size(text string, i int) int {
	if i >= len(text) {
		return 0
	}
	if b := text[i]; b < utf8.RuneSelf {
		return int(c.ascii[b>>6] >> (b & 63) & 1)
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	if c.has(r) {
		return size
	}
	return 0
}

type markStep struct {
	slot int
	next step
}

func (s *markStep) match(m *machine, i int) bool {
	old := m.slots[s.slot]
	m.slots[s.slot] = i
	if s.next.match(m, i) {
		return true
	}
	m.slots[s.slot] = old
	return false
}

type altStep struct{ branches []part }

func (s *altStep) match(m *machine, i int) bool {
	if !m.pay(1) {
		return false
	}
	for k := range s.branches {
		if b := &s.branches[k]; b.may(m, i) && b.match(m, i) {
			return true
		}
	}
	return false
}

// may reports whether the part can match at i, by its first byte.
func (p *part) may(m *machine, i int) bool {
	if i < len(m.text) {
		return p.first.has(m.text[i])
	}
	return p.end
}

// atomicStep keeps the first match of its body.
type atomicStep struct {
	body, next step
	sets       sets
}

func (s *atomicStep) match(m *machine, i int) bool {
	kept := m.keep(s.sets)
	if m.pay(1) && s.body.match(m, i) && s.next.match(m, m.end) {
		m.kept = m.kept[:kept]
		return true
	}
	m.restore(kept, s.sets)
	return false
}

// sets are the slots and loops that a body changes: from, to.
type sets struct{ slots, loops [2]int }

// keep notes what may have to be restored.
func (m *machine) keep(s sets) int {
	kept := len(m.kept)
	m.kept = append(m.kept, m.slots[s.slots[0]:s.slots[1]]...)
	for _, l := range m.loops[s.loops[0]:s.loops[1]] {
		m.kept = append(m.kept, l.count, l.at)
	}
	return kept
}

func (m *machine) restore(kept int, s sets) {
	m.restoreSlots(kept, s)
	at := kept + s.slots[1] - s.slots[0]
	for i := s.loops[0]; i < s.loops[1]; i++ {
		m.loops[i] = looped{count: m.kept[at], at: m.kept[at+1]}
		at += 2
	}
	m.kept = m.kept[:kept]
}

func (m *machine) restoreSlots(kept int, s sets) {
	copy(m.slots[s.slots[0]:s.slots[1]], m.kept[kept:])
}

type lookStep struct {
	body, next       step
	behind, negative bool
	least, most      int // bytes to look back
	sets             sets
}

func (s *lookStep) match(m *machine, i int) bool {
	kept := m.keep(s.sets)
	if m.pay(1) && s.found(m, i) != s.negative && m.left > 0 {
		if s.negative {
			m.restoreSlots(kept, s.sets)
		}
		if s.next.match(m, i) {
			m.kept = m.kept[:kept]
			return true
		}
	}
	m.restore(kept, s.sets)
	return false
}

func (s *lookStep) found(m *machine, i int) bool {
	if !s.behind {
		return s.body.match(m, i)
	}
	outer := m.until
	defer func() { m.until = outer }()
	m.until = i
	for back := s.least; back <= s.most && back <= i && m.pay(1); back++ {
		if from := i - back; from == len(m.text) || utf8.RuneStart(m.text[from]) {
			if s.body.match(m, from) {
				return true
			}
		}
	}
	return false
}

type backStep struct {
	slot int
	next step
}

// A reference to a group that has not matched fails, as in Perl.
func (s *backStep) match(m *machine, i int) bool {
	from, to := m.slots[s.slot], m.slots[s.slot+1]
	if from < 0 || to < from || to-from > len(m.text)-i || !m.pay(1+(to-from)/16) {
		return false
	}
	return strings.HasPrefix(m.text[i:], m.text[from:to]) && s.next.match(m, i+to-from)
}

type assertStep struct {
	place place
	set   *class
	next  step
}

func (s *assertStep) match(m *machine, i int) bool {
	return holds(m.text, i, s.place, s.set) && s.next.match(m, i)
}

// holds reports whether the assertion is true of offset i.
func holds(text string, i int, p place, set *class) bool {
	switch p {
	case textStart:
		return i == 0
	case textEnd:
		return i == len(text)
	case lineStart:
		return i == 0 || text[i-1] == '\n'
	case lineEnd:
		return i == len(text) || text[i] == '\n'
	case wordEdge:
		return atEdge(text, i)
	case noWordEdge:
		return !atEdge(text, i)
	case before:
		return set.size(text, i) > 0
	case notBefore:
		return set.size(text, i) == 0
	case after:
		return set.endsAt(text, i)
	default: // notAfter
		return !set.endsAt(text, i)
	}
}

func atEdge(text string, i int) bool {
	left := i > 0 && text[i-1] < utf8.RuneSelf && wordChars.hasByte(text[i-1])
	right := i < len(text) && text[i] < utf8.RuneSelf && wordChars.hasByte(text[i])
	return left != right
}

// endsAt reports whether a character of the class ends at i.
func (c *class) endsAt(text string, i int) bool {
	if i == 0 {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(text[:i])
	return c.has(r)
}
