package secl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Pos is a byte offset into the text of an expression.
type Pos int

// Error is a mistake in an expression, told to its author.
type Error struct {
	Line, Column int // both from 1; columns count characters
	Message      string
	Hint         string // what was probably meant; may be empty
	Syntax       bool   // the text is no expression at all
}

// Error is `line:column: message; hint`.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Errors are all mistakes of one expression, in the order of their positions.
type Errors []*Error

// Error has one line for each mistake.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Place is the line and the column of an offset, both from 1.
func Place(text string, at Pos) (line, column int) {
	before := text[:min(int(at), len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// maxErrors are told one by one; the rest is counted.
const maxErrors = 100

// reporter collects the mistakes of one text.
type reporter struct {
	text string
	list Errors
	more int // mistakes beyond maxErrors
}

func (r *reporter) report(at Pos, hint, format string, args ...any) {
	if len(r.list) == maxErrors {
		r.more++
		return
	}
	line, column := Place(r.text, at)
	r.list = append(r.list, &Error{Line: line, Column: column, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// syntax reports that the text is no expression.
func (r *reporter) syntax(at Pos, message, hint string) {
	before := len(r.list)
	r.report(at, hint, "%s", message)
	if len(r.list) > before {
		r.list[before].Syntax = true
	}
}

// err is nil when there was nothing to report.
func (r *reporter) err() error {
	if len(r.list) == 0 {
		return nil
	}
	slices.SortStableFunc(r.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if r.more > 0 {
		last := r.list[len(r.list)-1]
		r.list = append(r.list, &Error{last.Line, last.Column, fmt.Sprintf("and %d more mistakes", r.more), "", last.Syntax})
	}
	return r.list
}
