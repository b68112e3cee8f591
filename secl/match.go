package secl

import (
	"regexp"
	"slices"
	"strings"
)

// TextMatcher tells whether a text is one of those that a literal stands for.
type TextMatcher func(string) bool

// NewTextMatcher makes the matcher of a literal. With path, a pattern is a glob;
// with fold, the case of letters does not count.
func NewTextMatcher(v Value, path, fold bool) (TextMatcher, error) {
	switch {
	case v.Form == Regexp:
		return newRegexp(v.Text, fold)
	case v.Form == Pattern && path:
		g, err := newGlob(v.Text, fold)
		if err != nil {
			return nil, err
		}
		return g.match, nil
	case v.Form == Pattern:
		return newPattern(v.Text, fold).matcher(), nil
	case fold:
		want := v.Text
		return func(s string) bool { return equalFold(s, want) }, nil
	}
	want := v.Text
	return func(s string) bool { return s == want }, nil
}

// newRegexp makes the matcher of a regular expression, which is found anywhere
// in a text. Where it only looks for words, no automaton is needed.
func newRegexp(text string, fold bool) (TextMatcher, error) {
	if words := regexpWords(text); words != nil && !fold {
		return func(s string) bool {
			for _, w := range words {
				if strings.Contains(s, w) {
					return true
				}
			}
			return false
		}, nil
	}
	if p := anchored(text); p != nil && !fold {
		return func(s string) bool {
			return p.match(s) && strings.IndexByte(s[len(p.prefix):len(s)-len(p.suffix)], '\n') < 0
		}, nil
	}
	if fold {
		text = "(?i)" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return re.MatchString, nil
}

// anchored is the pattern that means the same as `^text.*text$`, but for
// newlines, which a dot does not stand for; nil for an expression of another
// shape.
func anchored(text string) *pattern {
	inner, ok := strings.CutPrefix(text, "^")
	if !ok {
		return nil
	}
	if inner, ok = strings.CutSuffix(inner, "$"); !ok {
		return nil
	}
	prefix, suffix, ok := strings.Cut(inner, ".*")
	prefix, plain1 := unquoted(prefix)
	suffix, plain2 := unquoted(suffix)
	if !ok || !plain1 || !plain2 {
		return nil
	}
	return &pattern{prefix: prefix, suffix: suffix}
}

// unquoted is the text that a regular expression of no operators stands for.
func unquoted(text string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`\.+*?()|[]{}^$`, text[i+1]) >= 0:
			i++
			b.WriteByte(text[i])
		case strings.IndexByte(`\.+*?()|[]{}^$`, c) >= 0:
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// Ends are what every text that a literal stands for begins and ends with; if
// exact, it stands for prefix alone. An index finds rules by it.
func Ends(v Value) (prefix, suffix string, exact bool) {
	first, last := strings.IndexByte(v.Text, '*'), strings.LastIndexByte(v.Text, '*')
	switch {
	case v.Form == Regexp:
		if p := anchored(v.Text); p != nil {
			return p.prefix, p.suffix, false
		}
		return "", "", false
	case v.Form == Scalar || first < 0:
		return v.Text, v.Text, true
	}
	return v.Text[:first], v.Text[last+1:], false
}

// regexpWords are the words of which `.*(word|word).*` finds any; nil for an
// expression of another shape. A dot does not stand for a newline, which makes
// no difference at either end of what is found anywhere.
func regexpWords(text string) []string {
	inner, ok := strings.CutPrefix(text, ".*")
	if !ok {
		return nil
	}
	if inner, ok = strings.CutSuffix(inner, ".*"); !ok || strings.HasSuffix(inner, `\`) {
		return nil
	}
	if strings.HasPrefix(inner, "(") && strings.HasSuffix(inner, ")") {
		inner = inner[1 : len(inner)-1]
	} else if strings.Contains(inner, "|") {
		return nil
	}
	words := strings.Split(inner, "|")
	for _, w := range words {
		if regexp.QuoteMeta(w) != w {
			return nil
		}
	}
	return words
}

// pattern is a text in which * stands for any run of characters.
type pattern struct {
	prefix, suffix string
	middle         []string // between the stars, in their order
	exact          bool     // there is no star
	fold           bool     // the pieces are in lower case
}

func newPattern(text string, fold bool) *pattern {
	if fold {
		text = lower(text)
	}
	pieces := strings.Split(text, "*")
	p := &pattern{prefix: pieces[0], exact: len(pieces) == 1, fold: fold}
	if !p.exact {
		last := len(pieces) - 1
		p.suffix = pieces[last]
		p.middle = slices.DeleteFunc(pieces[1:last], func(s string) bool { return s == "" })
	}
	return p
}

// matcher is match, without the steps that this pattern does not need.
func (p *pattern) matcher() TextMatcher {
	switch {
	case p.fold || p.exact:
		return p.match
	case len(p.middle) == 0 && p.suffix == "":
		return func(s string) bool { return strings.HasPrefix(s, p.prefix) }
	case len(p.middle) == 0 && p.prefix == "":
		return func(s string) bool { return strings.HasSuffix(s, p.suffix) }
	case len(p.middle) == 1 && p.prefix == "" && p.suffix == "":
		word := p.middle[0]
		return func(s string) bool { return strings.Contains(s, word) }
	}
	return p.match
}

// match looks for the pieces from the left, each where it first fits: if there
// is any way to fit them, this one fits.
func (p *pattern) match(s string) bool {
	if p.exact {
		return p.equal(s, p.prefix)
	}
	if len(s) < len(p.prefix)+len(p.suffix) ||
		!p.equal(s[:len(p.prefix)], p.prefix) || !p.equal(s[len(s)-len(p.suffix):], p.suffix) {
		return false
	}
	s = s[len(p.prefix) : len(s)-len(p.suffix)]
	for _, piece := range p.middle {
		at := p.index(s, piece)
		if at < 0 {
			return false
		}
		s = s[at+len(piece):]
	}
	return true
}

func (p *pattern) equal(s, piece string) bool {
	return s == piece || p.fold && equalFold(s, piece)
}

func (p *pattern) index(s, piece string) int {
	if !p.fold {
		return strings.Index(s, piece)
	}
	for i := 0; i+len(piece) <= len(s); i++ {
		if equalFold(s[i:i+len(piece)], piece) {
			return i
		}
	}
	return -1
}

// equalFold compares texts but for the case of the letters A to Z: names of
// domains and of files on Windows have no other letters whose case we know.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lowerByte(c)
	}
	return string(b)
}
