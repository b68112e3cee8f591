package search

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of an expression: of its text, and of the program that it becomes, in
// instructions. A class of characters is one for every classRanges ranges that it has:
// the server's programs are of bytes, and \pL is hundreds of them.
const (
	maxRegexpLength  = 8 << 10
	maxRegexpProgram = 1000
	classRanges      = 4
)

// checkRegexp refuses what is no expression in RE2's syntax, or beyond the bounds.
func checkRegexp(expr string) error {
	if len(expr) > maxRegexpLength {
		return fmt.Errorf("this expression has %d bytes, at most %d are allowed", len(expr), maxRegexpLength)
	}
	tree, err := parseRegexp(expr)
	if err != nil {
		return err
	}
	size, err := programSize(tree)
	if err != nil {
		return fmt.Errorf("not a regular expression: %w", err)
	}
	if size > maxRegexpProgram {
		return fmt.Errorf("this expression becomes a program of %d instructions, at most %d are allowed", size, maxRegexpProgram)
	}
	return nil
}

// programSize is of how many instructions the program of an expression is.
func programSize(tree *syntax.Regexp) (int, error) {
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 0, err
	}
	size := len(program.Inst)
	for i := range program.Inst {
		size += len(program.Inst[i].Rune) / 2 / classRanges
	}
	return size, nil
}

// parseRegexp reads an expression in RE2's syntax.
func parseRegexp(expr string) (*syntax.Regexp, error) {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		var e *syntax.Error
		if errors.As(err, &e) {
			return nil, fmt.Errorf("not a regular expression: %s: %s", e.Code, clip(e.Expr))
		}
		return nil, fmt.Errorf("not a regular expression: %w", err)
	}
	return tree, nil
}

// regexpTest prepares an expression that parseRegexp has read: a text that it needs
// is looked for first.
func regexpTest(expr string) func(string) bool {
	tree, err := parseRegexp(expr)
	if err != nil {
		return func(string) bool { return false } // refused when the query was parsed
	}
	re := regexp.MustCompile(plainRegexp(tree))
	literal := requiredLiteral(tree)
	return func(s string) bool { return strings.Contains(s, literal) && re.MatchString(s) }
}

// plainRegexp writes the expression without what two implementations of RE2 could
// read in two ways: classes of Unicode and letters in any case are written out,
// and every `.`, `^` and `$` says what it means.
func plainRegexp(r *syntax.Regexp) string {
	var b strings.Builder
	writeRegexp(&b, r)
	return b.String()
}

func writeRegexp(b *strings.Builder, r *syntax.Regexp) {
	switch r.Op {
	case syntax.OpNoMatch:
		b.WriteString(`[^\x00-\x{10FFFF}]`)
	case syntax.OpEmptyMatch:
		b.WriteString(`(?:)`)
	case syntax.OpLiteral:
		for _, c := range r.Rune {
			writeRegexpRune(b, c, r.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		writeClass(b, r.Rune)
	case syntax.OpAnyCharNotNL:
		b.WriteString(`[^\n]`)
	case syntax.OpAnyChar:
		b.WriteString(`(?s:.)`)
	case syntax.OpBeginLine:
		b.WriteString(`(?m:^)`)
	case syntax.OpEndLine:
		b.WriteString(`(?m:$)`)
	case syntax.OpBeginText:
		b.WriteString(`\A`)
	case syntax.OpEndText:
		b.WriteString(`\z`)
	case syntax.OpWordBoundary:
		b.WriteString(`\b`)
	case syntax.OpNoWordBoundary:
		b.WriteString(`\B`)
	case syntax.OpCapture:
		writeGroup(b, r.Sub[0], "")
	case syntax.OpStar:
		writeGroup(b, r.Sub[0], "*")
	case syntax.OpPlus:
		writeGroup(b, r.Sub[0], "+")
	case syntax.OpQuest:
		writeGroup(b, r.Sub[0], "?")
	case syntax.OpRepeat:
		writeGroup(b, r.Sub[0], repetition(r.Min, r.Max))
	case syntax.OpConcat:
		for _, sub := range r.Sub {
			writeGroup(b, sub, "")
		}
	case syntax.OpAlternate:
		for i, sub := range r.Sub {
			if i > 0 {
				b.WriteByte('|')
			}
			writeGroup(b, sub, "")
		}
	}
}

// writeGroup writes a part that an operator applies to. Whether it takes as little
// or as much as it can makes no difference to whether there is a match.
func writeGroup(b *strings.Builder, r *syntax.Regexp, operator string) {
	b.WriteString("(?:")
	writeRegexp(b, r)
	b.WriteString(")" + operator)
}

func repetition(least, most int) string {
	switch {
	case most < 0:
		return "{" + strconv.Itoa(least) + ",}"
	case most == least:
		return "{" + strconv.Itoa(least) + "}"
	}
	return "{" + strconv.Itoa(least) + "," + strconv.Itoa(most) + "}"
}

func writeRegexpRune(b *strings.Builder, r rune, fold bool) {
	class := []rune{r}
	if fold {
		class = simpleClass(r)
	}
	if len(class) == 1 {
		writePoint(b, r)
		return
	}
	b.WriteByte('[')
	for _, c := range class {
		writePoint(b, c)
	}
	b.WriteByte(']')
}

func writeClass(b *strings.Builder, ranges []rune) {
	if len(ranges) == 0 {
		b.WriteString(`[^\x00-\x{10FFFF}]`)
		return
	}
	b.WriteByte('[')
	for i := 0; i < len(ranges); i += 2 {
		writePoint(b, ranges[i])
		if ranges[i+1] > ranges[i] {
			b.WriteByte('-')
			writePoint(b, ranges[i+1])
		}
	}
	b.WriteByte(']')
}

// writePoint writes a code point so that it is itself, in a class and outside.
func writePoint(b *strings.Builder, r rune) {
	if r < utf8.RuneSelf && isWordRune(r) {
		b.WriteRune(r)
		return
	}
	fmt.Fprintf(b, `\x{%X}`, r)
}

// requiredLiteral is the longest text that stands in whatever the expression
// finds; empty where none is sure.
func requiredLiteral(r *syntax.Regexp) string {
	switch r.Op {
	case syntax.OpLiteral:
		if r.Flags&syntax.FoldCase == 0 {
			return string(r.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredLiteral(r.Sub[0])
	case syntax.OpRepeat:
		if r.Min > 0 {
			return requiredLiteral(r.Sub[0])
		}
	case syntax.OpConcat:
		longest := ""
		for _, sub := range r.Sub {
			if l := requiredLiteral(sub); len(l) > len(longest) {
				longest = l
			}
		}
		return longest
	}
	return ""
}
