package search

import (
	"net/netip"

	"nightjar/schema"
)

// Query is a parsed log search. Its tree is what both readers follow: Match for
// one event in memory, SQL for the events table. They give the same answer.
type Query struct {
	Root Node
	// Insensitive: letter case does not count. The text does not say so.
	Insensitive bool
}

// Node is a part of a query: one of the types below, and no other.
type Node interface {
	// Pos is the byte offset in the query's text at which the part begins.
	Pos() int
}

// At is the position that every node carries.
type At int

// Pos implements Node.
func (a At) Pos() int { return int(a) }

// MatchAll holds for every event: the empty query, `*` and `*:*`.
type MatchAll struct{ At }

// Conjunction holds when all of its nodes do: `a b`, `a AND b`, `a && b`. It has
// at least two nodes, none of them a Conjunction.
type Conjunction struct {
	At
	Nodes []Node
}

// Disjunction holds when one of its nodes does: `a OR b`, `a || b`. It has at
// least two nodes, none of them a Disjunction.
type Disjunction struct {
	At
	Nodes []Node
}

// Negation holds when its node does not, so a negated clause on a field that
// the event lacks holds: `-a`, `NOT a`. Its node is not a Negation.
type Negation struct {
	At
	Node Node
}

// Words looks for a word or phrase in the message, and with Everywhere (`*:x`)
// for a whole value among the attributes too. Letter case does not count.
//
// In the message, a pattern is found where its text stands, not cut out of a
// longer word: where it begins or ends with a word character (an ASCII letter
// or digit, `_`, anything beyond ASCII), no word character may stand before or
// after it. A wildcard at an end lifts that, and so does a character of a script
// without spaces between words (Han, kana, Thai, …). White space in a pattern without
// wildcards stands for any run of white space.
//
// With In they are looked for so in an attribute instead of the message.
type Words struct {
	At
	Pattern    Pattern
	Everywhere bool
	In         string // an attribute's path
}

// Equals holds when a value of the field is Value: whole, and in the same
// letter case. A number equals a value that is a number literal numerically
// (404 equals `404.0`); everything else compares as text.
type Equals struct {
	At
	Field schema.Field
	Value string
}

// Like holds when the text of a value of the field, all of it, fits the
// pattern, in the same letter case.
type Like struct {
	At
	Field   schema.Field
	Pattern Pattern
}

// Range holds when a value of the field lies between the bounds. Numbers
// compare with bounds that are number literals, numerically, and with no
// others. So do texts that are numbers (schema.NumberOf), of any field; other texts
// compare as bytes with the bound's text, and so does every value when a bound is a
// number literal in quotes. Booleans lie in no range. At least one bound is not open.
type Range struct {
	At
	Field     schema.Field
	Low, High Bound
}

// Bound is one end of a range.
type Bound struct {
	Value     string
	Open      bool // `*`: no bound at all
	Inclusive bool // false for an open end
	// Quoted says that a number literal is in quotes: what is compared is texts.
	// Of other bounds it is false.
	Quoted bool
}

// Exists holds when the event has the field: for an attribute a value at the
// path or below it, for a tag `key` or `key:…`, for a reserved field a text
// that is not empty.
type Exists struct {
	At
	Field schema.Field
}

// Network holds when a value of the field is an IP address in one of the
// blocks: `CIDR(@f, 10.0.0.0/8)`. An IPv4 address and the same one mapped into
// IPv6 are one address.
type Network struct {
	At
	Field  schema.Field
	Blocks []netip.Prefix
}

// Folded holds when the text of a value of the field, all of it, fits one of the
// patterns, whatever the case of letters: `ICASE(@f, admin*, root)`. Letters are
// the same where Unicode's simple folding makes them one, so `K` is the Kelvin
// sign too.
type Folded struct {
	At
	Field    schema.Field
	Patterns []Pattern
}

// Regexp holds when the expression, in RE2's syntax, is found in the text of a
// value of the field: `REGEX(@f, "^a+$")`. `.` is any character but a line's end,
// unless the expression says `(?s)`.
type Regexp struct {
	At
	Field schema.Field
	Expr  string
}

// Any holds when the inner query does for one element of the array, as if the
// element were the event: `ANY(@a, @permission:x @granted:false)`. The paths in it
// begin at the element, and it has terms of attributes only. A value that is no
// array is its own only element; null is none; arrays in arrays are not looked into.
type Any struct {
	At
	Field schema.Field
	Node  Node
}

// Same holds when some value of one field is, as text, one of the other's:
// `SAME(@a, @b)`.
type Same struct {
	At
	Field, Other schema.Field
}

// Measured compares a size with a number: `LENGTH(@a) > 10`, `COUNT(@a) = 0`. The
// length is the number of code points in a value's text, and some value's must
// compare so; the count is the number of elements of the array, 1 of another
// value, 0 of what is missing or null.
type Measured struct {
	At
	Field   schema.Field
	Measure Measure
	Op      string // > >= < <= =
	Number  int64
}

// Measure is what is measured.
type Measure uint8

// The measures.
const (
	MeasureLength Measure = iota
	MeasureCount
)

// String is the name of the function.
func (m Measure) String() string { return [...]string{"LENGTH", "COUNT"}[m] }

// Holds compares a size with the number.
func (m Measured) Holds(size int64) bool {
	switch m.Op {
	case ">":
		return size > m.Number
	case ">=":
		return size >= m.Number
	case "<":
		return size < m.Number
	case "<=":
		return size <= m.Number
	}
	return size == m.Number
}
