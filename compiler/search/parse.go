package search

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"nightjar/schema"
)

// Limits of a query. They bound the time and memory of parsing, of both readers
// and of the server that runs the SQL.
const (
	MaxLength    = 512 << 10
	MaxTerms     = 20_000
	MaxDepth     = 100
	maxWords     = 4 << 10 // bytes of one word or phrase for the message
	maxWildcards = 100     // of one pattern
)

// Parse reads a log search. The error is a *schema.SyntaxError.
func Parse(text string) (*Query, error) {
	p := queryParser{text: text}
	root, err := p.query()
	if err != nil {
		return nil, err
	}
	return &Query{Root: root}, nil
}

type queryParser struct {
	text  string
	at    int
	depth int
	terms int
	// inner says that the terms are about an element of an array, elements in how
	// many ANY they are.
	inner    bool
	elements int
}

// target is what the terms being read are about: the message, everything, one
// field, or (for `_exists_` and `_missing_`) the fields that the terms name.
type target struct {
	kind  targetKind
	field schema.Field
}

type targetKind uint8

const (
	targetMessage targetKind = iota
	targetEverywhere
	targetField
	targetExists
	targetMissing
)

func (p *queryParser) errorf(at int, message, hint string) error {
	return schema.SyntaxErrorAt(p.text, at, message, hint)
}

func (p *queryParser) query() (Node, error) {
	if len(p.text) > MaxLength {
		return nil, p.errorf(0, fmt.Sprintf("the query has %d bytes, at most %d are allowed", len(p.text), MaxLength), "")
	}
	for i, r := range p.text {
		if r == utf8.RuneError && !strings.HasPrefix(p.text[i:], "\uFFFD") {
			return nil, p.errorf(i, "the query is not valid UTF-8", "")
		}
	}
	if p.skipSpace(); p.atEnd() {
		return MatchAll{}, nil
	}
	root, err := p.or(target{})
	if err != nil {
		return nil, err
	}
	if !p.atEnd() {
		return nil, p.errorf(p.at, closesNone, `write \) for a literal one`)
	}
	return root, nil
}

// or reads `and OR and …`, up to the end or a closing parenthesis.
func (p *queryParser) or(t target) (Node, error) {
	var nodes []Node
	for {
		n, err := p.and(t)
		if err != nil {
			return nil, err
		}
		if d, ok := n.(Disjunction); ok {
			nodes = append(nodes, d.Nodes...)
		} else {
			nodes = append(nodes, n)
		}
		if !p.orOperator() {
			break
		}
	}
	if len(nodes) == 1 {
		return nodes[0], nil
	}
	return Disjunction{At(nodes[0].Pos()), nodes}, nil
}

// and reads `clause AND clause …`; between clauses the operator may be left out.
func (p *queryParser) and(t target) (Node, error) {
	var nodes []Node
	for {
		n, err := p.clause(t)
		if err != nil {
			return nil, err
		}
		if c, ok := n.(Conjunction); ok {
			nodes = append(nodes, c.Nodes...)
		} else {
			nodes = append(nodes, n)
		}
		end := p.at
		p.skipSpace()
		if p.atEnd() || p.peek() == ')' || p.orAhead() {
			break
		}
		if p.andOperator() {
			continue
		}
		if c := p.peek(); end == p.at && c != '(' && p.text[end-1] != ')' {
			return nil, p.errorf(p.at, fmt.Sprintf("unexpected %q", c), `put a space between the two, or escape it`)
		}
	}
	if len(nodes) == 1 {
		return nodes[0], nil
	}
	return Conjunction{At(nodes[0].Pos()), nodes}, nil
}

func (p *queryParser) andOperator() bool {
	if p.peek() == '&' && p.peekAt(1) == '&' {
		p.at += 2
		return true
	}
	return p.keyword("AND")
}

func (p *queryParser) orOperator() bool {
	if p.peek() == '|' && p.peekAt(1) == '|' {
		p.at += 2
		return true
	}
	return p.keyword("OR")
}

func (p *queryParser) orAhead() bool {
	at := p.at
	ok := p.orOperator()
	p.at = at
	return ok
}

// clause reads signs and what they apply to. Two negations cancel out.
func (p *queryParser) clause(t target) (Node, error) {
	negated := false
	start := -1
	for {
		p.skipSpace()
		if start < 0 {
			start = p.at
		}
		switch c := p.peek(); {
		case c == '-' || c == '!':
			p.at++
			negated = !negated
			continue
		case c == '+':
			p.at++
			continue
		case p.keyword("NOT"):
			negated = !negated
			continue
		}
		break
	}
	n, err := p.operand(t)
	if err != nil {
		return nil, err
	}
	if negated {
		return negate(At(start), n), nil
	}
	return n, nil
}

func negate(at At, n Node) Node {
	if inner, ok := n.(Negation); ok {
		return inner.Node
	}
	return Negation{at, n}
}

// operand reads a parenthesis or a term.
func (p *queryParser) operand(t target) (Node, error) {
	switch c := p.peek(); {
	case p.atEnd():
		return nil, p.errorf(p.at, endsEarly, `for a literal operator, put a \ before it`)
	case c == ')':
		return nil, p.errorf(p.at, "expected a term before this parenthesis", `write \) for a literal one`)
	case c == '(':
		return p.group(t)
	case c == '&' && p.peekAt(1) == '&', c == '|' && p.peekAt(1) == '|':
		return nil, p.errorf(p.at, termBefore+string([]byte{c, c}), `put a \ before it to search for it`)
	}
	for _, word := range []string{"AND", "OR"} {
		if at := p.at; p.keyword(word) {
			return nil, p.errorf(at, termBefore+word, `write \`+word+` to search for the word`)
		}
	}
	if p.terms++; p.terms > MaxTerms {
		return nil, p.errorf(p.at, fmt.Sprintf("more than %d terms", MaxTerms), "")
	}
	return p.term(t)
}

func (p *queryParser) group(t target) (Node, error) {
	start := p.at
	if p.depth++; p.depth > MaxDepth {
		return nil, p.errorf(start, fmt.Sprintf("parentheses are nested more than %d deep", MaxDepth), "")
	}
	p.at++
	if p.skipSpace(); p.peek() == ')' {
		return nil, p.errorf(start, nothingIn, `write \( and \) for literal ones`)
	}
	n, err := p.or(t)
	if err != nil {
		return nil, err
	}
	if p.atEnd() {
		return nil, p.errorf(start, neverClosed, `add a ) or write \( for a literal one`)
	}
	p.at++
	p.depth--
	return n, nil
}

// term reads `field:value`, or a value for the target at hand.
func (p *queryParser) term(t target) (Node, error) {
	start := p.at
	switch p.peek() {
	case '"', '[', '{', '<', '>':
		return p.value(t, start, ":")
	case ':':
		return nil, p.errorf(start, "expected a field before the colon", `write \: for a literal one`)
	}
	word, err := p.word(":")
	if err != nil {
		return nil, err
	}
	switch {
	case p.peek() == ':':
		return p.field(word, start)
	case p.peek() == '(':
		return p.function(string(word), start)
	}
	return p.pattern(t, start, word)
}

// field reads what follows the colon of `name:`.
func (p *queryParser) field(name Pattern, start int) (Node, error) {
	t, err := p.target(name, start)
	if err != nil {
		return nil, err
	}
	p.at++
	shown := p.text[start:p.at]
	switch c := p.peek(); {
	case p.atEnd() || c == ')':
		return nil, p.errorf(p.at, valueAfter+clip(shown), `write \: for a literal colon, or :* for any value`)
	case isSpace(c):
		return nil, p.errorf(p.at, valueAfter+clip(shown), "the value follows the colon without a space")
	case c == '(':
		return p.group(t)
	}
	return p.value(t, start, "")
}

func (p *queryParser) target(name Pattern, start int) (target, error) {
	switch name {
	case "*", "_default_":
		if name == "*" {
			return target{kind: targetEverywhere}, nil
		}
		return target{}, nil
	case "_exists_":
		return target{kind: targetExists}, nil
	case "_missing_":
		return target{kind: targetMissing}, nil
	}
	f, err := p.fieldName(name, start)
	if f == (schema.Field{Kind: schema.FieldReserved, Name: "message"}) {
		// Its words are those of a bare term; its ranges keep the field.
		return target{}, err
	}
	return target{targetField, f}, err
}

// fieldName reads a field reference. `#x`, a calculated field, is an attribute
// of that name: missing, unless an event carries it.
func (p *queryParser) fieldName(name Pattern, start int) (schema.Field, error) {
	text, literal := name.Literal()
	switch {
	case !literal:
		return schema.Field{}, p.errorf(start, "a field's name can't have wildcards", `write \* for a literal star; *:value searches all attributes`)
	case text == "" || text == "@":
		return schema.Field{}, p.errorf(start, "the field has no name", `write \: for a literal colon`)
	case strings.HasPrefix(text, "#"):
		return schema.Field{Kind: schema.FieldAttribute, Name: text}, nil
	}
	f := schema.ParseField(text)
	if p.inner && f.Kind != schema.FieldAttribute {
		return f, p.notOfElement(start, f.String())
	}
	return f, nil
}

// value reads a quoted text, a range, a comparison or a word.
func (p *queryParser) value(t target, start int, stop string) (Node, error) {
	switch p.peek() {
	case '"':
		text, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return p.pattern(t, start, LiteralPattern(text))
	case '[', '{':
		return p.rangeOf(t, start)
	case '<', '>':
		return p.comparison(t, start)
	}
	at := p.at
	word, err := p.word(stop)
	if err != nil {
		return nil, err
	}
	if word == "" {
		return nil, p.errorf(at, fmt.Sprintf("expected a value, found %q", p.peek()), `put a \ before it to search for it`)
	}
	if p.peek() == '(' {
		return nil, p.errorf(p.at, "a value can't be followed by a parenthesis", `put a space before it, or write \( for a literal one`)
	}
	return p.pattern(t, start, word)
}

// pattern makes the node for a word or quoted text.
func (p *queryParser) pattern(t target, start int, word Pattern) (Node, error) {
	at := At(start)
	if err := p.limits(t, start, word); err != nil {
		return nil, err
	}
	any := strings.Trim(string(word), "*") == "" && word != ""
	literal, isLiteral := word.Literal()
	switch t.kind {
	case targetMessage, targetEverywhere:
		if any {
			return MatchAll{at}, nil
		}
		if p.inner {
			return nil, p.notOfElement(start, "message")
		}
		return Words{At: at, Pattern: Pattern(tidy(word)), Everywhere: t.kind == targetEverywhere}, nil
	case targetExists, targetMissing:
		f, err := p.fieldName(word, start)
		if err != nil {
			return nil, err
		}
		if t.kind == targetMissing {
			return Negation{at, Exists{at, f}}, nil
		}
		return Exists{at, f}, nil
	}
	switch {
	case any:
		return Exists{at, t.field}, nil
	case isLiteral:
		return Equals{at, t.field, literal}, nil
	}
	return Like{at, t.field, tidy(word)}, nil
}

// limits refuses patterns that would make either reader slow.
func (p *queryParser) limits(t target, start int, word Pattern) error {
	if len(word) > maxWords && (t.kind == targetMessage || t.kind == targetEverywhere) {
		return p.errorf(start, fmt.Sprintf("this text has %d bytes, at most %d can be searched for", len(word), maxWords), "")
	}
	wildcards := 0
	for _, g := range word.glyphs() {
		if g.kind != glyphRune {
			wildcards++
		}
	}
	if wildcards > maxWildcards {
		return p.errorf(start, fmt.Sprintf("this pattern has %d wildcards, at most %d are allowed", wildcards, maxWildcards), "")
	}
	return nil
}

// tidy makes neighbouring stars one.
func tidy(p Pattern) Pattern {
	var b strings.Builder
	star := false
	for rest := string(p); rest != ""; {
		g, n := glyphAt(rest)
		if !star || g.kind != glyphRun {
			b.WriteString(rest[:n])
		}
		star = g.kind == glyphRun
		rest = rest[n:]
	}
	return Pattern(b.String())
}

// messageField is what ranges and comparisons without a field are about.
var messageField = schema.Field{Kind: schema.FieldReserved, Name: "message"}

// ranged is the field that a range or comparison applies to.
func (p *queryParser) ranged(t target, at int) (schema.Field, error) {
	switch t.kind {
	case targetField:
		return t.field, nil
	case targetMessage:
		if p.inner {
			return messageField, p.notOfElement(at, "message")
		}
		return messageField, nil
	}
	return schema.Field{}, p.errorf(at, "a range needs one field to apply to", "write it as @field:[1 TO 5]")
}

// rangeOf reads `[low TO high]`; a brace on either side leaves the bound out.
func (p *queryParser) rangeOf(t target, start int) (Node, error) {
	open := p.at
	field, err := p.ranged(t, open)
	if err != nil {
		return nil, err
	}
	lowInclusive := p.peek() == '['
	p.at++
	low, err := p.bound()
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	if !p.keyword("TO") {
		hint := "a range is written [1 TO 5]"
		if strings.HasPrefix(strings.ToUpper(p.text[p.at:min(len(p.text), p.at+2)]), "TO") {
			hint = "TO is written in capitals"
		}
		return nil, p.errorf(p.at, toExpected, hint)
	}
	high, err := p.bound()
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	c := p.peek()
	if p.atEnd() || c != ']' && c != '}' {
		return nil, p.errorf(p.at, "expected ] or } at the end of this range", "a range is written [1 TO 5]")
	}
	p.at++
	low.Inclusive = lowInclusive && !low.Open
	high.Inclusive = c == ']' && !high.Open
	if low.Open && high.Open {
		return Exists{At(start), field}, nil
	}
	return Range{At(start), field, low, high}, nil
}

// bound reads one end of a range.
func (p *queryParser) bound() (Bound, error) {
	p.skipSpace()
	at := p.at
	if p.peek() == '"' {
		return p.quotedBound()
	}
	word, err := p.word("]}")
	if err != nil {
		return Bound{}, err
	}
	if word == "*" {
		return Bound{Open: true}, nil
	}
	if word == "" {
		return Bound{}, p.errorf(at, "expected the end of a range", "a range is written [1 TO 5], an open end is *")
	}
	return Bound{Value: word.written()}, nil
}

func (p *queryParser) quotedBound() (Bound, error) {
	text, err := p.quoted()
	return Bound{Value: text, Quoted: IsNumber(text)}, err
}

// comparison reads `>x`, `>=x`, `<x`, `<=x`.
func (p *queryParser) comparison(t target, start int) (Node, error) {
	field, err := p.ranged(t, p.at)
	if err != nil {
		return nil, err
	}
	less := p.peek() == '<'
	p.at++
	inclusive := p.peek() == '='
	if inclusive {
		p.at++
	}
	for p.peek() == ' ' {
		p.at++
	}
	at := p.at
	var b Bound
	if p.peek() == '"' {
		b, err = p.quotedBound()
	} else {
		var word Pattern
		if word, err = p.word(""); err == nil {
			if b.Value = word.written(); word == "" || word == "*" {
				err = p.errorf(at, "expected a value to compare with", "quote it if it has special characters")
			}
		}
	}
	if err != nil {
		return nil, err
	}
	b.Inclusive = inclusive
	if less {
		return Range{At(start), field, Bound{Open: true}, b}, nil
	}
	return Range{At(start), field, b, Bound{Open: true}}, nil
}

// clip shortens text for an error message.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
