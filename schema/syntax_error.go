package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError is a mistake in a text that somebody wrote in a language of ours (a
// search, a condition, a template), told to its author.
type SyntaxError struct {
	Line, Column int // both from 1; columns count characters
	Message      string
	Hint         string // what was probably meant; may be empty
}

// Error is `line:column: message; hint`.
func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// SyntaxErrorAt is a mistake at a byte offset of the text; beyond the text it is at its
// end.
func SyntaxErrorAt(text string, offset int, message, hint string) *SyntaxError {
	before := text[:min(offset, len(text))]
	line := strings.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line:    strings.Count(before, "\n") + 1,
		Column:  utf8.RuneCountInString(before[line:]) + 1,
		Message: message,
		Hint:    hint,
	}
}
