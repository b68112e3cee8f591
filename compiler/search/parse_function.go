package search

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"nightjar/schema"
)

// function reads what follows the name of one, from the parenthesis on. A name
// without a parenthesis is a word like any other.
func (p *queryParser) function(name string, start int) (Node, error) {
	switch name {
	case "CIDR":
		return p.network(start)
	case "ICASE":
		return p.folded(start)
	case "REGEX":
		return p.regexp(start)
	case "ANY":
		return p.any(start)
	case "SAME":
		return p.same(start)
	case "LENGTH":
		return p.measured(start, MeasureLength)
	case "COUNT":
		return p.measured(start, MeasureCount)
	}
	return nil, p.errorf(p.at, "a word can't be followed by a parenthesis", functionHint(name))
}

// Functions are the functions of the search language, and how each is written.
var Functions = map[string]string{
	"CIDR":   "CIDR(@network.client.ip, 10.0.0.0/8)",
	"ICASE":  "ICASE(@usr.name, admin*, root)",
	"REGEX":  `REGEX(@http.url, "^/api/v[0-9]+/")`,
	"ANY":    "ANY(@authorizationInfo, @permission:x @granted:false)",
	"SAME":   "SAME(@usr.name, @target.name)",
	"LENGTH": "LENGTH(@dns.question.name) > 100",
	"COUNT":  "COUNT(@resources) > 10",
}

// openFunction reads the parenthesis and the field that every function begins with.
func (p *queryParser) openFunction() (schema.Field, error) {
	p.at++
	return p.argumentField()
}

func (p *queryParser) argumentField() (schema.Field, error) {
	p.skipSpace()
	at := p.at
	name, err := p.word(",")
	if err != nil {
		return schema.Field{}, err
	}
	return p.fieldName(name, at)
}

// notOfElement refuses a term that elements of arrays have nothing for.
func (p *queryParser) notOfElement(at int, what string) error {
	return p.errorf(at, "an element of an array has no "+clip(what), "inside ANY( … ) write @path:value, where the path begins at the element")
}

// more reads what separates arguments: false where the function ends.
func (p *queryParser) more(name string) (bool, error) {
	p.skipSpace()
	switch p.peek() {
	case ',':
		p.at++
		p.skipSpace()
		return true, nil
	case ')':
		p.at++
		return false, nil
	}
	return false, p.errorf(p.at, "expected a comma or a closing parenthesis", "write "+Functions[name])
}

// first is more, where there has to be an argument.
func (p *queryParser) first(name, what string) error {
	at := p.at
	more, err := p.more(name)
	if err == nil && !more {
		err = p.errorf(at, "expected "+what, "write "+Functions[name])
	}
	return err
}

// arguments reads those after the field, one or more, each of which is a term.
func (p *queryParser) arguments(name, what string, read func() error) error {
	if err := p.first(name, what); err != nil {
		return err
	}
	for more := true; more; {
		err := read()
		if err != nil {
			return err
		}
		if p.terms++; p.terms > MaxTerms {
			return p.errorf(p.at, fmt.Sprintf("more than %d terms", MaxTerms), "")
		}
		if more, err = p.more(name); err != nil {
			return err
		}
	}
	return nil
}

// network reads `CIDR(@field, block, …)`.
func (p *queryParser) network(start int) (Node, error) {
	f, err := p.openFunction()
	if err != nil {
		return nil, err
	}
	n := Network{At: At(start), Field: f}
	err = p.arguments("CIDR", "a network block", func() error {
		block, err := p.block()
		n.Blocks = append(n.Blocks, block)
		return err
	})
	return n, err
}

// block reads a network block; a single address is a block of one.
func (p *queryParser) block() (netip.Prefix, error) {
	p.skipSpace()
	at := p.at
	var text string
	var err error
	if p.peek() == '"' {
		text, err = p.quoted()
	} else {
		var word Pattern
		word, err = p.word(",")
		text, _ = word.Literal()
	}
	if err != nil {
		return netip.Prefix{}, err
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.Prefix{}, p.errorf(at, fmt.Sprintf("%q is no network block", clip(text)), "write it as 10.0.0.0/8 or 2001:db8::/32")
}

// folded reads `ICASE(@field, pattern, …)`.
func (p *queryParser) folded(start int) (Node, error) {
	f, err := p.openFunction()
	if err != nil {
		return nil, err
	}
	n := Folded{At: At(start), Field: f}
	err = p.arguments("ICASE", "a pattern to compare with", func() error {
		pattern, err := p.argumentPattern()
		n.Patterns = append(n.Patterns, pattern)
		return err
	})
	return n, err
}

// argumentPattern reads a quoted text or a bare pattern.
func (p *queryParser) argumentPattern() (Pattern, error) {
	at := p.at
	if p.peek() == '"' {
		text, err := p.quoted()
		return LiteralPattern(text), err
	}
	word, err := p.word(",")
	if err != nil {
		return "", err
	}
	if word == "" {
		return "", p.errorf(at, "expected a pattern", `quote it if it has special characters`)
	}
	return tidy(word), p.limits(target{kind: targetField}, at, word)
}

// regexp reads `REGEX(@field, "expression")`.
func (p *queryParser) regexp(start int) (Node, error) {
	f, err := p.openFunction()
	if err != nil {
		return nil, err
	}
	if err := p.first("REGEX", "an expression"); err != nil {
		return nil, err
	}
	at := p.at
	if p.peek() != '"' {
		return nil, p.errorf(at, "expected an expression in quotes", "write "+Functions["REGEX"])
	}
	expr, err := p.verbatim()
	if err != nil {
		return nil, err
	}
	if err := checkRegexp(expr); err != nil {
		return nil, p.errorf(at, err.Error(), "the syntax is RE2's: without look-around and back-references")
	}
	end := p.at
	more, err := p.more("REGEX")
	if err == nil && more {
		err = p.errorf(end, "REGEX takes one expression", "join two as (?:a|b)")
	}
	return Regexp{At(start), f, expr}, err
}

// verbatim reads a quoted text in which a backslash is itself, but before a quote:
// what an expression says is written as it is everywhere else.
func (p *queryParser) verbatim() (string, error) {
	start := p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return b.String(), nil
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
			if p.text[p.at] != '"' {
				b.WriteByte('\\')
			}
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.errorf(start, quoteOpen, `add a " or write \" for a literal quote`)
}

// any reads `ANY(@array, query)`.
func (p *queryParser) any(start int) (Node, error) {
	f, err := p.openFunction()
	if err != nil {
		return nil, err
	}
	if f.Kind != schema.FieldAttribute {
		return nil, p.errorf(start, "ANY looks into an array among the attributes", "write "+Functions["ANY"])
	}
	if n := strings.Count(f.Name, "."); n > maxElementDots {
		return nil, p.errorf(start, fmt.Sprintf("this path has more than %d dots", maxElementDots), "")
	}
	if err := p.first("ANY", "a query for the elements"); err != nil {
		return nil, err
	}
	if p.depth++; p.depth > MaxDepth {
		return nil, p.errorf(start, fmt.Sprintf("nested more than %d deep", MaxDepth), "")
	}
	if p.elements++; p.elements > MaxAnyDepth {
		return nil, p.errorf(start, fmt.Sprintf("ANY in more than %d others", MaxAnyDepth-1), "")
	}
	outer := p.inner
	p.inner = true
	node, err := p.or(target{})
	p.inner = outer
	if err != nil {
		return nil, err
	}
	if p.atEnd() {
		return nil, p.errorf(start, neverClosed, "write "+Functions["ANY"])
	}
	p.at++
	p.depth--
	p.elements--
	return Any{At(start), f, node}, nil
}

// same reads `SAME(@field, @other)`.
func (p *queryParser) same(start int) (Node, error) {
	f, err := p.openFunction()
	if err != nil {
		return nil, err
	}
	if err := p.first("SAME", "a second field"); err != nil {
		return nil, err
	}
	other, err := p.argumentField()
	if err != nil {
		return nil, err
	}
	end := p.at
	more, err := p.more("SAME")
	if err == nil && more {
		err = p.errorf(end, "SAME compares two fields", "write "+Functions["SAME"])
	}
	return Same{At(start), f, other}, err
}

// measured reads `LENGTH(@field) > 5`.
func (p *queryParser) measured(start int, m Measure) (Node, error) {
	f, err := p.openFunction()
	if err != nil {
		return nil, err
	}
	if m == MeasureCount && strings.Count(f.Name, ".") > maxElementDots {
		return nil, p.errorf(start, fmt.Sprintf("this path has more than %d dots", maxElementDots), "")
	}
	end := p.at
	more, err := p.more(m.String())
	if err == nil && more {
		err = p.errorf(end, m.String()+" takes one field", "write "+Functions[m.String()])
	}
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	at := p.at
	op := ""
	for _, o := range []string{">=", "<=", ">", "<", "==", "="} {
		if strings.HasPrefix(p.text[p.at:], o) {
			op = o
			break
		}
	}
	if op == "" {
		return nil, p.errorf(at, "expected >, >=, <, <= or = and a number", "write "+Functions[m.String()])
	}
	p.at += len(op)
	p.skipSpace()
	at = p.at
	word, err := p.word("")
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseInt(string(word), 10, 64)
	if err != nil {
		return nil, p.errorf(at, "expected a whole number to compare with", "write "+Functions[m.String()])
	}
	return Measured{At(start), f, m, strings.Replace(op, "==", "=", 1), number}, nil
}

// functionHint says what is wrong with a word that a parenthesis follows.
func functionHint(name string) string {
	if written := Functions[strings.ToUpper(name)]; written != "" {
		return strings.ToUpper(name) + " is written in capitals: " + written
	}
	var names []string
	for n := range Functions {
		names = append(names, n)
	}
	slices.Sort(names)
	if near := schema.Closest(strings.ToUpper(name), names, 2); near != "" {
		return "did you mean " + Functions[near] + "?"
	}
	return `put a space before it, or write \( for a literal one`
}
