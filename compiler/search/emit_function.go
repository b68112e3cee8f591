package search

import (
	"slices"
	"strings"
	"unicode/utf8"

	"nightjar/schema"
)

func (e *emitter) folded(n Folded) string {
	test := func(x string) string { return e.foldedTest(x, n.Patterns) }
	return e.anyText(n.Field, test, test, foldedTest(n.Patterns))
}

// foldedTest writes the test whether x fits one of the patterns in any case. Of
// ASCII letters only k and s are made one with others, so texts of ASCII are looked
// up after x is made such; all else is an expression, which costs more.
func (e *emitter) foldedTest(x string, patterns []Pattern) string {
	var literals, parts []string
	var others []Pattern
	for _, p := range patterns {
		if text, ok := p.Literal(); ok && isASCII(text) {
			literals = append(literals, foldText(text))
		} else {
			others = append(others, p)
		}
	}
	if len(literals) > 0 {
		ascii := "replaceAll(replaceAll(" + x + ", " + e.p.String("\u017f") + ", " + e.p.String("s") + "), " + e.p.String("\u212a") + ", " + e.p.String("k") + ")"
		parts = append(parts, e.in("lower("+ascii+")", literals))
	}
	for part := range slices.Chunk(others, maxTokens) {
		parts = append(parts, e.wholeMatch(x, part, func(b *strings.Builder, r rune) { writeRegexpRune(b, r, true) }))
	}
	return AnySQL(parts...)
}

func (e *emitter) regexp(n Regexp) (string, error) {
	test, err := e.regexpTest(n.Expr)
	if err != nil {
		return "", err
	}
	return e.anyText(n.Field, test, test, regexpTest(n.Expr)), nil
}

// regexpTest writes the test whether the expression is found in x. The server looks
// for the text that it needs by itself.
func (e *emitter) regexpTest(expr string) (func(x string) string, error) {
	tree, err := parseRegexp(expr)
	if err != nil {
		return nil, err
	}
	// The server's `.` is any character unless an expression says otherwise, as ours
	// always does.
	plain := e.p.String(plainRegexp(tree))
	return func(x string) string { return "match(" + x + ", " + plain + ")" }, nil
}

func (e *emitter) same(n Same) string {
	return haveSame(ValuesSQL(n.Field, e.p), ValuesSQL(n.Other, e.p))
}

// haveSame holds when two lists of texts have one in common. (hasAny compares each
// with each.)
func haveSame(a, b string) string { return "notEmpty(arrayIntersect(" + a + ", " + b + "))" }

// compared compares an expression of the size with the number.
func (e *emitter) compared(n Measured, size string) string {
	return "(" + size + " " + n.Op + " " + e.p.Int(n.Number) + ")"
}

func (e *emitter) measured(n Measured) string {
	compare := func(size string) string { return e.compared(n, size) }
	switch {
	case n.Measure == MeasureLength:
		test := func(x string) string { return compare("lengthUTF8(" + x + ")") }
		return e.anyText(n.Field, test, test, func(text string) bool { return n.Holds(int64(utf8.RuneCountInString(text))) })
	case n.Field.Kind == schema.FieldAttribute:
		return AllSQL(e.mayHave(n), compare(e.countOf(n.Field)))
	case n.Field.Kind == schema.FieldReserved && n.Field.Name == "tags":
		return compare("length(tags)")
	case n.Field.Kind == schema.FieldTag:
		return compare("arrayCount(t -> startsWith(t, " + e.p.String(n.Field.Name+":") + "), tags)")
	case n.Field.Name == "timestamp":
		return compare("1")
	}
	return compare("(" + n.Field.Name + " != '')")
}

// mayHave is false for events whose count is 0 for lack of the path's first key,
// where 0 is not what is asked for: it saves their JSON from being read.
func (e *emitter) mayHave(n Measured) string {
	head, _, _ := strings.Cut(n.Field.Name, ".")
	if n.Holds(0) || n.Field.AnyCase || !isWordText(head) || head == "" {
		return "true"
	}
	return "(position(raw, " + e.p.String(head) + ") > 0)"
}

// anyElement asks the elements of those events that what must hold of them together
// leaves.
func (e *emitter) anyElement(n Any) (string, error) {
	guard, err := e.node(relaxed(n))
	if err != nil {
		return "", err
	}
	inner, err := e.elements(n)
	return AllSQL(guard, inner), err
}
