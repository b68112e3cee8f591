package search

import (
	"strings"

	"nightjar/schema"
)

// InAnyCase is the query of a rule with options.caseInsensitive: letter case
// counts neither in values nor in names of attributes. Values are compared as ICASE
// does, names by their ASCII letters. What equals a number, or lies in a range or a
// block, is compared as always.
func (q *Query) InAnyCase() *Query {
	return &Query{Root: rewrite(q.Root, insensitiveLeaf), Insensitive: true}
}

func insensitiveLeaf(n Node) Node {
	switch n := n.(type) {
	case Equals:
		if _, isNumber := parseNumber(n.Value); isNumber || n.Field.Name == "timestamp" && n.Field.Kind == schema.FieldReserved {
			n.Field = anyCase(n.Field)
			return n
		}
		return Folded{n.At, anyCase(n.Field), []Pattern{LiteralPattern(n.Value)}}
	case Like:
		return Folded{n.At, anyCase(n.Field), []Pattern{n.Pattern}}
	case Regexp:
		n.Expr = "(?i)" + n.Expr // in no group: a \Q may have no end
		n.Field = anyCase(n.Field)
		return n
	case Same:
		n.Field, n.Other = anyCase(n.Field), anyCase(n.Other)
		return n
	case Any:
		n.Field = anyCase(n.Field)
		n.Node = rewrite(n.Node, insensitiveLeaf)
		return n
	}
	if f, ok := FieldOf(n); ok {
		return asked(n, anyCase(f))
	}
	return n
}

func anyCase(f schema.Field) schema.Field {
	f.AnyCase = f.Kind == schema.FieldAttribute
	return f
}

// leavesAt gives the leaves at the field's path, or at every path that differs from
// it in the case of ASCII letters only, until one passes the test.
func leavesAt(f schema.Field, test func(*schema.Leaf) bool) func(*schema.Event) bool {
	if !f.AnyCase {
		return func(e *schema.Event) bool {
			leaves := e.Lookup(f.Name)
			for i := range leaves {
				if test(&leaves[i]) {
					return true
				}
			}
			return false
		}
	}
	name := lowerASCII(f.Name)
	return func(e *schema.Event) bool {
		for i := range e.Leaves {
			if l := &e.Leaves[i]; len(l.Path) == len(name) && equalLower(l.Path, name) && test(l) {
				return true
			}
		}
		return false
	}
}

// existsInAnyCase holds when there is a leaf at the path or below it.
func existsInAnyCase(path string) func(*schema.Event) bool {
	name := lowerASCII(path)
	return func(e *schema.Event) bool {
		for i := range e.Leaves {
			p := e.Leaves[i].Path
			if len(p) >= len(name) && equalLower(p[:len(name)], name) && (len(p) == len(name) || p[len(name)] == '.') {
				return true
			}
		}
		return false
	}
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// equalLower reports whether s, of the same length, is the text when its ASCII
// letters are small.
func equalLower(s, lower string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// ofAnyCase reports whether a leaf is about an attribute by any spelling. Any looks
// for itself.
func ofAnyCase(n Node) bool {
	if s, ok := n.(Same); ok {
		return s.Field.AnyCase || s.Other.AnyCase
	}
	f, ok := FieldOf(n)
	return ok && f.AnyCase
}

// inAnyCase writes a leaf that is about an attribute by any spelling: what columns
// there are would have to be known, so it is asked of the JSON, of such events only
// as have a text there that the leaf needs.
func (e *emitter) inAnyCase(n Node) (string, error) {
	if m, ok := n.(Measured); ok && m.Measure == MeasureCount {
		return e.measured(m), nil
	}
	if s, ok := n.(Same); ok && (s.Field.Kind != schema.FieldAttribute || s.Other.Kind != schema.FieldAttribute) {
		return e.sameInAnyCase(s), nil
	}
	test, err := e.ofDocumentValue().node(n)
	if err != nil {
		return "", err
	}
	return AllSQL(e.neededText(n), e.ofDocument(test)), nil
}

// sameInAnyCase compares an attribute by any spelling with a field that is none.
func (e *emitter) sameInAnyCase(s Same) string {
	if s.Other.Kind == schema.FieldAttribute {
		s.Field, s.Other = s.Other, s.Field
	}
	return haveSame(e.ofDocument(e.ofDocumentValue().texts(s.Field)), ValuesSQL(s.Other, e.p))
}

// neededText is a fast search of the JSON for what the leaf cannot do without: of
// the last name in its path, and of its value where that is one text, the longest
// piece that is written as it is.
func (e *emitter) neededText(n Node) string {
	f, ok := FieldOf(n)
	if !ok || f.Kind != schema.FieldAttribute {
		return "true"
	}
	var guards []string
	add := func(text string) {
		if text = longestPlain(text); len(text) > 1 {
			guards = append(guards, e.contains("raw", []string{text}))
		}
	}
	add(f.Name[strings.LastIndexByte(f.Name, '.')+1:])
	if folded, ok := n.(Folded); ok && len(folded.Patterns) == 1 {
		if text, literal := folded.Patterns[0].Literal(); literal {
			add(text)
		}
	}
	return AllSQL(guards...)
}

// longestPlain is the longest run of ASCII letters and digits in a text but k and s,
// which are not alone in their case.
func longestPlain(text string) string {
	longest := ""
	for _, run := range strings.FieldsFunc(text, func(r rune) bool {
		return r >= 0x80 || !isWordRune(r) || r|0x20 == 'k' || r|0x20 == 's'
	}) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return longest
}
