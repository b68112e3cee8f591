package template

import "strings"

// Limits of a template and of what it renders. They bound the time and memory
// that one signal can cost, whatever its rule says and its events contain.
const (
	MaxTemplate = 64 << 10
	MaxOutput   = 64 << 10
	MaxDepth    = 50
	maxTags     = 4000
	maxWarnings = 100
	// maxWork is how many bytes of values one rendering may look at.
	maxWork = 64 << 20
)

// Template is a parsed title or message. It is safe for concurrent use.
type Template struct {
	source   string
	nodes    []node
	warnings []Warning
}

// Parse reads a template. The error is a *schema.SyntaxError.
func Parse(text string) (*Template, error) {
	p := parser{text: text}
	return p.template()
}

// Static reports whether all signals render alike.
func (t *Template) Static() bool { return !strings.Contains(t.source, "{{") }

// ParseLenient reads the template of a stored rule, whose signals must go out
// whatever it looks like. A tag that makes no sense is text; where the blocks
// make none, all of the template is. Check tells.
func ParseLenient(text string) *Template {
	p := parser{text: strings.ToValidUTF8(text, "\uFFFD"), lenient: true}
	t, err := p.template()
	if err == nil {
		return t
	}
	p.forgive(err, "the template is shown as it is")
	return &Template{source: p.text, nodes: []node{&ownText{source: p.text, shown: p.text}}, warnings: p.warnings}
}
