package template

import "strings"

// Handles are whom the template notifies: every @ of its own text with what
// follows, as in @slack-{{service.name}}. What kind of target it is (`slack-`)
// stands in the template: events have no say in that, and no value makes a handle
// of its own. Behind it a value goes on to the first character that is no letter,
// digit, `_` or `-`.
func (t *Template) Handles(d Data) []string {
	var h handles
	for _, p := range t.run(d).pieces {
		if p.origin == fromTemplate {
			h.own(p.text)
		} else {
			h.value(p.text)
		}
	}
	h.finish()
	return h.list
}

type handles struct {
	list   []string
	open   bool
	filled bool // a value is in the name
	name   strings.Builder
	last   byte // the character before: in a word or in code, an @ begins no handle
}

func (h *handles) own(text string) {
	for i := range len(text) {
		c := text[i]
		switch {
		case h.open && c == '@' && h.name.Len() > 0 && !h.filled, h.open && isHandle(c):
			h.name.WriteByte(c)
		case c == '@' && !isHandle(h.last) && h.last != '`':
			h.finish()
			h.open = true
		default:
			h.finish()
		}
		h.last = c
	}
}

func (h *handles) value(text string) {
	h.last = 'x'
	if !h.open || !isKind(h.name.String()) {
		h.open = false // it would be the value's to say what it is
		h.name.Reset()
		return
	}
	h.filled = true
	end := 0
	for end < len(text) && isHandle(text[end]) && text[end] != '.' && text[end] != '+' {
		end++
	}
	h.name.WriteString(text[:end])
}

// isKind reports whether the beginning of a handle says what kind of target it is:
// `slack-`, `webhook-soc-`.
func isKind(name string) bool {
	dash := strings.IndexByte(name, '-')
	return dash > 0 && !strings.Contains(name, "@")
}

// finish ends the handle, without the punctuation of the sentence. One that is
// nothing but its kind, because its value had nothing to add, is nobody.
func (h *handles) finish() {
	name := strings.TrimRight(h.name.String(), ".-_")
	if h.open && name != "" && !(h.filled && !strings.Contains(name, "-")) {
		h.list = append(h.list, "@"+name)
	}
	h.open, h.filled = false, false
	h.name.Reset()
}

func isHandle(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '+'
}
