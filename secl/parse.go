package secl

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds how deep a tree may be. The longest chain of the public
// policies is below a hundred.
const maxDepth = 2000

// Parse reads a rule's expression. The error is of type Errors and names every
// position at which the text is no expression.
func Parse(text string) (Node, error) {
	p := newParser(text)
	if p.peek().kind == tokenEOF {
		p.syntax(p.peek(), "empty expression", "")
		return nil, p.report.err()
	}
	n := p.expression()
	p.end()
	return n, p.report.err()
}

// ParseMacro reads what a macro stands for: an expression, a list or a value.
func ParseMacro(text string) (Node, error) {
	p := newParser(text)
	var n Node
	if p.isPunct(p.peek(), "[") {
		n = p.list()
	} else {
		n = p.expression()
	}
	p.end()
	return n, p.report.err()
}

type parser struct {
	tokens []token
	i      int
	depth  int
	torn   bool // the lexer could not go on: that the text ends is no news
	report *reporter
}

func newParser(text string) *parser {
	tokens, report := lex(text)
	return &parser{tokens: tokens, torn: len(report.list) > 0, report: report}
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != tokenEOF {
		p.i++
	}
	return t
}

func (p *parser) isPunct(t token, text string) bool { return t.kind == tokenPunct && t.text == text }
func (p *parser) isWord(t token, text string) bool  { return t.kind == tokenIdent && t.text == text }

// syntax reports that t can't stand where it does. After a mistake of the lexer
// there is nothing to add.
func (p *parser) syntax(t token, message, hint string) {
	if t.kind == tokenEOF && p.torn {
		return
	}
	p.report.syntax(t.at, message, hint)
}

func (p *parser) unexpected(t token, expected string) {
	message := "unexpected token " + t.String()
	if t.kind == tokenEOF {
		message = "unexpected " + t.String()
	}
	if expected != "" {
		message += fmt.Sprintf(" (expected %s)", expected)
	}
	hint := ""
	if p.isPunct(t, "~") && p.isPunct(p.tokens[min(p.i+1, len(p.tokens)-1)], "=") {
		hint = "~= is not an operator, did you mean =~?"
	}
	if t.kind == tokenInt && (t.text[0] == '+' || t.text[0] == '-') {
		hint = fmt.Sprintf("for arithmetic put a space after %c", t.text[0])
	}
	p.syntax(t, message, hint)
}

// end holds that nothing follows. What does is a mistake, and after it the
// parser looks for more in the operands that follow.
func (p *parser) end() {
	for p.peek().kind != tokenEOF {
		p.unexpected(p.peek(), "")
		p.recover()
		if p.logical() == 0 {
			p.next()
			continue
		}
		p.expression()
	}
}

// recover passes the rest of a broken comparison: up to the next logical
// operator, or to the parenthesis that ends the expression it stands in.
func (p *parser) recover() {
	for open := 0; p.peek().kind != tokenEOF; p.next() {
		t := p.peek()
		switch {
		case p.isPunct(t, "(") || p.isPunct(t, "["):
			open++
		case (p.isPunct(t, ")") || p.isPunct(t, "]")) && open == 0:
			return
		case p.isPunct(t, ")") || p.isPunct(t, "]"):
			open--
		case open == 0 && p.atLogical():
			return
		}
	}
}

func (p *parser) atLogical() bool {
	t, after := p.peek(), p.tokens[min(p.i+1, len(p.tokens)-1)]
	return p.isWord(t, "and") || p.isWord(t, "or") || t.kind == tokenPunct && (t.text == "&" || t.text == "|") && p.isPunct(after, t.text)
}

// logical takes a logical operator, if there is one.
func (p *parser) logical() Op {
	if !p.atLogical() {
		return 0
	}
	t := p.next()
	if t.kind == tokenPunct {
		p.next()
	}
	if t.text == "&" || t.text == "and" {
		return And
	}
	return Or
}

// deeper enters a level of the tree; leave it with p.depth--.
func (p *parser) deeper() bool {
	p.depth++
	if p.depth == maxDepth {
		p.syntax(p.peek(), fmt.Sprintf("the expression is nested more than %d deep", maxDepth), "break it up with macros")
		p.i = len(p.tokens) - 1
	}
	return p.depth < maxDepth
}

// expression reads comparisons between && and ||. The two have no precedence
// over one another: both lean to the right.
func (p *parser) expression() Node {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return &Bad{p.peek().at}
	}
	left := p.comparison()
	if p.broken(left) {
		p.recover()
	}
	at := p.peek().at
	op := p.logical()
	if op == 0 {
		return left
	}
	return &Binary{at, op, left, p.expression()}
}

// broken tells whether a comparison ended in a mistake.
func (p *parser) broken(n Node) bool {
	switch n := n.(type) {
	case *Bad:
		return true
	case *Binary:
		return p.broken(n.R)
	case *Unary:
		return p.broken(n.X)
	}
	return false
}

func (p *parser) comparison() Node {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return &Bad{p.peek().at}
	}
	left := p.sum()
	if p.broken(left) {
		return left
	}
	at := p.peek().at
	op, ok := p.comparator()
	switch {
	case !ok:
		return &Binary{at, Equal, left, &Bad{p.peek().at}}
	case op == 0:
		return left
	case op == In || op == NotIn || op == AllIn:
		return &Binary{at, op, left, p.array()}
	}
	return &Binary{at, op, left, p.comparison()}
}

// comparator takes a comparison's operator, if there is one. What begins like
// one and is none is a mistake.
func (p *parser) comparator() (op Op, ok bool) {
	t := p.peek()
	after := p.tokens[min(p.i+1, len(p.tokens)-1)]
	if t.kind == tokenIdent {
		switch {
		case t.text == "in":
			op = In
		case t.text == "allin":
			op = AllIn
		case t.text == "not":
			p.next()
			if !p.isWord(after, "in") {
				p.unexpected(after, `"in"`)
				return 0, false
			}
			op = NotIn
		default:
			return 0, true
		}
		p.next()
		return op, true
	}
	if t.kind != tokenPunct {
		return 0, true
	}
	equal := p.isPunct(after, "=")
	tilde := p.isPunct(after, "~")
	switch {
	case t.text == "=" && equal:
		op = Equal
	case t.text == "=" && tilde:
		op = Match
	case t.text == "!" && equal:
		op = NotEqual
	case t.text == "!" && tilde:
		op = NotMatch
	case t.text == "=" || t.text == "!":
		p.next()
		p.unexpected(after, `"~"`)
		return 0, false
	case t.text == "<" && equal:
		op = LessEqual
	case t.text == ">" && equal:
		op = GreaterEqual
	case t.text == "<":
		p.next()
		return Less, true
	case t.text == ">":
		p.next()
		return Greater, true
	default:
		return 0, true
	}
	p.next()
	p.next()
	return op, true
}

// sum reads + and -, which lean to the left.
func (p *parser) sum() Node {
	left := p.bits()
	for n := 0; !p.broken(left); n++ {
		t := p.peek()
		if !p.isPunct(t, "+") && !p.isPunct(t, "-") {
			break
		}
		if n == maxDepth {
			p.syntax(t, fmt.Sprintf("more than %d operands in a row", maxDepth), "")
			return &Bad{t.at}
		}
		p.next()
		op := Plus
		if t.text == "-" {
			op = Minus
		}
		left = &Binary{t.at, op, left, p.bits()}
	}
	return left
}

// bits reads &, | and ^, which are on one level and lean to the right.
func (p *parser) bits() Node {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return &Bad{p.peek().at}
	}
	left := p.unary()
	t := p.peek()
	if p.broken(left) || t.kind != tokenPunct || p.atLogical() {
		return left
	}
	var op Op
	switch t.text {
	case "&":
		op = BitAnd
	case "|":
		op = BitOr
	case "^":
		op = BitXor
	default:
		return left
	}
	p.next()
	return &Binary{t.at, op, left, p.bits()}
}

func (p *parser) unary() Node {
	defer func() { p.depth-- }()
	if !p.deeper() {
		return &Bad{p.peek().at}
	}
	t := p.peek()
	var op Op
	switch {
	case p.isPunct(t, "!") || p.isWord(t, "not"):
		op = Not
	case p.isPunct(t, "-"):
		op = Minus
	case p.isPunct(t, "^"):
		op = BitNot
	default:
		return p.primary()
	}
	p.next()
	return &Unary{t.at, op, p.unary()}
}

func (p *parser) primary() Node {
	t := p.peek()
	if p.isPunct(t, "(") {
		p.next()
		x := p.expression()
		if close := p.peek(); p.isPunct(close, ")") {
			p.next()
		} else {
			p.unexpected(close, `")"`)
			return &Bad{close.at}
		}
		return &Paren{t.at, x}
	}
	if n := p.value(t); n != nil {
		p.next()
		return n
	}
	p.unexpected(t, "a value, a name or a parenthesis")
	return &Bad{t.at}
}

// value makes the node of a token that stands for itself; nil if t is none.
func (p *parser) value(t token) Node {
	switch t.kind {
	case tokenIdent:
		return &Ident{t.at, t.text}
	case tokenVariable:
		return &Variable{t.at, t.text}
	case tokenReference:
		return &Reference{t.at, t.text}
	case tokenString:
		return &Text{t.at, Scalar, t.text}
	case tokenPattern:
		return &Text{t.at, Pattern, t.text}
	case tokenRegexp:
		return &Text{t.at, Regexp, t.text}
	case tokenIP, tokenCIDR:
		return &Network{t.at, t.text}
	case tokenInt:
		v, err := strconv.ParseInt(t.text, 0, 64)
		if err != nil {
			p.syntax(t, fmt.Sprintf("%s is no integer of 64 bits", t.text), "")
		}
		return &Number{t.at, v}
	case tokenDuration:
		d, err := time.ParseDuration(t.text)
		if err != nil {
			p.syntax(t, fmt.Sprintf("%s is no duration", t.text), "write a number with ms, s, m or h")
		}
		return &Duration{t.at, d}
	}
	return nil
}

// array reads the right side of in.
func (p *parser) array() Node {
	t := p.peek()
	switch {
	case p.isPunct(t, "["):
		return p.list()
	case t.kind == tokenCIDR || t.kind == tokenVariable || t.kind == tokenReference || t.kind == tokenIdent:
		p.next()
		return p.value(t)
	}
	p.unexpected(t, "a list, a name, a variable or a network")
	return &Bad{t.at}
}

// list reads [a, b, …]. The members are of one kind; which, their first says.
func (p *parser) list() Node {
	open := p.next()
	list := &List{At: open.at}
	for {
		t := p.peek()
		n := p.value(t)
		if n == nil || t.kind == tokenVariable || t.kind == tokenReference || t.kind == tokenDuration {
			p.unexpected(t, "a text, a number, a network or a constant")
			return p.leaveList()
		}
		if len(list.Members) > 0 && listKind(list.Members[0]) != listKind(n) {
			p.syntax(t, "the members of a list are of one kind", "")
		}
		list.Members = append(list.Members, n)
		p.next()
		sep := p.next()
		switch {
		case p.isPunct(sep, "]"):
			return list
		case t.kind == tokenIdent && strings.HasSuffix(t.text, "]") && !strings.Contains(t.text, "["):
			p.syntax(t, fmt.Sprintf("the name %q takes the ] with it", t.text), "put a space before the ]")
			return &Bad{sep.at}
		case !p.isPunct(sep, ","):
			p.unexpected(sep, `"," or "]"`)
			return p.leaveList()
		}
	}
}

// leaveList passes the rest of a list that was broken: its end is no further mistake.
func (p *parser) leaveList() Node {
	at := p.peek().at
	if p.recover(); p.isPunct(p.peek(), "]") {
		p.next()
	}
	return &Bad{at}
}

// listKind names the kind of members that a list may have.
func listKind(n Node) string {
	switch n.(type) {
	case *Text:
		return "text"
	case *Network:
		return "network"
	case *Number:
		return "number"
	}
	return "name"
}
