package grok

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// escapedClasses are the escapes that stand for a set of characters.
var escapedClasses = map[byte]*class{
	'd': digits, 'D': newClass(0, '0'-1, '9'+1, 0x10FFFF),
	'w': wordChars, 'W': mustClass(`[^\w]`),
	's': spaces, 'S': mustClass(`[^\s]`),
	'h': newClass('\t', '\t', ' ', ' '), 'H': mustClass(`[^\t ]`),
	'N': notNewline,
}

// escapedRunes are the escapes that stand for a character which is hard to write.
var escapedRunes = map[byte]string{
	't': "\t", 'n': "\n", 'r': "\r", 'f': "\f", 'v': "\v", 'a': "\a", 'e': "\x1b",
}

func mustClass(text string) *class {
	c, err := parseClass(text, matchCase)
	if err != nil {
		panic(err) // a constant of this package
	}
	return c
}

// escape reads what follows the backslash at start.
func (p *pattern) escape(start int) *node {
	if !p.more() {
		return p.fail(start, `a \ at the end`, `write \\ for the character`)
	}
	r, size := utf8.DecodeRuneInString(p.text[p.i:])
	if r >= utf8.RuneSelf || !isAlnum(byte(r)) {
		p.i += size
		return p.literal(r)
	}
	b := p.text[p.i]
	p.i++
	if c := escapedClasses[b]; c != nil {
		return one(c)
	}
	if s := escapedRunes[b]; s != "" {
		return text(s)
	}
	switch b {
	case 'b':
		return at(wordEdge, nil)
	case 'B':
		return at(noWordEdge, nil)
	case 'A':
		return at(textStart, nil)
	case 'z':
		return at(textEnd, nil)
	case 'Z':
		return alt(at(textEnd, nil), &node{op: opLook, subs: []*node{cat(text("\n"), at(textEnd, nil))}})
	case 'R':
		return alt(text("\r\n"), one(newClass('\n', '\r', 0x85, 0x85, 0x2028, 0x2029)))
	case 'Q':
		return p.quoted()
	case 'x', 'u':
		return p.hex(start, b)
	case 'p', 'P':
		return p.property(start)
	case 'k':
		return p.named(start)
	case '0':
		return p.octal()
	}
	if b >= '1' && b <= '9' {
		return p.numbered(start)
	}
	return p.fail(start, fmt.Sprintf(`\%c means nothing here`, b), fmt.Sprintf(`write %c for the letter, or \\%c for a backslash before it`, b, b))
}

func isAlnum(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// quoted reads \Q up to \E, character by character as they stand.
func (p *pattern) quoted() *node {
	inner, _, closed := strings.Cut(p.text[p.i:], `\E`)
	p.i += len(inner)
	if closed {
		p.i += 2
	}
	var parts []*node
	for _, r := range inner {
		parts = append(parts, p.literal(r))
	}
	return joined(parts)
}

// hex reads \xHH, \x{H…} and \uHHHH.
func (p *pattern) hex(start int, kind byte) *node {
	var number string
	if p.accept("{") {
		number, _, _ = strings.Cut(p.text[p.i:], "}")
		p.i = min(p.i+len(number)+1, len(p.text))
	} else {
		n := map[byte]int{'x': 2, 'u': 4}[kind]
		number = p.text[p.i:min(p.i+n, len(p.text))]
		p.i += len(number)
	}
	code, err := strconv.ParseUint(number, 16, 32)
	if err != nil || !utf8.ValidRune(rune(code)) || code > 0x10FFFF {
		return p.fail(start, fmt.Sprintf(`\%c needs the number of a character`, kind), `write \x41, \x{1F600} or \u0041`)
	}
	return p.literal(rune(code))
}

func (p *pattern) octal() *node {
	n := 0
	for n < 3 && p.i+n < len(p.text) && p.text[p.i+n] >= '0' && p.text[p.i+n] <= '7' {
		n++
	}
	code, _ := strconv.ParseUint("0"+p.text[p.i:p.i+n], 8, 32)
	p.i += n
	return p.literal(rune(code))
}

// property reads \pL, \p{Greek}, and their opposites.
func (p *pattern) property(start int) *node {
	if p.accept("{") {
		name, _, _ := strings.Cut(p.text[p.i:], "}")
		p.i = min(p.i+len(name)+1, len(p.text))
	} else if p.more() {
		p.i++
	}
	name := strings.NewReplacer("{Is", "{", "{Alpha}", "{L}", "{Digit}", "{Nd}", "{Upper}", "{Lu}", "{Lower}", "{Ll}", "{Punct}", "{P}").Replace(p.text[start:p.i])
	c, err := parseClass("["+name+"]", p.flags.fold)
	if err != nil {
		return p.fail(start, fmt.Sprintf("no set of characters is named %s", p.text[start:p.i]), `write \p{L} for letters, \p{N} for numbers, \p{P} for punctuation`)
	}
	return one(c)
}

// numbered reads a reference such as \1.
func (p *pattern) numbered(start int) *node {
	for p.more() && p.text[p.i] >= '0' && p.text[p.i] <= '9' && p.i-start < 3 {
		p.i++
	}
	n := &node{op: opBack}
	number, _ := strconv.Atoi(p.text[start+1 : p.i])
	p.groups.asked = append(p.groups.asked, asked{node: n, number: number, at: start})
	return n
}

// named reads a reference such as \k<name>.
func (p *pattern) named(start int) *node {
	if !p.accept("<") {
		return p.fail(start, `\k needs the name of a group`, `write \k<name>`)
	}
	name, _, closed := strings.Cut(p.text[p.i:], ">")
	if !closed {
		return p.fail(start, `\k< without its >`, `write \k<name>`)
	}
	p.i += len(name) + 1
	n := &node{op: opBack}
	p.groups.asked = append(p.groups.asked, asked{node: n, name: name, at: start})
	return n
}
