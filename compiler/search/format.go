package search

import (
	"strconv"
	"strings"

	"nightjar/schema"
)

// String is the canonical text of the query: parsing it gives the same tree,
// positions aside.
func (q *Query) String() string {
	var f formatter
	f.node(q.Root, levelOr)
	return f.b.String()
}

// The levels at which a node can stand without parentheses.
type formatLevel uint8

const (
	levelOr formatLevel = iota
	levelAnd
	levelClause
)

type formatter struct{ b strings.Builder }

// node writes n where a node of at least this level may stand.
func (f *formatter) node(n Node, level formatLevel) {
	switch n := n.(type) {
	case MatchAll:
		f.b.WriteString("*:*")
	case Conjunction:
		f.list(n.Nodes, " ", levelAnd, level)
	case Disjunction:
		f.list(n.Nodes, " OR ", levelOr, level)
	case Negation:
		f.b.WriteByte('-')
		f.node(n.Node, levelClause)
	default:
		if field, ok := fieldOf(n); ok {
			f.field(field)
			f.b.WriteByte(':')
		}
		f.value(n)
	}
}

// list writes nodes in a row; those that are all about one field share its name.
func (f *formatter) list(nodes []Node, operator string, own, level formatLevel) {
	field, shared := sharedField(nodes)
	if shared {
		f.field(field)
		f.b.WriteByte(':')
	}
	if shared || level > own {
		f.b.WriteByte('(')
		defer f.b.WriteByte(')')
	}
	for i, n := range nodes {
		if i > 0 {
			f.b.WriteString(operator)
		}
		if !shared {
			f.node(n, own+1)
			continue
		}
		if inner, negated := n.(Negation); negated {
			f.b.WriteByte('-')
			n = inner.Node
		}
		f.value(n)
	}
}

// sharedField is the field that all of the nodes, or what they negate, are
// about. Ranges of the message have no shared form: their field is written.
func sharedField(nodes []Node) (schema.Field, bool) {
	var shared schema.Field
	for i, n := range nodes {
		if inner, negated := n.(Negation); negated {
			n = inner.Node
		}
		field, ok := fieldOf(n)
		if _, network := n.(Network); !ok || network || i > 0 && field != shared {
			return shared, false
		}
		shared = field
	}
	return shared, shared != messageField
}

// fieldOf is the field whose name and a colon stand before the node's value.
func fieldOf(n Node) (schema.Field, bool) {
	switch n := n.(type) {
	case Equals:
		return n.Field, true
	case Like:
		return n.Field, true
	case Range:
		return n.Field, true
	}
	return schema.Field{}, false
}

// value writes a leaf of the tree without the field's name.
func (f *formatter) value(n Node) {
	switch n := n.(type) {
	case Words:
		if n.Everywhere {
			f.b.WriteString("*:")
		}
		f.pattern(n.Pattern)
	case Equals:
		f.text(n.Value)
	case Like:
		f.pattern(n.Pattern)
	case Range:
		f.bounds(n)
	case Exists:
		f.b.WriteString("_exists_:")
		f.field(n.Field)
	case Network:
		f.b.WriteString("CIDR(")
		f.field(n.Field)
		for _, b := range n.Blocks {
			f.b.WriteString(", ")
			f.b.WriteString(b.String())
		}
		f.b.WriteByte(')')
	default:
		f.function(n)
	}
}

// function writes the functions that take more than a field and blocks.
func (f *formatter) function(n Node) {
	switch n := n.(type) {
	case Folded:
		f.b.WriteString("ICASE(")
		f.field(n.Field)
		for _, p := range n.Patterns {
			f.b.WriteString(", ")
			f.argument(p)
		}
	case Regexp:
		f.b.WriteString("REGEX(")
		f.field(n.Field)
		f.b.WriteString(`, "` + strings.ReplaceAll(n.Expr, `"`, `\"`) + `"`)
	case Any:
		f.b.WriteString("ANY(")
		f.field(n.Field)
		f.b.WriteString(", ")
		f.node(n.Node, levelOr)
	case Same:
		f.b.WriteString("SAME(")
		f.field(n.Field)
		f.b.WriteString(", ")
		f.field(n.Other)
	case Measured:
		f.b.WriteString(n.Measure.String() + "(")
		f.field(n.Field)
		f.b.WriteString(") " + n.Op + " " + strconv.FormatInt(n.Number, 10))
		return
	}
	f.b.WriteByte(')')
}

// argument writes a pattern between commas.
func (f *formatter) argument(p Pattern) {
	if text, literal := p.Literal(); literal && !isPlain(text) || literal && strings.IndexByte(text, ',') >= 0 {
		f.quoted(text)
		return
	}
	var inner formatter
	inner.pattern(p)
	f.b.WriteString(strings.ReplaceAll(inner.b.String(), ",", `\,`))
}

func (f *formatter) bounds(r Range) {
	switch {
	case r.High.Open:
		f.b.WriteByte('>')
		f.comparison(r.Low)
		return
	case r.Low.Open:
		f.b.WriteByte('<')
		f.comparison(r.High)
		return
	}
	open, end := byte('{'), byte('}')
	if r.Low.Inclusive {
		open = '['
	}
	if r.High.Inclusive {
		end = ']'
	}
	f.b.WriteByte(open)
	f.bound(r.Low)
	f.b.WriteString(" TO ")
	f.bound(r.High)
	f.b.WriteByte(end)
}

func (f *formatter) comparison(b Bound) {
	if b.Inclusive {
		f.b.WriteByte('=')
	}
	f.bound(b)
}

// bound writes the value of a bound: a number literal in quotes or without, for
// that makes a difference.
func (f *formatter) bound(b Bound) {
	switch {
	case !IsNumber(b.Value):
		f.text(b.Value)
	case b.Quoted:
		f.quoted(b.Value)
	default:
		f.b.WriteString(b.Value)
	}
}

// text writes literal text: bare where that is plain to read, else quoted.
func (f *formatter) text(s string) {
	if isPlain(s) {
		f.b.WriteString(s)
		return
	}
	f.quoted(s)
}

func (f *formatter) quoted(s string) {
	f.b.WriteByte('"')
	f.b.WriteString(quoteEscaper.Replace(s))
	f.b.WriteByte('"')
}

var quoteEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// isPlain reports whether the text can stand bare wherever a value can.
func isPlain(s string) bool {
	switch s {
	case "", "AND", "OR", "NOT", "TO":
		return false
	}
	if Functions[s] != "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c >= 0x80
		if !letter && (i == 0 || strings.IndexByte("-.,/@=%+;'$", c) < 0) && c != '_' {
			return false
		}
	}
	return true
}

// pattern writes a pattern bare, unless it is literal text.
func (f *formatter) pattern(p Pattern) {
	if text, literal := p.Literal(); literal {
		f.text(text)
		return
	}
	if p[0] == '-' { // at the front it would negate
		f.b.WriteByte('\\')
	}
	for rest := string(p); rest != ""; {
		g, n := glyphAt(rest)
		if g.kind == glyphRune {
			f.escaped(g.r)
		} else {
			f.b.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
}

func (f *formatter) escaped(r rune) {
	if r < 0x80 && (isSpace(byte(r)) || strings.IndexByte(special, byte(r)) >= 0 && strings.IndexByte("-./@,=", byte(r)) < 0) {
		f.b.WriteByte('\\')
	}
	f.b.WriteRune(r)
}

// field writes a field's name.
func (f *formatter) field(field schema.Field) {
	name := field.Name
	if field.Kind == schema.FieldAttribute && !strings.HasPrefix(name, "#") {
		f.b.WriteByte('@')
	}
	for i, r := range name {
		switch {
		case i == 0 && r == '#' && field.Kind == schema.FieldAttribute:
			f.b.WriteByte('#')
		case i == 0 && field.Kind == schema.FieldTag && (r == '-' || r == '@' || r == '#' || r == '_'):
			f.b.WriteByte('\\')
			f.b.WriteRune(r)
		case r == ',':
			f.b.WriteString(`\,`)
		default:
			f.escaped(r)
		}
	}
}
