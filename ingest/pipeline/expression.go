package pipeline

import (
	"strconv"
	"strings"

	"nightjar/ingest/record"
)

// Bounds of an expression.
const (
	maxExpression = 4096
	maxBrackets   = 50
)

// parseExpression reads an expression. A minus is an operator where there is a space on
// both sides; attributes may have one in their names.
func parseExpression(text string) (expression, error) {
	if len(text) > maxExpression {
		return nil, expressionError(0, "the expression has %d bytes; %d are the most", len(text), maxExpression)
	}
	p := expressionParser{text: text}
	e, err := p.sum()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(text) {
		return nil, expressionError(p.at, "%q does not belong here", text[p.at:p.at+1])
	}
	return e, nil
}

type expressionParser struct {
	text  string
	at    int
	depth int
}

func (p *expressionParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// operator takes one of these; 0: none follows.
func (p *expressionParser) operator(of string) byte {
	p.space()
	if p.at == len(p.text) || strings.IndexByte(of, p.text[p.at]) < 0 {
		return 0
	}
	op := p.text[p.at]
	if op == '-' && !p.spaced() {
		return 0
	}
	p.at++
	return op
}

// spaced reports whether there is a space on both sides.
func (p *expressionParser) spaced() bool {
	blank := func(i int) bool { return i < 0 || i >= len(p.text) || strings.IndexByte(" \t\r\n()", p.text[i]) >= 0 }
	return blank(p.at-1) && blank(p.at+1)
}

func (p *expressionParser) sum() (expression, error) {
	return p.chain("+-", func() (expression, error) { return p.chain("*/", p.operand) })
}

// chain reads operands with operators between, which are taken from the left.
func (p *expressionParser) chain(operators string, operand func() (expression, error)) (expression, error) {
	left, err := operand()
	for err == nil {
		op := p.operator(operators)
		if op == 0 {
			return left, nil
		}
		var right expression
		if right, err = operand(); err == nil {
			left = operation(op, left, right)
		}
	}
	return nil, err
}

func (p *expressionParser) operand() (expression, error) {
	p.space()
	if p.at == len(p.text) {
		return nil, expressionError(p.at, "an attribute or a number is missing")
	}
	if p.text[p.at] == '(' {
		return p.bracket()
	}
	return p.word()
}

func (p *expressionParser) bracket() (expression, error) {
	opened := p.at
	p.at++
	if p.depth++; p.depth > maxBrackets {
		return nil, expressionError(opened, "more than %d brackets within one another", maxBrackets)
	}
	e, err := p.sum()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at == len(p.text) || p.text[p.at] != ')' {
		return nil, expressionError(opened, "this bracket does not close")
	}
	p.at++
	p.depth--
	return e, nil
}

// word reads a number or an attribute: up to a space or an operator other than a minus.
func (p *expressionParser) word() (expression, error) {
	from := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n()*/+", p.text[p.at]) < 0 {
		p.at++
	}
	word := p.text[from:p.at]
	if word == "" {
		return nil, expressionError(from, "an attribute or a number is missing")
	}
	if c := strings.TrimLeft(word, "+-."); c != "" && c[0] >= '0' && c[0] <= '9' {
		if f, err := strconv.ParseFloat(word, 64); err == nil {
			return constant(f), nil
		}
	}
	path, err := record.ParsePath(word)
	if err != nil {
		return nil, expressionError(from, "%v", err)
	}
	return attribute(path), nil
}
