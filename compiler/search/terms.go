package search

import (
	"strings"
	"unicode/utf8"
)

// terms are patterns that texts are held against together: an automaton finds the
// literals that they need, and what is around those is looked at where they stand. A
// text then costs what it is long, and not how many patterns there are. It gives the
// answers of text.match.
type terms struct {
	fold     func(rune) rune // nil: letter case counts
	patterns []*text
	needs    []need
	machine  *automaton
	byText   [][]int32 // the terms that need each text of the machine
	needless []int32   // terms that need no text
}

// need is the literal that a term needs: glyphs [from, to) of a piece.
type need struct {
	piece, from, to int
	literal         string
}

// newTerms prepares patterns that all fold letter case so.
func newTerms(patterns []*text, fold func(rune) rune) *terms {
	t := &terms{fold: fold}
	sharing := map[string]int{}
	for _, p := range patterns {
		plain := *p
		plain.fold = nil // texts are folded before
		t.patterns = append(t.patterns, &plain)
		for _, n := range needsOf(p) {
			sharing[n.literal]++
		}
	}
	at := map[string]int{}
	var texts []string
	for i, p := range t.patterns {
		best := need{piece: -1}
		for _, n := range needsOf(p) {
			if fewer := sharing[n.literal] - sharing[best.literal]; best.piece < 0 || fewer < 0 || fewer == 0 && len(n.literal) > len(best.literal) {
				best = n
			}
		}
		t.needs = append(t.needs, best)
		if best.piece < 0 {
			t.needless = append(t.needless, int32(i))
			continue
		}
		n, known := at[best.literal]
		if !known {
			n = len(texts)
			at[best.literal] = n
			texts, t.byText = append(texts, best.literal), append(t.byText, nil)
		}
		t.byText[n] = append(t.byText[n], int32(i))
	}
	if len(texts) > 0 {
		t.machine = newAutomaton(texts)
	}
	return t
}

// needsOf are the runs of letters that the pattern's pieces have.
func needsOf(t *text) (out []need) {
	if t.literal != "" {
		return []need{{literal: t.literal}}
	}
	for i, piece := range t.pieces {
		for from := 0; from < len(piece); from++ {
			to := from
			var b strings.Builder
			for to < len(piece) && piece[to].kind == glyphRune {
				b.WriteRune(piece[to].r)
				to++
			}
			if to > from {
				out = append(out, need{piece: i, from: from, to: to, literal: b.String()})
				from = to
			}
		}
	}
	return out
}

// find calls found with the terms that the text fits, some of them several times,
// until it returns false. tried is where find keeps which of them it has tried on
// the text: as many as there are patterns, all false, and so again afterwards.
func (t *terms) find(s string, tried []bool, found func(term int32) bool) {
	for _, i := range t.needless {
		if t.patterns[i].match(s) && !found(i) {
			return
		}
	}
	if t.machine == nil {
		return
	}
	if t.fold != nil {
		s = foldedBy(t.fold, s)
	}
	var done []int32
	t.machine.find(s, func(text int32, end int) bool {
		for _, i := range t.byText[text] {
			if tried[i] {
				continue
			}
			p := t.patterns[i]
			if len(p.pieces) > 1 || p.fits(s, &t.needs[i], end) {
				tried[i] = true // what has several pieces is held against all of the text, once
				done = append(done, i)
				if (len(p.pieces) <= 1 || p.match(s)) && !found(i) {
					return false
				}
			}
		}
		return true
	})
	for _, i := range done {
		tried[i] = false
	}
}

// fits reports whether a pattern of one piece stands where what it needs ends.
func (t *text) fits(s string, n *need, end int) bool {
	if t.literal != "" {
		return s == t.literal
	}
	piece := t.pieces[n.piece]
	start, ok := backOver(piece[:n.from], s, end-len(n.literal))
	if !ok || !t.openLow && start > 0 || t.wordLow && start > 0 && isWordByte(s[start-1]) {
		return false
	}
	end, ok = t.pieceAt(piece[n.to:], s, end)
	return ok && (t.openHigh || end == len(s)) && (!t.wordHigh || end == len(s) || !isWordByte(s[end]))
}

// backOver is pieceAt from the end: where glyphs begin that end at a position.
func backOver(glyphs []glyph, s string, at int) (start int, ok bool) {
	for i := len(glyphs) - 1; i >= 0; i-- {
		g := glyphs[i]
		if at == 0 {
			return 0, false
		}
		if g.kind == glyphSpace {
			if !isSpace(s[at-1]) {
				return 0, false
			}
			for at > 0 && isSpace(s[at-1]) {
				at--
			}
			continue
		}
		r, n := utf8.DecodeLastRuneInString(s[:at])
		if at -= n; g.kind != glyphAny && r != g.r {
			return 0, false
		}
	}
	return at, true
}

// foldedBy is the text with every letter folded, ASCII to small letters.
func foldedBy(fold func(rune) rune, s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return strings.Map(fold, s)
		}
	}
	return s
}
