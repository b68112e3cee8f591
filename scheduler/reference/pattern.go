package reference

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// patterns finds the wildcard patterns that an event's value fits. Each pattern
// is filed under a piece of text that every value which fits it must have: how
// the value begins, how it ends, or a few bytes anywhere in it. So only patterns
// that have such a piece in common with the value are tried.
type patterns struct {
	texts    *texts
	files    map[uint64]file // by the hash of place and piece
	links    []link
	prefixes []int // lengths of the pieces at the beginning, ascending
	suffixes []int // of those at the end
	grams    []int // of those anywhere
	bare     []ref // patterns without any text: always tried
}

// file is the list of the patterns under a piece.
type file struct{ first, n uint32 }

type link struct {
	pattern ref
	next    uint32 // 1 + index; 0 ends
}

// Where a piece is in the value.
const (
	atBegin uint64 = 0x9ae16a3b2f90404f
	atEnd   uint64 = 0xc949c7defc3ac301
	inside  uint64 = 0xb492b66fbe98f273
)

// crowded is from how many patterns on a file is no longer a good place.
const crowded = 4

func newPatterns(t *texts) *patterns { return &patterns{texts: t, files: map[uint64]file{}} }

// key is the pattern; one of domains in small letters, as domains are compared.
func (*patterns) key(value string) (string, bool) {
	if hasCapital(value) && isDomainPattern(value) {
		value = strings.ToLower(value)
	}
	return value, true
}

// added files the pattern under the piece that has the fewest patterns. What a
// value begins or ends with comes first, as that costs least to look up.
func (p *patterns) added(r ref) {
	pattern := string(p.texts.bytes(r))
	pieces, begins, ends := literals(pattern)
	if len(pieces) == 0 {
		p.bare = append(p.bare, r)
		return
	}
	best, found := uint64(0), false
	consider := func(hash uint64) {
		if !found || p.files[hash].n < p.files[best].n {
			best, found = hash, true
		}
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if begins {
		consider(hashOf(first) ^ atBegin)
	}
	if ends {
		consider(hashBack(last) ^ atEnd)
	}
	size := 0
	if !found || p.files[best].n >= crowded {
		longest := slices.MaxFunc(pieces, func(a, b string) int { return len(a) - len(b) })
		size = gramSize(len(longest))
		for i := 0; i+size <= len(longest); i++ {
			consider(hashOf(longest[i:i+size]) ^ inside)
		}
	}
	switch {
	case begins && best == hashOf(first)^atBegin:
		p.prefixes = withLength(p.prefixes, len(first))
	case ends && best == hashBack(last)^atEnd:
		p.suffixes = withLength(p.suffixes, len(last))
	default:
		p.grams = withLength(p.grams, size)
	}
	f := p.files[best]
	p.links = append(p.links, link{r, f.first})
	p.files[best] = file{uint32(len(p.links)), f.n + 1}
}

// gramSize is how many bytes of a text of n make a piece that is looked for
// anywhere in a value.
func gramSize(n int) int {
	for _, size := range []int{8, 4, 2} {
		if size <= n {
			return size
		}
	}
	return 1
}

func (p *patterns) candidates(value string, is func(ref) bool) bool {
	if p.fitting(value, is) {
		return true
	}
	if root, ok := strings.CutSuffix(value, "."); ok && isDomain(value) {
		value = root
	} else if !hasCapital(value) {
		return false
	}
	return p.fitting(strings.ToLower(value), func(r ref) bool { return is(r) && isDomainPattern(string(p.texts.bytes(r))) })
}

// fitting goes through the patterns that the value, as it is, fits.
func (p *patterns) fitting(value string, is func(ref) bool) bool {
	try := func(hash uint64) bool {
		for n := p.files[hash].first; n > 0; n = p.links[n-1].next {
			if r := p.links[n-1].pattern; is(r) && fits(string(p.texts.bytes(r)), value) {
				return true
			}
		}
		return false
	}
	if eachPrefix(value, p.prefixes, func(hash uint64, _ string) bool { return try(hash ^ atBegin) }) {
		return true
	}
	h, done := uint64(hashBasis), 0
	for _, n := range p.suffixes {
		if n > len(value) {
			break
		}
		for ; done < n; done++ {
			h = hashStep(h, value[len(value)-1-done])
		}
		if try(hashEnd(h) ^ atEnd) {
			return true
		}
	}
	for _, size := range p.grams {
		for i := 0; i+size <= len(value); i++ {
			if try(hashOf(value[i:i+size]) ^ inside) {
				return true
			}
		}
	}
	return slices.ContainsFunc(p.bare, func(r ref) bool { return is(r) && fits(string(p.texts.bytes(r)), value) })
}

func (p *patterns) size() int { return 8*cap(p.links) + 24*len(p.files) + 4*cap(p.bare) }

// hashBack is the hash of a text read from its end.
func hashBack(text string) uint64 {
	h := uint64(hashBasis)
	for i := len(text) - 1; i >= 0; i-- {
		h = hashStep(h, text[i])
	}
	return hashEnd(h)
}

// literals are the pieces of a pattern between its wildcards, and whether the
// first begins it and the last ends it.
func literals(pattern string) (pieces []string, begins, ends bool) {
	var piece []byte
	begins, ends = true, true
	for rest := pattern; rest != ""; {
		wild, n := glyph(rest)
		if wild == 0 {
			piece = append(piece, rest[n-1])
			ends = true
		} else {
			if len(piece) > 0 {
				pieces = append(pieces, string(piece))
			}
			begins = begins && len(pieces) > 0
			piece, ends = nil, false
		}
		rest = rest[n:]
	}
	if len(piece) > 0 {
		pieces = append(pieces, string(piece))
	}
	return pieces, begins && len(pieces) > 0, ends && len(pieces) > 0
}

// glyph reads the first element of a pattern: a wildcard, or 0 for the byte that
// is the last of the element's n. A backslash makes a wildcard, and a backslash,
// stand for itself; before anything else it is itself.
func glyph(pattern string) (wild byte, n int) {
	switch c := pattern[0]; c {
	case '*', '?':
		return c, 1
	case '\\':
		if len(pattern) > 1 && (pattern[1] == '*' || pattern[1] == '?' || pattern[1] == '\\') {
			return 0, 2
		}
	}
	return 0, 1
}

// fits reports whether a value fits a pattern. After a mismatch the last * takes
// one character more, so that the time is bounded by the product of the lengths.
func fits(pattern, value string) bool {
	after, from, starred := "", "", false
	for {
		if pattern == "" {
			if value == "" {
				return true
			}
		} else if wild, n := glyph(pattern); wild == '*' {
			pattern = pattern[n:]
			after, from, starred = pattern, value, true
			continue
		} else if value != "" && (wild == '?' || pattern[n-1] == value[0]) {
			size := 1
			if wild == '?' {
				_, size = utf8.DecodeRuneInString(value)
			}
			pattern, value = pattern[n:], value[size:]
			continue
		}
		if !starred || from == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(from)
		from = from[size:]
		pattern, value = after, from
	}
}
