package search

import (
	"slices"
	"strings"
	"unicode/utf8"

	"nightjar/schema"
)

// words looks in the message and, with Everywhere, in the attributes.
func (e *emitter) words(w Words) string {
	if w.In != "" {
		return e.texts(schema.Field{Name: w.In}, func(x string) string { return e.wordsIn(x, messageGlyphs(w.Pattern)) })
	}
	message := e.message([]Pattern{w.Pattern})
	if !w.Everywhere {
		return message
	}
	return AnySQL(message, e.anyValue([]Pattern{w.Pattern}))
}

// wordsIn holds when the glyphs are found in the text x.
func (e *emitter) wordsIn(x string, glyphs []glyph) string {
	if len(glyphs) == 0 {
		return "true"
	}
	return "match(" + x + ", " + e.p.String("(?s)"+messageRegexp(glyphs)) + ")"
}

// message holds when one of the patterns is found in the message. A search for
// words or plain text that they need goes first: the server looks words up in an
// index, and searches plain text many times faster than it runs an expression.
func (e *emitter) message(patterns []Pattern) string {
	var plain, single, parts []string
	var chunk messageChunk
	for _, p := range patterns {
		glyphs := messageGlyphs(p)
		if len(glyphs) == 0 {
			return "true"
		}
		if needle, ok := contained(p); ok && isASCII(needle) {
			plain = append(plain, needle)
			continue
		}
		if word, ok := singleWord(glyphs); ok && len(patterns) > maxTokens {
			single = append(single, word)
			continue
		}
		re := messageRegexp(glyphs)
		if len(chunk.regexps) > 0 && chunk.size+len(re) > maxRegexp || len(chunk.needles) == maxNeedles {
			parts = append(parts, e.messageChunk(chunk))
			chunk = messageChunk{}
		}
		chunk.regexps = append(chunk.regexps, re)
		chunk.size += len(re)
		if needle := longestASCII(glyphs); needle != "" {
			chunk.needles = append(chunk.needles, needle)
		}
		if tokens := wholeTokens(glyphs); len(tokens) > 0 {
			chunk.tokens = append(chunk.tokens, tokens)
		}
	}
	if len(chunk.regexps) > 0 {
		parts = append(parts, e.messageChunk(chunk))
	}
	for part := range slices.Chunk(plain, maxNeedles) {
		parts = append(parts, e.contains("message", part))
	}
	if len(single) > 0 {
		parts = append(parts, "arrayExists(w -> w IN "+e.p.Strings(single)+", extractAll(lower(message), "+e.p.String(wordRun)+"))")
	}
	return AnySQL(parts...)
}

// wordRun is a run of what words are made of.
const wordRun = "[^\x00-/:-@\\[-\\^`{-\x7f]+"

// singleWord is the word, in lower case, that the glyphs are: ASCII, and all of it of
// what words are made of. A message has it when it is one of its runs of those.
func singleWord(glyphs []glyph) (string, bool) {
	word := make([]byte, 0, len(glyphs))
	for _, g := range glyphs {
		if g.kind != glyphRune || g.r >= utf8.RuneSelf || !isWordRune(g.r) {
			return "", false
		}
		word = append(word, byte(foldRune(g.r)))
	}
	return string(word), true
}

// messageChunk are expressions that are looked for together, and the text and
// the tokens that each of them needs, as far as it needs any.
type messageChunk struct {
	regexps, needles []string
	tokens           [][]string
	size             int
}

// maxTokens is how many tokens hasAnyTokens and hasAllTokens take, and
// maxTokenSets how many sets of them are looked up one by one.
const (
	maxTokens    = 64
	maxTokenSets = 8
)

func (e *emitter) messageChunk(c messageChunk) string {
	guard := "true"
	switch n := len(c.regexps); {
	case len(c.tokens) == n && n <= maxTokenSets:
		sets := make([]string, n)
		for i, tokens := range c.tokens {
			sets[i] = "hasAllTokens(lower(message), " + e.p.Strings(tokens) + ")"
		}
		guard = AnySQL(sets...)
	case len(c.tokens) == n && n <= maxTokens:
		longest := make([]string, n)
		for i, tokens := range c.tokens {
			longest[i] = slices.MaxFunc(tokens, func(a, b string) int { return len(a) - len(b) })
		}
		guard = "hasAnyTokens(lower(message), " + e.p.Strings(longest) + ")"
	case len(c.needles) == n:
		guard = e.contains("message", c.needles)
	}
	return AllSQL(guard, "match(message, "+e.p.String("(?s)"+strings.Join(c.regexps, "|"))+")")
}

// wholeTokens are the tokens, as the index by_word has them, of every message in
// which the glyphs are found: runs of ASCII letters and digits, in lower case,
// that nothing can make longer. What is no ASCII is part of a token, but we and
// the server fold it otherwise.
func wholeTokens(glyphs []glyph) []string {
	var out []string
	var token []byte
	open := false // what stands before may be part of the token, or it is in doubt
	flush := func() {
		if len(token) > 0 && !open && len(out) < maxTokens && !slices.Contains(out, string(token)) {
			out = append(out, string(token))
		}
		token, open = nil, false
	}
	for _, g := range glyphs {
		switch {
		case g.kind == glyphSpace:
			flush()
		case g.kind != glyphRune || g.r >= utf8.RuneSelf:
			open = true
			token = append(token, 'x') // so that what follows stays in doubt
		case g.r == '_' || !isWordRune(g.r):
			flush()
		default:
			token = append(token, byte(foldRune(g.r)))
		}
	}
	// Where the glyphs end in a word character, no word goes on behind them.
	flush()
	return out
}

// contains holds when one of the ASCII texts is in the column, in any case.
func (e *emitter) contains(column string, needles []string) string {
	if len(needles) == 1 {
		return "(positionCaseInsensitive(" + column + ", " + e.p.String(needles[0]) + ") > 0)"
	}
	return "multiSearchAnyCaseInsensitive(" + column + ", " + e.p.Strings(needles) + ")"
}

// maxRegexp bounds the alternatives that are looked for with one expression.
const maxRegexp = 4 << 10

// notWord is any character that words are not made of; all of them are ASCII.
const notWord = "[\x00-/:-@\\[-\\^`{-\x7f]"

// messageRegexp is the expression that finds the pattern in a message.
func messageRegexp(glyphs []glyph) string {
	var b strings.Builder
	first, last := glyphs[0], glyphs[len(glyphs)-1]
	if first.kind == glyphRune && endsWord(first.r) {
		b.WriteString(`(?:\A|` + notWord + ")")
	}
	for i, g := range glyphs {
		switch {
		case g.kind == glyphRun && (i == 0 || i == len(glyphs)-1):
			// The search is not anchored: a run at an end says nothing.
		case g.kind == glyphRun:
			b.WriteString(".*")
		case g.kind == glyphAny:
			b.WriteByte('.')
		case g.kind == glyphSpace:
			b.WriteString(`[ \t\n\v\f\r]+`)
		default:
			writeFolded(&b, g.r)
		}
	}
	if last.kind == glyphRune && endsWord(last.r) {
		b.WriteString(`(?:\z|` + notWord + ")")
	}
	return b.String()
}

// writeFolded writes an expression for a letter in any case.
func writeFolded(b *strings.Builder, r rune) {
	class := foldClass(r)
	if len(class) == 1 {
		writeLiteral(b, r)
		return
	}
	b.WriteByte('[')
	for _, c := range class {
		b.WriteRune(c) // letters: nothing in a class to escape
	}
	b.WriteByte(']')
}

func writeLiteral(b *strings.Builder, r rune) {
	if !isWordRune(r) && r > ' ' && r < 0x7f {
		b.WriteByte('\\')
	}
	b.WriteRune(r)
}

// longestASCII is the longest run of ASCII text that the glyphs need. It is
// what a fast search looks for before the expression is tried.
func longestASCII(glyphs []glyph) string {
	var best, run []byte
	for _, g := range glyphs {
		if g.kind != glyphRune || g.r >= utf8.RuneSelf {
			run = nil
			continue
		}
		if run = append(run, byte(g.r)); len(run) > len(best) {
			best = run
		}
	}
	return string(best)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// In the canonical JSON a bare quote always opens or closes a string, so an
// expression that counts quotes from the start knows what is a string, and one
// that is followed by a colon is a key, no value.
const (
	outside   = `\A(?:[^"]*"[^"]*")*[^"]*`
	valueEnds = `[,\]}]`
	jsonChar  = `(?:[^"\\]|\\\\|\\u[0-9a-f]{4})`
	wordChar  = `[-+.0-9a-zA-Z]` // what numbers, true and false are made of
)

// anyValue holds when the text of an attribute, all of it, fits one of the patterns.
// A fast search for the longest piece of each goes first.
func (e *emitter) anyValue(patterns []Pattern) string {
	var parts, regexps, needles []string
	size := 0
	flush := func() {
		if len(regexps) == 0 {
			return
		}
		guard := "true"
		if len(needles) == len(regexps) {
			guard = e.contains("raw", needles)
		}
		parts = append(parts, AllSQL(guard, "match(raw, "+e.p.String("(?s)"+outside+"(?:"+strings.Join(regexps, "|")+")"+valueEnds)+")"))
		regexps, needles, size = nil, nil, 0
	}
	for _, p := range patterns {
		glyphs := p.glyphs()
		re := valueRegexp(glyphs)
		if size+len(re) > maxRegexp || len(needles) == maxNeedles {
			flush()
		}
		regexps, size = append(regexps, re), size+len(re)
		if needle := longestJSON(glyphs); needle != "" {
			needles = append(needles, needle)
		}
	}
	flush()
	return AnySQL(parts...)
}

// valueRegexp is an expression for the values in the canonical JSON that the glyphs
// fit.
func valueRegexp(glyphs []glyph) string {
	var str strings.Builder
	for _, g := range glyphs {
		switch {
		case g.kind == glyphRun:
			str.WriteString(jsonChar + "*")
		case g.kind == glyphAny:
			str.WriteString(jsonChar)
		case g.r == '"' || g.r < 0x20 || g.r == '\\':
			quoted := schema.QuoteJSON(string(g.r))
			for _, c := range quoted[1 : len(quoted)-1] {
				writeLiteral(&str, c)
			}
		default:
			writeFolded(&str, g.r)
		}
	}
	re := `"` + str.String() + `"`
	if scalars := scalarRegexp(glyphs); scalars != "" {
		re = `(?:` + re + `|[:,\[](?:` + scalars + `))`
	}
	return re
}

// longestJSON is longestASCII for the canonical JSON: characters that are
// escaped there are left out.
func longestJSON(glyphs []glyph) string {
	plain := make([]glyph, len(glyphs))
	for i, g := range glyphs {
		plain[i] = g
		if g.kind == glyphRune && (g.r == '"' || g.r == '\\' || g.r < 0x20) {
			plain[i] = glyph{kind: glyphAny}
		}
	}
	return longestASCII(plain)
}

// scalarRegexp is an expression for the numbers and booleans that the glyphs
// fit, or "" when there can be none. It never fits null, which is no value: no
// number or boolean begins with an n.
func scalarRegexp(glyphs []glyph) string {
	for _, g := range glyphs {
		if g.kind == glyphRune && !strings.ContainsRune("0123456789+-.eEtrufalsTRUFALS", g.r) {
			return ""
		}
	}
	return strings.Join(scalarHeads(glyphs), "|")
}

func scalarHeads(glyphs []glyph) []string {
	if len(glyphs) == 0 {
		return nil
	}
	switch g := glyphs[0]; {
	case g.kind == glyphAny:
		return []string{"[-0-9tf]" + scalarTail(glyphs[1:])}
	case g.kind == glyphRun:
		return append(scalarHeads(glyphs[1:]), "[-0-9tf]"+wordChar+"*"+scalarTail(glyphs[1:]))
	}
	return []string{scalarTail(glyphs)}
}

func scalarTail(glyphs []glyph) string {
	var b strings.Builder
	for _, g := range glyphs {
		switch g.kind {
		case glyphRun:
			b.WriteString(wordChar + "*")
		case glyphAny:
			b.WriteString(wordChar)
		default:
			writeFolded(&b, g.r)
		}
	}
	return b.String()
}
