package template

import "nightjar/schema"

// Warning is something in a template that renders, but probably not as its
// author meant.
type Warning schema.SyntaxError

// String is the warning as a SyntaxError is written.
func (w Warning) String() string {
	e := schema.SyntaxError(w)
	return e.Error()
}

// closest is the candidate that differs from the name by a slip or two, or the
// empty string.
func closest(name string, candidates []string) string { return schema.Closest(name, candidates, 2) }
