package search

import (
	"fmt"
	"slices"
	"strings"

	"nightjar/schema"
)

// texts writes a test of the text of the field's values. The test must be a
// function of its argument alone, and NULL or 0 where that is NULL.
func (e *emitter) texts(f schema.Field, test func(x string) string) string {
	switch {
	case f.Kind == schema.FieldAttribute:
		a := e.attribute(f.Name)
		return AnySQL(a.texts(test, func(array string) string { return arrayExists(array, test) })...)
	case f.Kind == schema.FieldTag:
		key := f.Name + ":"
		return "arrayExists(t -> (startsWith(t, " + e.p.String(key) + ") AND " +
			test(fmt.Sprintf("substring(t, %s)", e.p.Int(int64(len(key)+1)))) + "), tags)"
	case f.Name == "tags":
		return "arrayExists(t -> " + test("t") + ", tags)"
	case f.Name == "timestamp":
		return test("toString(toUnixTimestamp64Milli(timestamp))")
	}
	return AllSQL("("+f.Name+" != '')", test(f.Name))
}

func arrayExists(array string, test func(x string) string) string {
	return "arrayExists(v -> " + NotNullSQL(test("v")) + ", " + array + ")"
}

// like holds when the text of a value of the field fits one of the patterns.
func (e *emitter) like(f schema.Field, patterns []Pattern) string {
	texts := func(x string) string { return e.fits(x, patterns) }
	numbers := func(x string) string { return "false" }
	if ofNumbers := fitting(patterns, "0123456789+-.e"); len(ofNumbers) > 0 {
		numbers = func(x string) string { return e.fits(x, ofNumbers) }
	}
	return e.anyText(f, texts, numbers, func(text string) bool {
		return slices.ContainsFunc(patterns, func(p Pattern) bool { return newWholeText(p).match(text) })
	})
}

// anyText writes a test of the texts of all values of the field: of strings, of
// numbers (false where no number can pass), and of true and false, in memory.
func (e *emitter) anyText(f schema.Field, texts, numbers func(x string) string, fits func(text string) bool) string {
	sql := e.texts(f, texts)
	if _, typed := schema.Typed(f.Name); f.Kind != schema.FieldAttribute || typed {
		return sql
	}
	a := e.attribute(f.Name)
	parts := []string{sql}
	if numbers("x") != "false" {
		test := func(x string) string { return numbers("toString(" + x + ")") }
		parts = append(parts, variantTest(a, schema.OneInt, test)...)
		parts = append(parts, variantTest(a, schema.OneFloat, test)...)
	}
	return AnySQL(append(parts, boolIs(a, fits("true"), fits("false"))...)...)
}

// fitting are the patterns whose text is made of these characters only.
func fitting(patterns []Pattern, alphabet string) []Pattern {
	var out []Pattern
	for _, p := range patterns {
		fits := true
		for _, g := range p.glyphs() {
			fits = fits && (g.kind != glyphRune || strings.ContainsRune(alphabet, g.r))
		}
		if fits {
			out = append(out, p)
		}
	}
	return out
}

// maxNeedles is how many texts multiSearchAny takes.
const maxNeedles = 255

// fits writes the test whether x fits one of the patterns. Those of the form
// `*text*`, the most frequent, are looked for together.
func (e *emitter) fits(x string, patterns []Pattern) string {
	var parts, needles []string
	var others []Pattern
	for _, p := range patterns {
		if needle, ok := contained(p); ok && len(patterns) > 1 {
			needles = append(needles, needle)
			continue
		}
		others = append(others, p)
	}
	for part := range slices.Chunk(needles, maxNeedles) {
		parts = append(parts, "multiSearchAny("+x+", "+e.p.Strings(part)+")")
	}
	return AnySQL(append(parts, e.likes(x, others)...)...)
}

// likes writes the tests of patterns of any form. Many are looked for together, like
// words, those that need a text after a search for it.
func (e *emitter) likes(x string, patterns []Pattern) (parts []string) {
	if len(patterns) <= maxTokens {
		for _, p := range patterns {
			parts = append(parts, "("+x+" LIKE "+e.p.String(likePattern(p))+")")
		}
		return parts
	}
	for part := range slices.Chunk(patterns, maxTokens) {
		var needles []string
		for _, p := range part {
			if needle := longestASCII(p.glyphs()); needle != "" {
				needles = append(needles, needle)
			}
		}
		guard := "true"
		if len(needles) == len(part) {
			guard = "multiSearchAny(" + x + ", " + e.p.Strings(needles) + ")"
		}
		parts = append(parts, AllSQL(guard, e.wholeMatch(x, part, writeLiteral)))
	}
	return parts
}

// wholeMatch writes the test whether all of x fits one of the patterns, whose letters
// write gives as expressions.
func (e *emitter) wholeMatch(x string, patterns []Pattern, write func(*strings.Builder, rune)) string {
	var b strings.Builder
	b.WriteString(`(?s)\A(?:`)
	for i, p := range patterns {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, g := range p.glyphs() {
			switch g.kind {
			case glyphRun:
				b.WriteString(".*")
			case glyphAny:
				b.WriteByte('.')
			default:
				write(&b, g.r)
			}
		}
	}
	b.WriteString(`)\z`)
	return "match(" + x + ", " + e.p.String(b.String()) + ")"
}

// contained is the text of a pattern of the form `*text*`.
func contained(p Pattern) (string, bool) {
	glyphs := p.glyphs()
	if len(glyphs) < 3 || glyphs[0].kind != glyphRun || glyphs[len(glyphs)-1].kind != glyphRun {
		return "", false
	}
	var b strings.Builder
	for _, g := range glyphs[1 : len(glyphs)-1] {
		if g.kind != glyphRune {
			return "", false
		}
		b.WriteRune(g.r)
	}
	return b.String(), true
}

// likePattern is the pattern in the language of LIKE.
func likePattern(p Pattern) string {
	var b strings.Builder
	for _, g := range p.glyphs() {
		switch {
		case g.kind == glyphRun:
			b.WriteByte('%')
		case g.kind == glyphAny:
			b.WriteByte('_')
		case g.r == '%' || g.r == '_' || g.r == '\\':
			b.WriteByte('\\')
			b.WriteRune(g.r)
		default:
			b.WriteRune(g.r)
		}
	}
	return b.String()
}
