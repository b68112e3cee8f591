package search

import (
	"strings"
	"unicode/utf8"
)

// Pattern is text with wildcards: `*` is any run of characters, `?` exactly one,
// and after a backslash both, and the backslash, are themselves. No other
// character is ever escaped, so equal patterns are equal strings.
type Pattern string

// LiteralPattern is the pattern that fits exactly this text.
func LiteralPattern(text string) Pattern {
	return Pattern(patternEscaper.Replace(text))
}

var patternEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// Literal is the only text the pattern fits; ok is false when it has wildcards.
func (p Pattern) Literal() (text string, ok bool) {
	var b strings.Builder
	for rest := string(p); rest != ""; {
		g, n := glyphAt(rest)
		if g.kind != glyphRune {
			return "", false
		}
		b.WriteRune(g.r)
		rest = rest[n:]
	}
	return b.String(), true
}

// written is the pattern as a text in which wildcards are characters like any other:
// in the bounds of a range they are nothing else.
func (p Pattern) written() string {
	var b strings.Builder
	for rest := string(p); rest != ""; {
		g, n := glyphAt(rest)
		if g.kind == glyphRune {
			b.WriteRune(g.r)
		} else {
			b.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
	return b.String()
}

type glyphKind uint8

const (
	glyphRune  glyphKind = iota
	glyphAny             // ?
	glyphRun             // *
	glyphSpace           // a run of white space; only made by messagePattern
)

// glyph is one element of a pattern.
type glyph struct {
	kind glyphKind
	r    rune
}

// glyphAt reads the first element of a pattern and its length.
func glyphAt(p string) (glyph, int) {
	switch p[0] {
	case '*':
		return glyph{kind: glyphRun}, 1
	case '?':
		return glyph{kind: glyphAny}, 1
	case '\\':
		if len(p) > 1 {
			r, n := utf8.DecodeRuneInString(p[1:])
			return glyph{r: r}, n + 1
		}
	}
	r, n := utf8.DecodeRuneInString(p)
	return glyph{r: r}, n
}

// glyphs are the elements of the pattern, neighbouring `*` made one.
func (p Pattern) glyphs() []glyph {
	var out []glyph
	for rest := string(p); rest != ""; {
		g, n := glyphAt(rest)
		rest = rest[n:]
		if g.kind == glyphRun && len(out) > 0 && out[len(out)-1].kind == glyphRun {
			continue
		}
		out = append(out, g)
	}
	return out
}
