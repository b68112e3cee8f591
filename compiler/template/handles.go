package template

import "strings"

// Handles are whom the template notifies: every @ of its own text with what
// follows, as in @slack-{{service.name}}. A value can complete a handle, never
// begin one, and one that would need a value to have other characters than
// names have is nobody.
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
	broken bool
	name   strings.Builder
	last   byte // the character before: in a word or in code, an @ begins no handle
}

func (h *handles) own(text string) {
	for i := range len(text) {
		c := text[i]
		switch {
		case h.open && c == '@' && h.name.Len() > 0, h.open && isHandle(c):
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
	if !h.open {
		return
	}
	// After a prefix such as slack-, an @ would make another's address of it.
	whole := h.name.Len() == 0
	for i := range len(text) {
		h.broken = h.broken || !isHandle(text[i]) && (text[i] != '@' || !whole)
	}
	h.name.WriteString(text)
}

// finish ends the handle, without the punctuation of the sentence.
func (h *handles) finish() {
	if name := strings.TrimRight(h.name.String(), ".-_"); h.open && !h.broken && name != "" {
		h.list = append(h.list, "@"+name)
	}
	h.open, h.broken = false, false
	h.name.Reset()
}

func isHandle(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '+'
}
