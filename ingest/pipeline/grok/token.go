package grok

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// arg is one argument of a matcher or filter: a quoted text, a bare word or number,
// or a word with arguments of its own.
type arg struct {
	at     int // in the pattern's text
	key    string
	text   string
	quoted bool
	call   bool
	args   []arg
}

// call is a name with its arguments.
type call struct {
	at   int
	name string
	args []arg
}

// token reads %{matcher(arguments):path:filter(arguments)}.
func (p *pattern) token() *node {
	start := p.i
	p.i += 2
	matcher := p.call(func(b byte) bool { return isAlnum(b) || b == '_' || b == '.' || b == '-' })
	if p.err != nil {
		return &node{op: opEmpty}
	}
	if matcher.name == "" {
		return p.fail(start, "%{ without the name of a matcher", `write %{data:name}, or \%\{ for the characters`)
	}
	path, rooted := p.path()
	var f *filter
	if p.err == nil && p.accept(":") {
		f = p.filter()
	}
	if p.err == nil && !p.accept("}") {
		return p.fail(p.i, "a %{ without its }", "write %{matcher:attribute:filter}; filters are one a token")
	}
	if p.err != nil {
		return &node{op: opEmpty}
	}
	return p.captured(matcher, path, rooted, f)
}

// captured is the matcher's pattern, and what its text is stored as.
func (p *pattern) captured(m call, path []string, rooted bool, f *filter) *node {
	if m.name == "constant" && p.c.rule(m.name) == nil {
		return p.constant(m, path, f)
	}
	n, convert := p.matcher(m)
	if p.err != nil || path == nil && (f == nil || !rooted) {
		return n
	}
	return &node{op: opCapture, subs: []*node{n}, capture: &capture{path: path, convert: convert, filter: f}}
}

// path reads :path, which may be empty. rooted says that there was a colon.
func (p *pattern) path() (path []string, rooted bool) {
	if !p.accept(":") {
		return nil, false
	}
	start := p.i
	for p.more() && p.text[p.i] != ':' && p.text[p.i] != '}' {
		if p.next(`["`) {
			if end := strings.Index(p.text[p.i:], `"]`); end > 0 {
				p.i += end + 2
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(p.text[p.i:])
		p.i += size
	}
	path, message := parsePath(p.text[start:p.i])
	if message != "" {
		p.fail(start, message, `attributes have letters, digits, _ - @ $ and dots; others are written ["odd name"]`)
	}
	return path, true
}

// parsePath splits an attribute's name at its dots. message says what is wrong with it.
func parsePath(s string) (path []string, message string) {
	var key strings.Builder
	open := false // whether a key has begun
	for i := 0; i < len(s); {
		if inner, ok := strings.CutPrefix(s[i:], `["`); ok {
			name, _, closed := strings.Cut(inner, `"]`)
			if !closed || name == "" {
				return nil, fmt.Sprintf("the attribute %q is not readable", s)
			}
			if open && key.Len() > 0 {
				path = append(path, key.String())
				key.Reset()
			}
			path, open = append(path, name), false
			i += len(name) + 4
			if i < len(s) && s[i] == '.' {
				i, open = i+1, true
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '.':
			if key.Len() == 0 {
				return nil, fmt.Sprintf("the attribute %q has an empty part", s)
			}
			path = append(path, key.String())
			key.Reset()
		case unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-@$", r):
			key.WriteRune(r)
		default:
			return nil, fmt.Sprintf("the attribute %q has a %q", s, r)
		}
		open = true
		i += size
	}
	if open {
		if key.Len() == 0 {
			return nil, fmt.Sprintf("the attribute %q ends in a dot", s)
		}
		path = append(path, key.String())
	}
	return path, ""
}

// call reads a name and, in parentheses, its arguments.
func (p *pattern) call(allowed func(byte) bool) call {
	c := call{at: p.i}
	for p.more() && allowed(p.text[p.i]) {
		p.i++
	}
	c.name = p.text[c.at:p.i]
	if p.accept("(") {
		c.args = p.args()
	}
	return c
}

// args reads arguments up to the closing parenthesis.
func (p *pattern) args() []arg {
	out := []arg{}
	for p.err == nil {
		p.blanks()
		if p.accept(")") {
			return out
		}
		if len(out) > 0 && !p.accept(",") {
			p.fail(p.i, "arguments are separated by a comma and end with )", "")
			return nil
		}
		p.blanks()
		if p.depth++; p.depth > maxDepth {
			p.fail(p.i, "arguments are nested too deep", "")
			return nil
		}
		out = append(out, p.arg())
		p.depth--
	}
	return out
}

func (p *pattern) blanks() {
	for p.next(" ") {
		p.i++
	}
}

func (p *pattern) arg() arg {
	a := arg{at: p.i}
	if p.next(`"`) {
		a.quoted = true
		a.text = p.quotedArg()
		return a
	}
	for p.more() && (isAlnum(p.text[p.i]) || strings.IndexByte("_.+-", p.text[p.i]) >= 0) {
		p.i++
	}
	a.text = p.text[a.at:p.i]
	switch {
	case a.text == "":
		p.fail(a.at, "an argument is missing", `texts are written in double quotes: regex("[a-z]+")`)
	case p.accept("("):
		a.call = true
		a.args = p.args()
	case p.accept(":"):
		value := p.arg()
		value.key = a.text
		return value
	}
	return a
}

// quotedArg reads "…", where \" and \\ stand for the character after the backslash.
// Other backslashes stay what they are.
func (p *pattern) quotedArg() string {
	start := p.i
	var b strings.Builder
	for p.i++; p.more(); p.i++ {
		switch c := p.text[p.i]; {
		case c == '"':
			p.i++
			return b.String()
		case c == '\\' && p.i+1 < len(p.text) && (p.text[p.i+1] == '"' || p.text[p.i+1] == '\\'):
			p.i++
			b.WriteByte(p.text[p.i])
		default:
			b.WriteByte(c)
		}
	}
	p.fail(start, "a text without its closing quote", `a " inside is written \"`)
	return ""
}
