package template

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"nightjar/schema"
)

// expr is an arithmetic expression: one of the types below, and no other. ok
// is false where it has no value: a variable is missing or is no number, a
// divisor is zero, or the result is beyond what a number can hold.
type expr interface {
	value(lookup func(ref) (float64, bool)) (n float64, ok bool)
}

type number float64

type name struct{ ref ref }

type negation struct{ inner expr }

type call struct {
	function func(float64) float64
	inner    expr
}

type binary struct {
	op          byte
	at          int // of the operator
	left, right expr
}

func (n number) value(func(ref) (float64, bool)) (float64, bool) { return float64(n), true }

func (n name) value(lookup func(ref) (float64, bool)) (float64, bool) { return lookup(n.ref) }

func (n negation) value(lookup func(ref) (float64, bool)) (float64, bool) {
	v, ok := n.inner.value(lookup)
	return -v, ok
}

func (n call) value(lookup func(ref) (float64, bool)) (float64, bool) {
	v, ok := n.inner.value(lookup)
	return n.function(v), ok
}

func (n binary) value(lookup func(ref) (float64, bool)) (float64, bool) {
	a, okA := n.left.value(lookup)
	b, okB := n.right.value(lookup)
	var v float64
	switch n.op {
	case '+':
		v = a + b
	case '-':
		v = a - b
	case '*':
		v = a * b
	case '/':
		v = a / b
	case '%':
		v = math.Mod(a, b)
	default:
		v = math.Pow(a, b)
	}
	return v, okA && okB && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// calls are the functions of the reference that turn one number into another.
var calls = map[string]func(float64) float64{
	"abs": math.Abs, "int": math.Floor, "trunc": math.Floor, "floor": math.Floor, "ceil": math.Ceil, "round": math.Round,
	"float": func(f float64) float64 { return f },
	"dec":   func(f float64) float64 { return f - math.Trunc(f) },
	"sgn": func(f float64) float64 {
		switch {
		case f > 0:
			return 1
		case f < 0:
			return -1
		}
		return 0
	},
}

// formatNumber writes a result: whole numbers without a point, others with the
// digits that arithmetic in doubles gets right.
func formatNumber(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatInt(int64(f), 10)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 12, 64), 64)
	if err != nil {
		rounded = f // rounding went beyond the largest number
	}
	return schema.FormatFloat(rounded)
}

// expression reads the text of an eval.
func (p *parser) expression(a argument) (expr, error) {
	e := exprParser{p: p, text: a.text, offset: a.at}
	x, err := e.sum()
	if err != nil {
		return nil, err
	}
	if e.skipSpace(); e.at < len(e.text) {
		hint := ""
		if e.text[e.at] == ')' {
			hint = "this parenthesis closes nothing"
		}
		return nil, e.errorf(e.at, "expected an operator (+ - * / % ^), found "+found(e.text[e.at:]), hint)
	}
	return x, nil
}

type exprParser struct {
	p      *parser
	text   string
	offset int // of the expression in the template
	at     int
	depth  int
}

func (e *exprParser) errorf(at int, message, hint string) error {
	return e.p.errorf(e.offset+at, message, hint)
}

func (e *exprParser) skipSpace() {
	for e.at < len(e.text) && isSpace(e.text[e.at]) {
		e.at++
	}
}

// operator reads one of the operators, or 0.
func (e *exprParser) operator(of string) byte {
	e.skipSpace()
	if e.at < len(e.text) && strings.IndexByte(of, e.text[e.at]) >= 0 {
		e.at++
		return e.text[e.at-1]
	}
	return 0
}

func (e *exprParser) sum() (expr, error) { return e.chain("+-", e.product) }

func (e *exprParser) product() (expr, error) { return e.chain("*/%", e.sign) }

// maxOperators bounds how deep a chain of operators makes the tree.
const maxOperators = 1000

// chain reads operands with operators between them, which group to the left.
func (e *exprParser) chain(operators string, operand func() (expr, error)) (expr, error) {
	x, err := operand()
	for n := 0; err == nil; n++ {
		op := e.operator(operators)
		if op == 0 {
			return x, nil
		}
		at := e.offset + e.at - 1
		if n == maxOperators {
			return nil, e.errorf(e.at-1, "the expression has more than "+strconv.Itoa(maxOperators)+" operators in a row", "")
		}
		var right expr
		if right, err = operand(); err == nil {
			x = binary{op, at, x, right}
		}
	}
	return nil, err
}

// sign reads an operand with a sign before it.
func (e *exprParser) sign() (expr, error) {
	if err := e.nest(); err != nil {
		return nil, err
	}
	defer func() { e.depth-- }()
	switch e.operator("+-") {
	case '-':
		x, err := e.sign()
		return negation{x}, err
	case '+':
		return e.sign()
	}
	return e.power()
}

// power reads `a^b`, which groups to the right and before a sign: -2^2 is -4.
func (e *exprParser) power() (expr, error) {
	x, err := e.operand()
	if err != nil || e.operator("^") == 0 {
		return x, err
	}
	at := e.offset + e.at - 1
	y, err := e.sign()
	return binary{'^', at, x, y}, err
}

func (e *exprParser) nest() error {
	if e.depth++; e.depth > MaxDepth {
		return e.errorf(e.at, "the expression is nested more than "+strconv.Itoa(MaxDepth)+" deep", "")
	}
	return nil
}

func (e *exprParser) operand() (expr, error) {
	e.skipSpace()
	start := e.at
	if e.operator("(") != 0 {
		return e.parenthesised(start)
	}
	word := e.word()
	if word == "" {
		if e.at == len(e.text) {
			return nil, e.errorf(e.at, "expected a number or a variable, found the end of the expression", "")
		}
		return nil, e.errorf(e.at, "expected a number or a variable, found "+found(e.text[e.at:]), "")
	}
	if c := word[0]; c >= '0' && c <= '9' || c == '.' {
		f, err := strconv.ParseFloat(word, 64)
		if err != nil || math.IsInf(f, 0) || strings.ContainsAny(word, "xX_") {
			return nil, e.errorf(start, word+" is no number", "")
		}
		return number(f), nil
	}
	if e.at < len(e.text) && e.text[e.at] == '(' {
		return e.call(word, start)
	}
	return e.name(word, start)
}

func (e *exprParser) parenthesised(start int) (expr, error) {
	x, err := e.sum()
	if err != nil {
		return nil, err
	}
	if e.operator(")") == 0 {
		return nil, e.errorf(start, "this parenthesis is not closed", "")
	}
	return x, nil
}

// word reads a number or a name. A dash ends it, so that a-b is a difference;
// a name with a dash has it in brackets.
func (e *exprParser) word() string {
	start := e.at
	for e.at < len(e.text) {
		c := e.text[e.at]
		if c == '[' {
			end := strings.IndexByte(e.text[e.at:], ']')
			if end < 0 {
				break
			}
			e.at += end + 1
			continue
		}
		if isSpace(c) || strings.IndexByte("+-*/%^()\"'{}],", c) >= 0 {
			break
		}
		e.at++
	}
	return e.text[start:e.at]
}

func (e *exprParser) call(word string, start int) (expr, error) {
	f := calls[word]
	if f == nil {
		hint := ""
		if c := closest(word, slices.Sorted(maps.Keys(calls))); c != "" {
			hint = "did you mean " + c + "?"
		}
		return nil, e.errorf(start, "no function is called "+word, hint)
	}
	open := e.at
	e.at++
	x, err := e.parenthesised(open)
	return call{f, x}, err
}

func (e *exprParser) name(word string, start int) (expr, error) {
	r, err := e.p.ref(word, e.offset+start)
	if err != nil {
		return nil, err
	}
	if r.kind == refBuiltin && builtins[r.name] == builtinText {
		return nil, e.errorf(start, word+" is no number", "")
	}
	return name{r}, nil
}
