package template

import (
	"strings"
	"unicode/utf8"
)

// Destination is where a rendered text goes. It decides how values are escaped,
// so that they are read there as the characters they are. The template's own
// text is its author's, and is left alone.
type Destination uint8

// The destinations.
const (
	// Plain is text for a terminal or a text field: control characters and
	// those that turn the direction of writing are replaced.
	Plain Destination = iota
	// Markdown is CommonMark. In code, where nothing can be escaped, look-alikes
	// stand for what would end it.
	Markdown
	// HTML is the content of an element, or an attribute's value in quotes. It
	// does not make an unknown address safe to link to.
	HTML
	// Slack is its mrkdwn: no value mentions a channel or a person, or links.
	Slack
	// JSONString is the inside of a string in JSON.
	JSONString
	// Header is one line, such as an email's subject or a title. All of it is
	// kept on that line, the template's own text too.
	Header
	// URL is a part of an address: everything but letters, digits and -._~ is
	// percent-encoded.
	URL
)

// cutMark ends a text that was cut.
func cutMark(to Destination) string {
	const mark = " … (cut at 64 KiB)"
	if to == URL {
		return percentEncode(mark)
	}
	return mark
}

// escape writes the pieces for their destination.
func escape(pieces []piece, to Destination, stopped bool) (text string, truncated bool) {
	w := writer{limit: MaxOutput, reserve: len(cutMark(to)), cut: stopped}
	switch to {
	case Markdown:
		markdown(&w, pieces)
	case Header:
		w.header(pieces)
	default:
		for _, p := range pieces {
			w.piece(p, to)
		}
	}
	return w.text(cutMark(to))
}

// characters say, per destination, what a character of a value becomes.
var characters = map[Destination]func(rune) string{
	Plain: plainRune, HTML: htmlRune, Slack: slackRune, JSONString: jsonRune, URL: urlRune,
}

// writer collects text, up to a limit and in units that are kept whole: the
// characters of the template and the escapes of the values.
type writer struct {
	out            []byte
	limit, reserve int
	whole          int // how much of out leaves room for the mark
	cut            bool
	full           bool
}

func (w *writer) unit(s string) {
	if w.full {
		return
	}
	if len(w.out)+len(s) > w.limit {
		w.full, w.cut = true, true
		return
	}
	w.out = append(w.out, s...)
	if len(w.out) <= w.limit-w.reserve {
		w.whole = len(w.out)
	}
}

// text is what was written, with the mark where it was cut.
func (w *writer) text(mark string) (string, bool) {
	if !w.cut {
		return string(w.out), false
	}
	return string(w.out[:w.whole]) + mark, true
}

// own writes text that stays as it is.
func (w *writer) own(s string) {
	if len(w.out)+len(s) <= w.limit-w.reserve {
		w.unit(s)
		return
	}
	for i, r := range s {
		w.unit(s[i : i+max(1, utf8.RuneLen(r))])
		if w.full {
			return
		}
	}
}

// value writes text of which every character is escaped.
func (w *writer) value(s string, character func(rune) string) {
	for _, r := range s {
		if w.unit(character(r)); w.full {
			return
		}
	}
}

func (w *writer) piece(p piece, to Destination) {
	switch {
	case p.origin != fromData:
		w.own(p.text)
	case to == JSONString || to == URL: // read by programs, to the letter
		w.value(p.text, characters[to])
	default:
		w.value(lines.Replace(p.text), characters[to])
	}
}

// lines makes one kind of line end of all.
var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// header writes all pieces as one line. `=?` would begin an encoded word of
// RFC 2047, which a mail program decodes.
func (w *writer) header(pieces []piece) {
	before := rune(0)
	for _, p := range pieces {
		w.value(p.text, func(r rune) string {
			last := before
			before = r
			switch {
			case r == '?' && last == '=':
				return " ?"
			case r == '\u0085' || r == '\u2028' || r == '\u2029' || r < ' ':
				return " "
			}
			return plainRune(r)
		})
	}
}

func plainRune(r rune) string {
	switch {
	case r == '\n' || r == '\t':
	case r < ' ' || r >= 0x7F && r <= 0x9F, turnsDirection(r):
		return "\uFFFD"
	}
	return string(r)
}

// turnsDirection tells the characters that make what follows look like other
// text: gpj.exe for exe.jpg.
func turnsDirection(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

func htmlRune(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&#34;"
	case '\'':
		return "&#39;"
	case '`':
		return "&#96;"
	}
	return plainRune(r)
}

// slackRune escapes what Slack's rules for text name: the angle brackets hold
// mentions and links, and & begins an entity.
func slackRune(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	}
	return plainRune(r)
}

func jsonRune(r rune) string {
	const hex = "0123456789abcdef"
	switch {
	case r == '\\':
		return `\\`
	case r == '"':
		return `\"`
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r < ' ' || r == 0x7F || r == '<' || r == '>' || r == '&':
		return `\u00` + string(hex[r>>4]) + string(hex[r&15])
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	}
	return string(r)
}

func urlRune(r rune) string {
	if r < utf8.RuneSelf && unreserved(byte(r)) {
		return string(r)
	}
	return percentEncode(string(r))
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// percentEncode is s as a part of an address, a space as %20.
func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}
