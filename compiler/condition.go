package compiler

import (
	"fmt"
	"strconv"
	"strings"

	"nightjar/schema"
)

// Condition is a case's condition: one expression over the labels of a rule,
// or several joined by `then`, which must hold one after the other.
type Condition struct {
	Text  string
	Parts []CondNode
	// Absent is the Y of `… then not Y`: what must not follow the Parts; nil where
	// the condition has no such end.
	Absent CondNode
}

// OverTime reports whether the condition has a `then`, so that it holds over
// time, not at a moment: its Parts are asked one by one.
func (c *Condition) OverTime() bool { return len(c.Parts) > 1 || c.Absent != nil }

func (c *Condition) isEmpty() bool { return len(c.Parts) == 1 && c.Parts[0] == CondNode(CondTrue{}) }

// HoldsInSilence is Holds at a silence point. The empty condition, for which it is
// enough that something matched, does not hold there.
func (c *Condition) HoldsInSilence(values []float64) bool { return !c.isEmpty() && c.Holds(values) }

// Holds reports whether the condition is true of these label values. One that
// holds over time holds of none.
func (c *Condition) Holds(values []float64) bool {
	return !c.OverTime() && c.Parts[0].Holds(values)
}

// names is the one label that the condition is about, or the empty string when
// there is none or more than one.
func (c *Condition) names() string {
	if !c.OverTime() {
		if n, ok := c.Parts[0].(CondCompare); ok {
			return n.Name
		}
	}
	return ""
}

// CondNode is a node of a condition.
type CondNode interface {
	Holds(values []float64) bool
	String() string
}

// CondCompare compares the value of a label with a number.
type CondCompare struct {
	Label  int // index among the rule's queries
	Name   string
	Op     string // > >= < <= == !=
	Number float64
}

// CondAnd holds when both sides do.
type CondAnd struct{ Left, Right CondNode }

// CondOr holds when one side does.
type CondOr struct{ Left, Right CondNode }

// CondNot holds when the inner condition does not.
type CondNot struct{ Inner CondNode }

// bothOf and eitherOf join two conditions.
func bothOf(left, right CondNode) CondNode   { return CondAnd{Left: left, Right: right} }
func eitherOf(left, right CondNode) CondNode { return CondOr{Left: left, Right: right} }

// CondTrue is the empty condition.
type CondTrue struct{}

// Holds compares the label's value.
func (n CondCompare) Holds(values []float64) bool { return n.Compare(values[n.Label]) }

// Compare reports whether the comparison is true of a value.
func (n CondCompare) Compare(v float64) bool {
	switch n.Op {
	case ">":
		return v > n.Number
	case ">=":
		return v >= n.Number
	case "<":
		return v < n.Number
	case "<=":
		return v <= n.Number
	case "==":
		return v == n.Number
	default:
		return v != n.Number
	}
}

// Holds is true when both sides hold.
func (n CondAnd) Holds(v []float64) bool { return n.Left.Holds(v) && n.Right.Holds(v) }

// Holds is true when a side holds.
func (n CondOr) Holds(v []float64) bool { return n.Left.Holds(v) || n.Right.Holds(v) }

// Holds is true when the inner condition does not hold.
func (n CondNot) Holds(v []float64) bool { return !n.Inner.Holds(v) }

// Holds is always true.
func (CondTrue) Holds([]float64) bool { return true }

// String is the comparison as written in rules.
func (n CondCompare) String() string {
	return n.Name + " " + n.Op + " " + strconv.FormatFloat(n.Number, 'f', -1, 64)
}

// String parenthesises both operands' lower operators.
func (n CondAnd) String() string { return "(" + n.Left.String() + " && " + n.Right.String() + ")" }

// String parenthesises the whole.
func (n CondOr) String() string { return "(" + n.Left.String() + " || " + n.Right.String() + ")" }

// String writes the operator before the operand.
func (n CondNot) String() string { return "!" + n.Inner.String() }

// String of the empty condition is empty.
func (CondTrue) String() string { return "" }

// maxCondition bounds the text of a condition, maxCondDepth its nesting.
const (
	maxCondition = 16 << 10
	maxCondDepth = 100
)

// ParseCondition reads a condition over the given labels. An empty text is the
// condition that always holds: that something matched is condition enough.
func ParseCondition(text string, labels []string) (*Condition, error) {
	c := &Condition{Text: text}
	if strings.TrimSpace(text) == "" {
		c.Parts = []CondNode{CondTrue{}}
		return c, nil
	}
	if len(text) > maxCondition {
		return nil, schema.SyntaxErrorAt(text, 0, fmt.Sprintf("a condition has at most %d bytes, this one has %d", maxCondition, len(text)), "")
	}
	p := condParser{text: text, labels: labels}
	p.next()
	for {
		part, err := p.or(0)
		if err != nil {
			return nil, err
		}
		c.Parts = append(c.Parts, part)
		if !strings.EqualFold(p.token, "then") {
			break
		}
		p.next()
		if p.isNot() {
			p.next()
			if c.Absent, err = p.or(0); err != nil {
				return nil, err
			}
			break
		}
	}
	if c.Absent != nil && strings.EqualFold(p.token, "then") {
		return nil, p.errorf("`then not` ends a condition: nothing can follow what did not happen")
	}
	if p.token != "" {
		return nil, p.errorf("expected &&, ||, then or the end, got %q", p.token)
	}
	return c, nil
}

type condParser struct {
	text   string
	labels []string
	at     int    // where token begins
	after  int    // where it ends
	token  string // empty at the end
}

func (p *condParser) next() {
	p.at = p.after
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	rest := p.text[p.at:]
	n := 0
	switch {
	case rest == "":
	case isCondWord(rest[0]), signed(rest):
		for n = 1; n < len(rest) && (isCondWord(rest[n]) || isExponentSign(rest, n)); n++ {
		}
	default:
		n = 1
		for _, op := range []string{"&&", "||", ">=", "<=", "==", "!="} {
			if strings.HasPrefix(rest, op) {
				n = 2
			}
		}
	}
	p.token, p.after = rest[:n], p.at+n
}

// signed reports whether the text begins with the sign of a number.
func signed(s string) bool {
	return len(s) > 1 && (s[0] == '-' || s[0] == '+') && (s[1] == '.' || s[1] >= '0' && s[1] <= '9')
}

// isExponentSign reports whether s[i] is the sign in a number like 1e-3.
func isExponentSign(s string, i int) bool {
	_, number := condNumber(s[:i-1])
	return number && (s[i-1] == 'e' || s[i-1] == 'E') && signed(s[i:])
}

// isNot reports whether the token is the `not` of `then not`. A label of that
// name is followed by an operator.
func (p *condParser) isNot() bool {
	if !strings.EqualFold(p.token, "not") {
		return false
	}
	ahead := *p
	ahead.next()
	return ahead.token == "" || ahead.token == "(" || ahead.token == "!" || isCondWord(ahead.token[0])
}

func isCondWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.'
}

func (p *condParser) errorf(format string, args ...any) error {
	return schema.SyntaxErrorAt(p.text, p.at, fmt.Sprintf(format, args...), "")
}

func (p *condParser) or(depth int) (CondNode, error) {
	left, err := p.and(depth)
	for err == nil && p.token == "||" {
		p.next()
		var right CondNode
		right, err = p.and(depth)
		left = eitherOf(left, right)
	}
	return left, err
}

func (p *condParser) and(depth int) (CondNode, error) {
	left, err := p.not(depth)
	for err == nil && p.token == "&&" {
		p.next()
		var right CondNode
		right, err = p.not(depth)
		left = bothOf(left, right)
	}
	return left, err
}

func (p *condParser) not(depth int) (CondNode, error) {
	if depth > maxCondDepth {
		return nil, p.errorf("more than %d levels of parentheses", maxCondDepth)
	}
	switch p.token {
	case "!":
		p.next()
		inner, err := p.not(depth + 1)
		return CondNot{inner}, err
	case "(":
		p.next()
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.token != ")" {
			return nil, p.errorf("expected ) to close a parenthesis, got %s", p.shown())
		}
		p.next()
		return inner, nil
	}
	return p.compare()
}

func (p *condParser) compare() (CondNode, error) {
	if p.token == "" {
		return nil, p.errorf("expected a comparison such as %s > 5, got the end", p.anyLabel())
	}
	if _, ok := condNumber(p.token); ok {
		return nil, p.turned()
	}
	if !isCondWord(p.token[0]) {
		return nil, p.errorf("expected a label (%s), got %q", strings.Join(p.labels, ", "), p.token)
	}
	n := CondCompare{Label: p.label(p.token), Name: p.token}
	if n.Label < 0 {
		return nil, p.errorf("unknown label %q; the rule's queries are named %s", p.token, strings.Join(p.labels, ", "))
	}
	p.next()
	switch p.token {
	case ">", ">=", "<", "<=", "==", "!=":
		n.Op = p.token
	default:
		return nil, p.errorf("expected >, >=, <, <=, == or != after %s, got %s", n.Name, p.shown())
	}
	p.next()
	number, ok := condNumber(p.token)
	if !ok {
		return nil, p.errorf("expected a number after %s %s, got %s%s", n.Name, n.Op, p.shown(), p.againstLabel())
	}
	n.Number = number
	p.next()
	return n, nil
}

// mirrored are the operators as they read from the other side.
var mirrored = map[string]string{">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}

// turned is the error of a comparison that begins with a number: how to write it.
func (p *condParser) turned() error {
	ahead := *p
	ahead.next()
	op, label := ">", p.anyLabel()
	if m, ok := mirrored[ahead.token]; ok {
		op = m
		if ahead.next(); p.label(ahead.token) >= 0 {
			label = ahead.token
		}
	}
	return p.errorf("the label stands before the operator: write %s %s %s", label, op, p.token)
}

// againstLabel explains what is not taken where a label stands for a number.
func (p *condParser) againstLabel() string {
	if p.label(p.token) < 0 {
		return ""
	}
	return "; a label is compared with a number, not with another label"
}

// condNumber reads a decimal number, which may have a sign; labels begin with a
// letter, so that neither "inf" nor "nan" is one.
func condNumber(s string) (float64, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9')) || strings.ContainsAny(digits, "_xXpP") {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

func (p *condParser) label(name string) int {
	for i, l := range p.labels {
		if l == name {
			return i
		}
	}
	return -1
}

func (p *condParser) anyLabel() string {
	if len(p.labels) == 0 {
		return "a"
	}
	return p.labels[0]
}

func (p *condParser) shown() string {
	if p.token == "" {
		return "the end"
	}
	return strconv.Quote(p.token)
}
