package grok

import (
	"strings"
	"unicode/utf8"
)

// run is what the loops over single characters share.
type run struct {
	set      *class
	all      bool // every character is of the class
	ascii    bool // none above ASCII is
	wide     bool // all above ASCII are
	min, max int
	next     part
}

// longest is where the run of such characters that begins at i ends, at most n of
// them (-1: all), and how many they are.
func (r *run) longest(text string, i, n int) (end, count int) {
	if r.all && n < 0 {
		return len(text), len(text) - i
	}
	for count != n && i < len(text) {
		size := 1
		if b := text[i]; b >= utf8.RuneSelf {
			size = r.above(text, i)
		} else if r.set.ascii[b>>6]>>(b&63)&1 == 0 {
			break
		}
		if size == 0 {
			break
		}
		i += size
		count++
	}
	return i, count
}

// above is size for a character above ASCII.
func (r *run) above(text string, i int) int {
	if r.ascii {
		return 0
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	if r.wide {
		return size
	}
	return r.set.size(text, i)
}

// least is where the characters that the loop needs end; ok: they are there.
func (r *run) least(m *machine, i int) (end int, ok bool) {
	if r.min == 0 {
		return i, true
	}
	end, count := r.longest(m.text, i, r.min)
	return end, count == r.min && m.pay(r.min/8)
}

// longestStep takes all it can, and gives nothing back.
type longestStep struct {
	run
	text string // when only one byte is not of the class: that
}

func (s *longestStep) match(m *machine, i int) bool {
	var end int
	if s.text != "" && s.max < 0 {
		if end = strings.IndexByte(m.text[i:], s.text[0]); end < 0 {
			end = len(m.text)
		} else {
			end += i
		}
		if s.min > 1 && utf8.RuneCountInString(m.text[i:end]) < s.min || s.min == 1 && end == i {
			return false
		}
	} else {
		var count int
		if end, count = s.longest(m.text, i, s.max); count < s.min {
			return false
		}
	}
	return m.pay(1+(end-i)/8) && s.next.may(m, end) && s.next.match(m, end)
}

// loneByte is the one byte that a class does not have, or "".
func loneByte(c *class) string {
	p := c.pairs()
	if len(p) == 4 && p[0] == 0 && p[3] == utf8.MaxRune && p[1]+2 == p[2] && p[1]+1 < utf8.RuneSelf {
		return string(p[1] + 1)
	}
	return ""
}

// greedyStep takes all it can, and gives back one after the other.
type greedyStep struct{ run }

func (s *greedyStep) match(m *machine, i int) bool {
	low, ok := s.least(m, i)
	if !ok {
		return false
	}
	rest := s.max
	if rest > 0 {
		rest -= s.min
	}
	end, _ := s.longest(m.text, low, rest)
	if !m.pay(1 + (end-low)/8) {
		return false
	}
	for s.next.lit == "" {
		if s.next.may(m, end) && m.pay(1) && s.next.match(m, end) {
			return true
		}
		if end <= low || m.left <= 0 {
			return false
		}
		end = backOne(m.text, end)
	}
	return s.backToText(m, low, end)
}

// backToText gives back characters up to the last offset at which the text stands that
// must follow.
func (s *greedyStep) backToText(m *machine, low, end int) bool {
	lit := s.next.lit
	for {
		k := strings.LastIndex(m.text[low:min(end+len(lit), len(m.text))], lit)
		if !m.pay(1+(end-low-max(k, 0))/8) || k < 0 {
			return false
		}
		end = low + k
		if s.next.match(m, end) {
			return true
		}
		if end <= low {
			return false
		}
		end = backOne(m.text, end)
	}
}

func backOne(text string, end int) int {
	if text[end-1] < utf8.RuneSelf {
		return end - 1
	}
	_, size := utf8.DecodeLastRuneInString(text[:end])
	return end - size
}

// lazyStep takes as little as it can, and more one after the other.
type lazyStep struct{ run }

func (s *lazyStep) match(m *machine, i int) bool {
	at, ok := s.least(m, i)
	if !ok || !m.pay(1) {
		return false
	}
	if s.max < 0 && s.next.lit != "" {
		return s.toText(m, at)
	}
	for count := s.min; ; count++ {
		if s.next.may(m, at) && m.pay(1) && s.next.match(m, at) {
			return true
		}
		size := 0
		if count != s.max {
			size = s.set.size(m.text, at)
		}
		if size == 0 {
			return false
		}
		if at += size; m.left <= 0 || count&3 == 0 && !m.pay(1) {
			return false
		}
	}
}

// toText takes characters up to each offset at which the text stands that must follow.
func (s *lazyStep) toText(m *machine, at int) bool {
	for {
		k := strings.Index(m.text[at:], s.next.lit)
		if k < 0 {
			m.pay(1 + (len(m.text)-at)/32)
			return false
		}
		if !m.pay(1 + k/32) {
			return false
		}
		if !s.all {
			if end, _ := s.longest(m.text[:at+k], at, -1); end < at+k {
				return false
			}
		}
		at += k
		if s.next.match(m, at) {
			return true
		}
		size := s.set.size(m.text, at)
		if size == 0 {
			return false
		}
		at += size
	}
}

// loopStep repeats a body that is more than a character.
type loopStep struct {
	id, min, max int
	lazy         bool
	body, next   part
}

func (s *loopStep) match(m *machine, i int) bool {
	old := m.loops[s.id]
	m.loops[s.id] = looped{at: -1}
	if s.again(m, i) {
		return true
	}
	m.loops[s.id] = old
	return false
}

// again decides, after so many times, whether the body comes once more.
func (s *loopStep) again(m *machine, i int) bool {
	if !m.pay(2) {
		return false
	}
	now := m.loops[s.id]
	if now.count < s.min {
		return s.once(m, i, now)
	}
	if now.at == i { // an empty iteration: it would go on for ever
		return s.next.match(m, i)
	}
	more := s.max < 0 || now.count < s.max
	if s.lazy {
		return s.next.may(m, i) && s.next.match(m, i) || more && s.once(m, i, now)
	}
	return more && s.once(m, i, now) || s.next.may(m, i) && s.next.match(m, i)
}

func (s *loopStep) once(m *machine, i int, now looped) bool {
	if !s.body.may(m, i) {
		return false
	}
	m.loops[s.id] = looped{count: now.count + 1, at: i}
	if s.body.match(m, i) {
		return true
	}
	m.loops[s.id] = now
	return false
}

type againStep struct{ loop *loopStep }

func (s *againStep) match(m *machine, i int) bool { return s.loop.again(m, i) }
