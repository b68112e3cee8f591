package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Letter case is folded by this rule, which both readers compute alike: ASCII
// letters with ASCII letters, other letters with those that Unicode's simple
// folding makes one with them, outside ASCII. (`K` is not the Kelvin sign.)

// foldRune is one letter of all that are the same when case does not count.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if f >= utf8.RuneSelf && f < least {
			least = f
		}
	}
	return least
}

// foldClass are the letters that foldRune makes one with r, r first.
func foldClass(r rune) []rune {
	class := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if (f < utf8.RuneSelf) == (r < utf8.RuneSelf) {
			class = append(class, f)
		}
	}
	return class
}

// isWordRune reports whether words are made of the character.
func isWordRune(r rune) bool {
	return r >= utf8.RuneSelf || r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z'
}

// endsWord reports whether a pattern that begins or ends with the rune is looked for
// where a word does. Scripts that put no spaces between words don't say where that
// is, so their text is found wherever it stands.
func endsWord(r rune) bool {
	return isWordRune(r) && !(r >= utf8.RuneSelf && unicode.In(r, spaceless...))
}

// spaceless are the scripts whose words no spaces separate, and the marks of length
// that go with kana.
var spaceless = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
	{R16: []unicode.Range16{{Lo: 0x30fc, Hi: 0x30fc, Stride: 1}, {Lo: 0xff70, Hi: 0xff70, Stride: 1}}},
}

// isWordByte is isWordRune for any byte of a rune.
func isWordByte(c byte) bool { return isWordRune(rune(c)) }

// text is a prepared pattern: pieces of fixed glyphs with runs between them.
type text struct {
	pieces   [][]glyph
	heads    []string        // the letters that each piece begins with
	fold     func(rune) rune // nil: letter case counts
	openLow  bool            // something may stand before the first piece
	openHigh bool            // something may stand after the last
	wordLow  bool            // no word character before the first piece
	wordHigh bool            // no word character after the last
	literal  string
}

// newWholeText prepares a pattern that a whole text must fit, in the same letter case.
func newWholeText(p Pattern) *text {
	t := &text{}
	t.split(p.glyphs())
	if s, ok := p.Literal(); ok {
		t.literal = s
	}
	return t
}

// newWholeTextAnyCase prepares a pattern that a whole text must fit in whatever letter
// case, of Words.
func newWholeTextAnyCase(p Pattern) *text {
	t := &text{fold: foldRune}
	t.split(p.glyphs())
	return t
}

// newFoldedText prepares a pattern that a whole text must fit, of Folded.
func newFoldedText(p Pattern) *text {
	t := &text{fold: foldSimple}
	t.split(p.glyphs())
	return t
}

// newMessageText prepares a pattern that is looked for in a message.
func newMessageText(p Pattern) *text {
	t := &text{fold: foldRune}
	glyphs := messageGlyphs(p)
	t.split(glyphs)
	if len(glyphs) == 0 {
		t.openLow, t.openHigh = true, true
		return t
	}
	first, last := glyphs[0], glyphs[len(glyphs)-1]
	t.wordLow = first.kind == glyphRune && endsWord(first.r)
	t.wordHigh = last.kind == glyphRune && endsWord(last.r)
	t.openLow, t.openHigh = true, true
	return t
}

// messageGlyphs are the pattern's glyphs for a search in the message: without
// wildcards, white space at the ends is dropped and the rest made runs.
func messageGlyphs(p Pattern) []glyph {
	literal, ok := p.Literal()
	if !ok {
		return p.glyphs()
	}
	var out []glyph
	for _, r := range strings.Trim(literal, " \t\n\v\f\r") {
		switch space := r < utf8.RuneSelf && isSpace(byte(r)); {
		case !space:
			out = append(out, glyph{r: r})
		case out[len(out)-1].kind != glyphSpace:
			out = append(out, glyph{kind: glyphSpace})
		}
	}
	return out
}

// split cuts the glyphs into pieces at the runs.
func (t *text) split(glyphs []glyph) {
	var piece []glyph
	flush := func() {
		if len(piece) > 0 {
			t.pieces, t.heads = append(t.pieces, piece), append(t.heads, headOf(piece))
			piece = nil
		}
	}
	for i, g := range glyphs {
		if g.kind != glyphRun {
			if t.fold != nil {
				g.r = t.fold(g.r)
			}
			piece = append(piece, g)
			continue
		}
		flush()
		t.openLow = t.openLow || i == 0
		t.openHigh = t.openHigh || i == len(glyphs)-1
	}
	flush()
}

func headOf(piece []glyph) string {
	var b strings.Builder
	for i := 0; i < len(piece) && piece[i].kind == glyphRune; i++ {
		b.WriteRune(piece[i].r)
	}
	return b.String()
}

// match reports whether the pattern fits. The first piece is placed as early as
// can be, the others as early as can be after it, and the last where its end is
// right; with runs between them no other placing does better.
func (t *text) match(s string) bool {
	if t.literal != "" {
		return s == t.literal
	}
	if len(t.pieces) == 0 {
		return s == "" || t.openLow || t.openHigh
	}
	at := 0
	for i := range t.pieces {
		end, ok := t.findPiece(i, s, at)
		if !ok {
			return false
		}
		at = end
	}
	return true
}

// findPiece finds piece i at or after a position and returns where it ends.
func (t *text) findPiece(i int, s string, at int) (end int, ok bool) {
	piece, first, last := t.pieces[i], i == 0, i == len(t.pieces)-1
	for start := at; start <= len(s); start++ {
		if first && !t.openLow && start > 0 {
			return 0, false
		}
		if head := t.heads[i]; t.fold == nil && head != "" && (!first || t.openLow) {
			next := strings.Index(s[start:], head)
			if next < 0 {
				return 0, false
			}
			start += next
		}
		if start < len(s) && !utf8.RuneStart(s[start]) || first && t.wordLow && start > 0 && isWordByte(s[start-1]) {
			continue
		}
		end, ok := t.pieceAt(piece, s, start)
		if !ok {
			continue
		}
		if last && (!t.openHigh && end < len(s) || t.wordHigh && end < len(s) && isWordByte(s[end])) {
			continue
		}
		return end, true
	}
	return 0, false
}

// pieceAt reports whether the piece stands at a position, and where it ends.
func (t *text) pieceAt(piece []glyph, s string, at int) (end int, ok bool) {
	for _, g := range piece {
		if at == len(s) {
			return 0, false
		}
		if g.kind == glyphSpace {
			if !isSpace(s[at]) {
				return 0, false
			}
			for at < len(s) && isSpace(s[at]) {
				at++
			}
			continue
		}
		r, n := rune(s[at]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[at:])
		}
		at += n
		if g.kind == glyphAny {
			continue
		}
		if t.fold != nil {
			r = t.fold(r)
		}
		if r != g.r {
			return 0, false
		}
	}
	return at, true
}

// key is equal for patterns that fit the same texts.
func (t *text) key() string {
	var b strings.Builder
	for i, piece := range t.pieces {
		if i > 0 {
			b.WriteByte(0xff) // in no text
		}
		for _, g := range piece {
			b.WriteByte(byte(g.kind))
			b.WriteRune(g.r)
		}
	}
	for _, end := range []bool{t.openLow, t.openHigh, t.wordLow, t.wordHigh} {
		if b.WriteByte(0xff); end {
			b.WriteByte(1)
		}
	}
	return b.String()
}
