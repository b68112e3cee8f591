package template

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// markdown writes the pieces as CommonMark. What a character does depends on
// whether it stands in code, so the template's own text is read for that first,
// with a mark in place of every value: values can't open or close code.
func markdown(w *writer, pieces []piece) {
	skeleton, values := outline(pieces)
	code := codeSpans(skeleton)
	n := 0
	for _, p := range pieces {
		switch p.origin {
		case fromTemplate:
			w.own(p.text)
			continue
		case fromData:
			at := values[n]
			if inside(code, at) {
				w.value(lines.Replace(p.text), codeRune)
			} else {
				markdownValue(w, lines.Replace(p.text), skeleton[:at], next(skeleton, at))
			}
		default:
			w.own(p.text)
		}
		n++
	}
}

// valueMark stands for a value in the outline. Own text can't contain it as
// such: it would only be taken for a letter.
const valueMark = "\x00"

// outline is the template's own text, with the places of the values in it.
func outline(pieces []piece) (skeleton string, values []int) {
	var b strings.Builder
	for _, p := range pieces {
		if p.origin == fromTemplate {
			b.WriteString(p.text)
			continue
		}
		values = append(values, b.Len())
		b.WriteString(valueMark)
	}
	return b.String(), values
}

func next(s string, at int) string { return s[at+len(valueMark):] }

type span struct{ from, to int }

// inside reports whether the offset is in one of the spans, which are in order.
func inside(spans []span, at int) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].to > at })
	return i < len(spans) && at >= spans[i].from
}

// codeSpans finds fenced blocks, and in what is between them the spans of
// backticks that close in their paragraph.
func codeSpans(text string) []span {
	var out []span
	fence, paragraph := "", 0
	fenceAt := 0
	for at := 0; at < len(text); {
		line, end := lineAt(text, at)
		trimmed := strings.TrimLeft(line, " \t>")
		mark := fenceOf(trimmed)
		switch {
		case fence != "":
			if strings.HasPrefix(mark, fence) && strings.Trim(trimmed, mark[:1]+" \t\r") == "" {
				out = append(out, span{fenceAt, at})
				fence, paragraph = "", end
			}
		case mark != "":
			out = append(out, inlineCode(text, paragraph, at)...)
			fence, fenceAt = mark, end
		case strings.Trim(line, " \t\r>") == "":
			out = append(out, inlineCode(text, paragraph, at)...)
			paragraph = end
		}
		at = end
	}
	if fence != "" {
		return append(out, span{fenceAt, len(text)})
	}
	return append(out, inlineCode(text, paragraph, len(text))...)
}

func lineAt(text string, at int) (line string, end int) {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return text[at : at+i], at + i + 1
	}
	return text[at:], len(text)
}

// fenceOf is the run of three or more backticks or tildes that a line begins
// with.
func fenceOf(line string) string {
	for _, c := range "`~" {
		rest := strings.TrimLeft(line, string(c))
		if n := len(line) - len(rest); n >= 3 && (c == '~' || !strings.Contains(rest, "`")) {
			return line[:n]
		}
	}
	return ""
}

// inlineCode finds `…` between two offsets. A run of backticks opens code when
// one of the same length follows.
func inlineCode(text string, from, to int) []span {
	runs := backticks(text, from, to)
	after := map[int][]int{} // the runs of a length, the last first
	for i := len(runs) - 1; i >= 0; i-- {
		n := runs[i].to - runs[i].from
		after[n] = append(after[n], i)
	}
	var out []span
	for i := 0; i < len(runs); i++ {
		n := runs[i].to - runs[i].from
		for len(after[n]) > 0 && after[n][len(after[n])-1] <= i {
			after[n] = after[n][:len(after[n])-1]
		}
		if rest := after[n]; len(rest) > 0 && !escaped(text, runs[i].from) {
			end := rest[len(rest)-1]
			out = append(out, span{runs[i].to, runs[end].from})
			i = end
		}
	}
	return out
}

func backticks(text string, from, to int) []span {
	var runs []span
	for i := from; i < to; i++ {
		if text[i] != '`' {
			continue
		}
		start := i
		for i < to && text[i] == '`' {
			i++
		}
		runs = append(runs, span{start, i})
	}
	return runs
}

// escaped reports whether an odd number of backslashes stands before the offset.
func escaped(text string, at int) bool {
	before := text[:at]
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1
}

// codeRune is a character of a value in code. Entities and backslashes mean
// nothing there, so what could end the code is replaced by its look-alike.
func codeRune(r rune) string {
	switch r {
	case '`':
		return "ˋ"
	case '~':
		return "˜"
	case '\n', '\t':
		return " "
	}
	return plainRune(r)
}

// markdownValue writes a value outside of code. It stays on its line: a value
// can't begin a heading, a list or a paragraph.
func markdownValue(w *writer, s, before, after string) {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	if strings.HasSuffix(before, `\`) && escaped(before, len(before)) {
		w.unit(`\`) // the template's backslash would undo the first of ours
	}
	if strings.Trim(line, " \t>*-+0123456789.)") == "" {
		s = w.lineStart(s)
	}
	m := markdownEscaper{
		last:   lastRune(before),
		after:  after,
		inLink: inLink(line),
	}
	if strings.HasSuffix(line, "](") {
		s = localised(s)
	}
	for i, r := range s {
		if w.unit(m.character(r, s[i+utf8.RuneLen(r):])); w.full {
			return
		}
		m.last = r
	}
}

// lineStart escapes what would make a block of a line that begins with it, and
// returns the rest.
func (w *writer) lineStart(s string) string {
	s = strings.TrimLeft(s, " \t\n")
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	rest := s[digits:]
	if rest == "" {
		return s
	}
	c := rest[0]
	if digits == 0 && strings.IndexByte("#+-=", c) >= 0 || digits > 0 && (c == '.' || c == ')') {
		w.own(s[:digits])
		w.unit(`\` + string(c))
		return rest[1:]
	}
	return s
}

// inLink reports whether a line's own text is in the middle of a link's address.
func inLink(line string) bool {
	i := strings.LastIndex(line, "](")
	return i >= 0 && !strings.ContainsAny(line[i+2:], ") \t")
}

// localised makes an address that a value begins harmless, unless it is one of
// the web: a link must not run a script.
func localised(s string) string {
	lower := strings.ToLower(s)
	for _, scheme := range []string{"https://", "http://", "mailto:"} {
		if strings.HasPrefix(lower, scheme) {
			return s
		}
	}
	return strings.ReplaceAll(s, ":", "%3A")
}

type markdownEscaper struct {
	last   rune   // the character before
	after  string // the template's own text after the value
	inLink bool
}

// character escapes r, of which the rest of the value follows.
func (m *markdownEscaper) character(r rune, rest string) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\\', '`', '*', '[', ']', '~', '|':
		return `\` + string(r)
	case '_':
		if rest == "" {
			rest = m.after
		}
		if first, _ := utf8.DecodeRuneInString(rest); isWord(m.last) && isWord(first) {
			return "_" // within a word it is no emphasis
		}
		return `\_`
	case '(', ')':
		if m.inLink || m.last == ']' {
			return `\` + string(r)
		}
	case ' ', '\n', '\t':
		if m.inLink {
			return "%20"
		}
		return " "
	}
	return plainRune(r)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}
