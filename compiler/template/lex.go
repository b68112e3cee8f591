package template

import "strings"

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (p *parser) skipSpace() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

func (p *parser) ahead(s string) bool { return strings.HasPrefix(p.text[p.at:], s) }

// ownText reads up to the next tag. A backslash before the braces makes them
// text; two are one backslash, and the tag counts.
func (p *parser) ownText() *ownText {
	t := &ownText{at: at(p.at)}
	start, shown := p.at, max(p.at, p.skipTo)
	var b strings.Builder
	for {
		i := strings.Index(p.text[p.at:], "{{")
		if i < 0 {
			p.at = len(p.text)
			break
		}
		p.at += i
		run := braces(p.text[p.at:])
		before := p.text[start:p.at]
		if strings.HasSuffix(before, `\\`) {
			b.WriteString(p.text[shown : p.at-1])
			shown = p.at
		} else if strings.HasSuffix(before, `\`) {
			p.doubtBackslash(before)
			b.WriteString(p.text[shown : p.at-1])
			shown = p.at
			p.at += run
			continue
		}
		p.at += surplus(p.text[p.at:], run)
		break
	}
	if shown < p.at {
		b.WriteString(p.text[shown:p.at])
	}
	t.source, t.shown = p.text[start:p.at], b.String()
	return t
}

func braces(s string) int { return len(s) - len(strings.TrimLeft(s, "{")) }

// surplus is how many of the braces are text before the tag: of three all but
// two, unless three close it; of more than four all but four.
func surplus(s string, run int) int {
	if run == 3 {
		if end := strings.Index(s, "}}"); end >= 0 && strings.HasPrefix(s[end:], "}}}") {
			return 0
		}
		return 1
	}
	return max(0, run-4)
}

// doubtBackslash warns where a backslash was probably meant to be seen, as in
// DOMAIN\{{@usr.name}}.
func (p *parser) doubtBackslash(before string) {
	before = before[:len(before)-1]
	if before == "" || isSpace(before[len(before)-1]) {
		return
	}
	p.warn(p.at-1, `\{{ is shown as {{ and no value is put in`, `write \\{{ for a backslash and the value`)
}

// alone reports whether the tag between the offsets has its line to itself, and
// where the next line begins.
func alone(text string, start, end int) (next int, ok bool) {
	before := strings.TrimRight(text[:start], " \t")
	if before != "" && !strings.HasSuffix(before, "\n") {
		return 0, false
	}
	after := strings.TrimLeft(text[end:], " \t")
	switch {
	case after == "":
		return len(text), true
	case strings.HasPrefix(after, "\n"):
		return len(text) - len(after) + 1, true
	case strings.HasPrefix(after, "\r\n"):
		return len(text) - len(after) + 2, true
	}
	return 0, false
}

// standAlone drops the line of a tag that has it to itself.
func (p *parser) standAlone(start int) {
	next, ok := alone(p.text, start, p.at)
	if !ok {
		return
	}
	p.skipTo = next
	if p.last != nil {
		p.last.shown = strings.TrimRight(p.last.shown, " \t")
	}
}

// name reads a variable's or function's name. In brackets, a part of it may
// have any character.
func (p *parser) name() (string, error) {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c == '[' && (p.at == start || strings.IndexByte(".@", p.text[p.at-1]) >= 0) {
			end := strings.IndexAny(p.text[p.at:], "]\n")
			if end < 0 || p.text[p.at+end] != ']' {
				return "", p.errorf(p.at, "this bracket is not closed", "write {{[dot.key].name}}")
			}
			p.at += end + 1
			continue
		}
		if isSpace(c) || strings.IndexByte(`"'{}()`, c) >= 0 {
			break
		}
		p.at++
	}
	return p.text[start:p.at], nil
}

// argument is what follows a function's name.
type argument struct {
	at     int // of the text, without the quote
	text   string
	quoted bool
}

// quoted reads a string in double or single quotes. Inside, a backslash makes
// that quote, or another backslash, literal; before anything else it is text.
func (p *parser) quoted() (argument, error) {
	quote, start := p.text[p.at], p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == quote || p.text[p.at+1] == '\\') {
			p.at++
			c = p.text[p.at]
		} else if c == quote {
			p.at++
			return argument{start + 1, b.String(), true}, nil
		}
		b.WriteByte(c)
	}
	return argument{}, p.errorf(start, "this quote is not closed", "")
}

// arguments reads up to the braces that end the tag.
func (p *parser) arguments(end string) ([]argument, error) {
	var list []argument
	for {
		p.skipSpace()
		if p.ahead(end) {
			return list, nil
		}
		if p.at >= len(p.text) {
			return nil, p.errorf(p.at, "expected "+end+" at the end of the tag, found the end of the text", "")
		}
		if c := p.text[p.at]; c == '"' || c == '\'' {
			a, err := p.quoted()
			if err != nil {
				return nil, err
			}
			list = append(list, a)
			continue
		}
		start := p.at
		word, err := p.name()
		if err != nil {
			return nil, err
		}
		if word == "" {
			return nil, p.errorf(p.at, "expected "+end+" at the end of the tag, found "+found(p.text[p.at:]), "")
		}
		list = append(list, argument{start, word, false})
	}
}

// found is the beginning of a text, as errors show it.
func found(text string) string {
	if text == "" {
		return "the end of the text"
	}
	for i := range text {
		if i > 0 {
			text = text[:i]
			break
		}
	}
	return "`" + text + "`"
}
