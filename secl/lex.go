package secl

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEOF tokenKind = iota
	tokenCIDR
	tokenIP
	tokenVariable
	tokenReference
	tokenDuration
	tokenRegexp
	tokenIdent
	tokenString
	tokenPattern
	tokenInt
	tokenPunct
)

type token struct {
	kind tokenKind
	text string // as written; without quotes, prefix and braces where there are any
	at   Pos
	end  Pos
}

// String is how an error names the token.
func (t token) String() string {
	if t.kind == tokenEOF {
		return "end of the expression"
	}
	return strconv.Quote(t.text)
}

// lex cuts text into tokens. The kinds are tried in a fixed order and the first
// that fits wins, even where a later one would reach further: `12:34:56` is an
// address, `10d` a number and a name, and `a -1` has no operator. The last token
// is tokenEOF.
func lex(text string) ([]token, *reporter) {
	l := &lexer{text: text}
	r := &reporter{text: text}
	var tokens []token
	for {
		l.skipBlank()
		if l.at == len(text) {
			return append(tokens, token{kind: tokenEOF, at: Pos(l.at), end: Pos(l.at)}), r
		}
		t, problem := l.next()
		if problem != "" {
			r.syntax(Pos(l.at), problem, "")
			return append(tokens, token{kind: tokenEOF, at: Pos(l.at), end: Pos(l.at)}), r
		}
		tokens = append(tokens, t)
	}
}

type lexer struct {
	text string
	at   int
}

// skipBlank passes spaces, tabs, newlines and comments. A carriage return is
// not among them.
func (l *lexer) skipBlank() {
	for l.at < len(l.text) {
		switch rest := l.text[l.at:]; {
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n':
			l.at++
		case rest[0] == '#' || strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			l.at += end
		default:
			return
		}
	}
}

// next reads the token at l.at, or tells what is wrong there.
func (l *lexer) next() (token, string) {
	rest := l.text[l.at:]
	if n := lenAddress(rest); n > 0 {
		kind := tokenIP
		if bits := lenOf(rest[n:], 1, isDigit); bits > 0 && rest[n] == '/' {
			kind, n = tokenCIDR, n+1+bits
		}
		return l.take(kind, n, 0, 0), ""
	}
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "${"):
		if n := lenBraced(rest, isNamePart); n > 0 {
			return l.take(tokenVariable, n, 2, 1), ""
		}
		return token{}, "not a variable; write ${name}"
	case strings.HasPrefix(rest, "%{"):
		if n := lenBraced(rest, isIdentPart); n > 0 {
			return l.take(tokenReference, n, 2, 1), ""
		}
		return token{}, "not a field reference; write %{field}"
	case isDigit(c) || (c == '+' || c == '-') && len(rest) > 1 && isDigit(rest[1]):
		if n := lenDuration(rest); n > 0 {
			return l.take(tokenDuration, n, 0, 0), ""
		}
		return l.take(tokenInt, 1+lenOf(rest, 1, isDigit), 0, 0), ""
	case strings.HasPrefix(rest, `r"`):
		return l.quoted(tokenRegexp, 1)
	case strings.HasPrefix(rest, `~"`):
		return l.quoted(tokenPattern, 1)
	case c == '"':
		return l.quoted(tokenString, 0)
	case isAlpha(c):
		return l.take(tokenIdent, lenOf(rest, 0, isIdentPart), 0, 0), ""
	case strings.IndexByte("!=<>+-[](),&|~^%", c) >= 0:
		return l.take(tokenPunct, 1, 0, 0), ""
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, fmt.Sprintf("no token begins with %q", r)
}

// take makes a token of the next n bytes, whose text lacks the first and last
// few of them.
func (l *lexer) take(kind tokenKind, n, first, last int) token {
	t := token{kind, l.text[l.at+first : l.at+n-last], Pos(l.at), Pos(l.at + n)}
	l.at += n
	return t
}

// quoted reads a text in double quotes after a prefix. A backslash keeps the
// next character from ending the text, and stays in it.
func (l *lexer) quoted(kind tokenKind, prefix int) (token, string) {
	rest := l.text[l.at:]
	for i := prefix + 1; i < len(rest); {
		r, size := utf8.DecodeRuneInString(rest[i:])
		switch {
		case r == '"':
			return l.take(kind, i+1, prefix+1, 1), ""
		case r == utf8.RuneError && size == 1 || r > 0xffff:
			l.at += i
			return token{}, fmt.Sprintf("%q can't stand in a text", r)
		case r == '\\' && i+size < len(rest):
			_, next := utf8.DecodeRuneInString(rest[i+size:])
			size += next
		}
		i += size
	}
	return token{}, "a text that does not end; a closing \" is missing"
}

// lenAddress is the length of the IPv4 or IPv6 address that s begins with, or
// 0. What it takes for one may still be none: that is found when it is checked.
func lenAddress(s string) int {
	if n := lenIPv4(s); n > 0 {
		return n
	}
	colons, n := 0, 0
	for ; n < len(s); n++ {
		c := s[n]
		if c == ':' && colons < maxColons {
			colons++
		} else if !isHex(c) && (c != '.' || colons < 2) {
			break
		}
	}
	if colons < 2 {
		return 0
	}
	return n
}

// maxColons are between the eight groups of an IPv6 address.
const maxColons = 7

func lenIPv4(s string) int {
	n := 0
	for part := range 4 {
		if part > 0 {
			if n == len(s) || s[n] != '.' {
				return 0
			}
			n++
		}
		digits := lenOf(s[n:], 0, isDigit)
		if digits == 0 {
			return 0
		}
		n += digits
	}
	return n
}

// lenDuration is the length of digits and one of m, s and h, then any number of
// s: of the units, that makes ms, s, m and h.
func lenDuration(s string) int {
	n := lenOf(s, 0, isDigit)
	if n == 0 || n == len(s) || strings.IndexByte("msh", s[n]) < 0 {
		return 0
	}
	n++
	return n + lenOf(s[n:], 0, func(c byte) bool { return c == 's' })
}

// lenBraced is the length of `${name}` or `%{name}`, or 0.
func lenBraced(s string, part func(byte) bool) int {
	if len(s) < 4 || !isAlpha(s[2]) {
		return 0
	}
	n := 2 + lenOf(s[2:], 0, part)
	if n == len(s) || s[n] != '}' {
		return 0
	}
	return n + 1
}

// lenOf counts the bytes of s after the first skip that are of a class.
func lenOf(s string, skip int, class func(byte) bool) int {
	n := skip
	for n < len(s) && class(s[n]) {
		n++
	}
	return max(n-skip, 0)
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isHex(c byte) bool       { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
func isAlpha(c byte) bool     { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isNamePart(c byte) bool  { return isAlpha(c) || isDigit(c) || c == '.' }
func isIdentPart(c byte) bool { return isNamePart(c) || c == '[' || c == ']' }
