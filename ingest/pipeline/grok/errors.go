package grok

import (
	"errors"
	"fmt"
)

// ErrBudget says that a rule on the backtracking engine was stopped at its bound:
// whether the text matches is not known.
var ErrBudget = errors.New("the rule took too long on this text and was stopped")

// RuleError is a mistake in a rule, for its author.
type RuleError struct {
	Where   string // "match" or "support"
	Line    int    // from 1, of that text
	Column  int    // from 1, in characters
	Rule    string // its name, when it has one
	Message string
	Hint    string // what to write instead; may be empty
}

func (e *RuleError) Error() string {
	text := fmt.Sprintf("%s rules %d:%d: ", e.Where, e.Line, e.Column)
	if e.Rule != "" {
		text += "rule " + e.Rule + ": "
	}
	text += e.Message
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}
