package template

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"nightjar/schema"
)

// Error is a mistake in a template, told to its author.
type Error struct {
	Line, Column int // both from 1; columns count characters
	Message      string
	Hint         string // what was probably meant; may be empty
}

// Error is `line:column: message; hint`.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Warning is something in a template that renders, but probably not as its
// author meant.
type Warning Error

// String is the warning as an Error is written.
func (w Warning) String() string {
	e := Error(w)
	return e.Error()
}

// errorAt is an error at a byte offset of the text.
func errorAt(text string, offset int, message, hint string) *Error {
	line, column := place(text, offset)
	return &Error{line, column, message, hint}
}

func place(text string, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// closest is the candidate that differs from the name by a slip or two, or the
// empty string.
func closest(name string, candidates []string) string { return schema.Closest(name, candidates, 2) }
