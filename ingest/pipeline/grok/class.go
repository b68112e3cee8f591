package grok

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// class is a set of characters: a bitmap for ASCII, ranges for the rest.
type class struct {
	ascii  [2]uint64
	ranges []rune // first, last, first, last …, in order, all above ASCII
}

// newClass takes ranges as regexp/syntax has them: first, last, first, last …
func newClass(pairs ...rune) *class {
	c := &class{}
	for i := 0; i+1 < len(pairs); i += 2 {
		first, last := pairs[i], pairs[i+1]
		for r := first; r <= last && r < utf8.RuneSelf; r++ {
			c.ascii[r>>6] |= 1 << (r & 63)
		}
		if last >= utf8.RuneSelf {
			c.ranges = append(c.ranges, max(first, utf8.RuneSelf), last)
		}
	}
	return c
}

func classOfRune(r rune) *class { return newClass(r, r) }

var (
	anyRune    = newClass(0, unicode.MaxRune)
	notNewline = newClass(0, '\n'-1, '\n'+1, unicode.MaxRune)
	digits     = newClass('0', '9')
	wordChars  = newClass('0', '9', 'A', 'Z', '_', '_', 'a', 'z')
	spaces     = newClass(9, 10, 12, 13, 32, 32)
)

func (c *class) hasByte(b byte) bool { return c.ascii[b>>6]>>(b&63)&1 != 0 }

func (c *class) has(r rune) bool {
	if r < utf8.RuneSelf {
		return c.hasByte(byte(r))
	}
	for i := 0; i < len(c.ranges); i += 2 {
		if r <= c.ranges[i+1] {
			return r >= c.ranges[i]
		}
	}
	return false
}

// all reports whether the class has every character.
func (c *class) all() bool {
	return c.ascii[0] == ^uint64(0) && c.ascii[1] == ^uint64(0) &&
		len(c.ranges) == 2 && c.ranges[0] == utf8.RuneSelf && c.ranges[1] == unicode.MaxRune
}

// pairs are the ranges of the whole class.
func (c *class) pairs() []rune {
	var out []rune
	for r := rune(0); r < utf8.RuneSelf; r++ {
		if !c.hasByte(byte(r)) {
			continue
		}
		if n := len(out); n > 0 && out[n-1] == r-1 {
			out[n-1] = r
		} else {
			out = append(out, r, r)
		}
	}
	if n := len(out); n > 0 && len(c.ranges) > 0 && out[n-1] == utf8.RuneSelf-1 && c.ranges[0] == utf8.RuneSelf {
		out[n-1] = c.ranges[1]
		return append(out, c.ranges[2:]...)
	}
	return append(out, c.ranges...)
}

// text is the class as Go's regexp writes it.
func (c *class) text() string {
	var b strings.Builder
	b.WriteByte('[')
	pairs := c.pairs()
	if len(pairs) == 0 {
		return `[^\x{0}-\x{10FFFF}]`
	}
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, `\x{%X}-\x{%X}`, pairs[i], pairs[i+1])
	}
	b.WriteByte(']')
	return b.String()
}

// folded is the class with the other cases of its letters.
func (c *class) folded() *class {
	re, err := syntax.Parse(c.text(), syntax.Perl|syntax.FoldCase)
	if err != nil {
		return c // cannot be: text is a class
	}
	return classOf(re)
}

// matchCase is the fold of classes that tell capital letters from small ones.
const matchCase = false

// parseClass reads a class as regular expressions write it, brackets included.
func parseClass(text string, fold bool) (*class, error) {
	flags := syntax.Perl &^ syntax.OneLine
	if fold {
		flags |= syntax.FoldCase
	}
	re, err := syntax.Parse(text, flags)
	if err != nil {
		return nil, err
	}
	return classOf(re), nil
}

// classOf is the class that regexp/syntax made of one: it writes classes of one
// character, and of all, in forms of their own.
func classOf(re *syntax.Regexp) *class {
	switch re.Op {
	case syntax.OpCharClass:
		return newClass(re.Rune...)
	case syntax.OpLiteral:
		pairs := []rune{re.Rune[0], re.Rune[0]}
		if re.Flags&syntax.FoldCase != 0 {
			for r := unicode.SimpleFold(re.Rune[0]); r != re.Rune[0]; r = unicode.SimpleFold(r) {
				pairs = append(pairs, r, r)
			}
		}
		return sortedClass(pairs)
	case syntax.OpAnyChar:
		return anyRune
	case syntax.OpAnyCharNotNL:
		return notNewline
	}
	return newClass()
}

func sortedClass(pairs []rune) *class {
	slices.Sort(pairs) // pairs of one rune each
	return newClass(pairs...)
}

// byteSet is a set of bytes: what a match may begin with.
type byteSet [4]uint64

func (s *byteSet) has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }
func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }

func (s *byteSet) union(o byteSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s byteSet) meets(o byteSet) bool {
	return s[0]&o[0]|s[1]&o[1]|s[2]&o[2]|s[3]&o[3] != 0
}

var allBytes = byteSet{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// bytes are the bytes that the characters of the class begin with, and end in; for
// what is above ASCII, all bytes above ASCII.
func (c *class) bytes() byteSet {
	s := byteSet{c.ascii[0], c.ascii[1]}
	if len(c.ranges) > 0 {
		s[2], s[3] = ^uint64(0), ^uint64(0)
	}
	return s
}
