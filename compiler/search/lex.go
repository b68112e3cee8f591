package search

import (
	"strings"
	"unicode/utf8"
)

// special are the characters that a backslash makes literal. In practice most of
// them need no backslash inside a word; the scanner below says which do.
const special = "+-=&|><!(){}[]^\"~*?:\\/#,@ \t\r\n"

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

// skipSpace moves over white space.
func (p *queryParser) skipSpace() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

// peek is the byte at the current position, 0 at the end.
func (p *queryParser) peek() byte { return p.peekAt(0) }

func (p *queryParser) peekAt(ahead int) byte {
	if p.at+ahead < len(p.text) {
		return p.text[p.at+ahead]
	}
	return 0
}

func (p *queryParser) atEnd() bool { return p.at >= len(p.text) }

// keyword moves over one of the operators AND, OR and NOT. They are upper case
// and end where a word would; `NOT:` and `ANDROID` are no operators.
func (p *queryParser) keyword(word string) bool {
	rest := p.text[p.at:]
	if !strings.HasPrefix(rest, word) {
		return false
	}
	if len(rest) > len(word) {
		if c := rest[len(word)]; !isSpace(c) && c != '(' && c != ')' && c != '"' {
			return false
		}
	}
	p.at += len(word)
	return true
}

// wordEnd are the characters that end a bare word wherever it stands.
func wordEnd(text string, i int) bool {
	switch c := text[i]; c {
	case '(', ')', '"':
		return true
	case '&', '|':
		return i+1 < len(text) && text[i+1] == c
	default:
		return isSpace(c)
	}
}

// word reads a bare word as a pattern, up to white space, a parenthesis, a
// quote, `&&`, `||` or one of the stop characters. A backslash makes the next
// character literal, whatever it is.
func (p *queryParser) word(stop string) (Pattern, error) {
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		if wordEnd(p.text, p.at) || strings.IndexByte(stop, c) >= 0 {
			break
		}
		if c != '\\' {
			b.WriteByte(c)
			p.at++
			continue
		}
		if p.at+1 == len(p.text) {
			return "", p.errorf(p.at, "a backslash at the end escapes nothing", `write \\ for a backslash`)
		}
		_, n := utf8.DecodeRuneInString(p.text[p.at+1:])
		b.WriteString(string(LiteralPattern(p.text[p.at+1 : p.at+1+n])))
		p.at += 1 + n
	}
	return Pattern(b.String()), nil
}

// quoted reads a quoted text. Inside quotes a backslash makes a special
// character literal and is itself before any other, so "C:\Windows" is what it
// looks like; wildcards are literal.
func (p *queryParser) quoted() (string, error) {
	start := p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return b.String(), nil
		case c == '\\' && p.at+1 < len(p.text) && strings.IndexByte(special, p.text[p.at+1]) >= 0:
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.errorf(start, quoteOpen, `add a " or write \" for a literal quote`)
}
