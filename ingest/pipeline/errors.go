package pipeline

import (
	"fmt"
	"strings"

	"nightjar/schema"
)

// Problem is one thing that is wrong with a document, or that is to be known of it.
type Problem struct {
	// Path leads to it as in JSON: processors[3].grok.match_rules. Empty: the document.
	Path string
	// Line and Column are its position in the text, from 1; 0: it has none.
	Line, Column int
	Message      string
	Hint         string // what to write instead; may be empty
}

// String is `line:column: path: message; hint`.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", p.Line, p.Column)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// DocumentError is everything that is wrong with a document.
type DocumentError struct{ Problems []Problem }

// Error has a line for each problem.
func (e *DocumentError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// As makes a *schema.InvalidError of it, the form in which the API tells of what callers
// sent.
func (e *DocumentError) As(target any) bool {
	invalid, ok := target.(**schema.InvalidError)
	if !ok {
		return false
	}
	*invalid = &schema.InvalidError{}
	for _, p := range e.Problems {
		text := p.Message
		if p.Hint != "" {
			text += "; " + p.Hint
		}
		(*invalid).Add(p.Path, text)
	}
	return true
}
