package grok

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a rule may be. They keep a hostile rule cheap to compile and to run.
const (
	maxRepeat = 1000    // repetitions, those of nested loops multiplied
	maxDepth  = 200     // groups in groups
	maxNodes  = 20_000  // parts of a rule, its helpers' included
	maxTotal  = 200_000 // parts of all rules
	maxRules  = 1 << 20 // bytes of all rules
)

// flags are what (?i) and its like switch on and off.
type flags struct{ fold, dot, lines, spaced bool }

// source is the text that a pattern stands in, and where that is.
type source struct {
	where, rule  string
	line, column int // of the pattern's first character
}

// pattern reads a rule's body: a regular expression with tokens in it.
type pattern struct {
	c      *compiler
	src    source
	text   string
	i      int
	flags  flags
	depth  int
	groups *groups
	err    *RuleError
}

// groups are those that references may name, one rule's.
type groups struct {
	list  []*node
	names map[string]*node
	asked []asked
}

type asked struct {
	node   *node
	number int
	name   string // "": the number tells
	at     int
}

// parse reads the whole text.
func (p *pattern) parse() *node {
	n := p.alternatives()
	if p.err == nil && p.i < len(p.text) {
		p.fail(p.i, "a ) without its (", `write \) for the character`)
	}
	p.resolve()
	return n
}

// resolve tells references the groups they mean.
func (p *pattern) resolve() {
	for _, a := range p.groups.asked {
		target := p.groups.names[a.name]
		if a.name == "" && a.number <= len(p.groups.list) {
			target = p.groups.list[a.number-1]
		}
		if target == nil {
			p.fail(a.at, "a reference to a group that is not there", "groups are counted by their ( in this rule")
			return
		}
		a.node.target, target.used = target, true
	}
}

// fail keeps the first mistake, and ends the reading.
func (p *pattern) fail(at int, message, hint string) *node {
	if p.err == nil {
		p.err = &RuleError{
			Where: p.src.where, Rule: p.src.rule, Line: p.src.line,
			Column:  p.src.column + utf8.RuneCountInString(p.text[:min(at, len(p.text))]),
			Message: message, Hint: hint,
		}
	}
	p.i = len(p.text)
	return &node{op: opEmpty}
}

func (p *pattern) more() bool         { return p.i < len(p.text) }
func (p *pattern) next(s string) bool { return strings.HasPrefix(p.text[p.i:], s) }
func (p *pattern) accept(s string) bool {
	if p.next(s) {
		p.i += len(s)
		return true
	}
	return false
}

// alternatives reads up to the end or to a closing parenthesis. Flags that are set
// inside end there.
func (p *pattern) alternatives() *node {
	outer := p.flags
	defer func() { p.flags = outer }()
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.i, fmt.Sprintf("groups are nested deeper than %d", maxDepth), "")
	}
	defer func() { p.depth-- }()
	branches := []*node{p.sequence()}
	for p.more() && p.text[p.i] == '|' {
		p.i++
		branches = append(branches, p.sequence())
	}
	if len(branches) == 1 {
		return branches[0]
	}
	return alt(branches...)
}

func (p *pattern) sequence() *node {
	var parts []*node
	for p.more() && p.text[p.i] != '|' && p.text[p.i] != ')' {
		start := p.i
		n := p.atom()
		if n == nil {
			continue // a flag, a comment
		}
		parts = append(parts, p.repeated(n, start))
		if p.c.nodes++; p.c.nodes > maxNodes {
			return p.fail(start, fmt.Sprintf("the rules have more than %d parts", maxNodes), "make them shorter, or use fewer helpers in helpers")
		}
	}
	return joined(parts)
}

// repeated reads the quantifiers that follow n.
func (p *pattern) repeated(n *node, start int) *node {
	quantified := false
	for p.more() {
		at := p.i
		low, high, ok := p.quantifier()
		if !ok {
			return n
		}
		switch {
		case p.err != nil:
			return n
		case quantified:
			return p.fail(at, "a quantifier follows a quantifier", "put the first into a group: (?:x+)?")
		case n.op == opAssert || n.op == opLook:
			return p.fail(at, "nothing to repeat: what stands before has no width", "")
		}
		quantified = true
		n = repeat(n, low, high)
		if p.accept("?") {
			n.lazy = true
		} else if p.accept("+") {
			n = keepFirst(n)
		}
		if turns(n) > maxRepeat {
			return p.fail(at, fmt.Sprintf("more than %d repetitions", maxRepeat), "write + or * where the number does not matter")
		}
	}
	return n
}

// repeat is n as a loop; a single character loops as a class.
func repeat(n *node, low, high int) *node {
	if n.op == opText && utf8.RuneCountInString(n.text) == 1 {
		r, _ := utf8.DecodeRuneInString(n.text)
		n = one(classOfRune(r))
	}
	return loop(n, low, high)
}

// turns is how often the innermost part of n is repeated at most, by counted loops.
func turns(n *node) int {
	most := 1
	for _, s := range n.subs {
		most = max(most, turns(s))
	}
	if n.op == opLoop {
		most *= max(n.min, n.max, 1)
	}
	return most
}

// quantifier reads one of * + ? {n} {n,} {n,m} {,m}.
func (p *pattern) quantifier() (low, high int, ok bool) {
	switch p.text[p.i] {
	case '*':
		p.i++
		return 0, -1, true
	case '+':
		p.i++
		return 1, -1, true
	case '?':
		p.i++
		return 0, 1, true
	case '{':
		return p.counted()
	}
	return 0, 0, false
}

func (p *pattern) counted() (low, high int, ok bool) {
	inner, _, closed := strings.Cut(p.text[p.i+1:], "}")
	first, second, two := strings.Cut(inner, ",")
	if !closed || inner == "" || inner == "," || strings.Trim(first+second, "0123456789") != "" {
		return 0, 0, false // a brace as a character
	}
	low, err := count(first, 0)
	high = low
	if err == nil && two {
		high, err = count(second, -1)
	}
	at := p.i
	p.i += len(inner) + 2
	switch {
	case err != nil || low > maxRepeat || high > maxRepeat:
		p.fail(at, fmt.Sprintf("more than %d repetitions", maxRepeat), "write + or * where the number does not matter")
	case high >= 0 && high < low:
		p.fail(at, fmt.Sprintf("{%s} asks for more than it allows", inner), fmt.Sprintf("write {%d,%d}", high, low))
	}
	return low, high, true
}

func count(s string, absent int) (int, error) {
	if s == "" {
		return absent, nil
	}
	return strconv.Atoi(s)
}

// atom reads one part without its quantifier. nil: nothing that matches.
func (p *pattern) atom() *node {
	if p.flags.spaced && p.skipSpace() {
		return nil
	}
	if p.next("%{") {
		return p.token()
	}
	start := p.i
	r, size := utf8.DecodeRuneInString(p.text[p.i:])
	p.i += size
	switch r {
	case '\\':
		return p.escape(start)
	case '[':
		return p.class(start)
	case '(':
		return p.group(start)
	case '.':
		if p.flags.dot {
			return one(anyRune)
		}
		return one(notNewline)
	case '^':
		if p.flags.lines {
			return at(lineStart, nil)
		}
		return at(textStart, nil)
	case '$':
		if p.flags.lines {
			return at(lineEnd, nil)
		}
		return at(textEnd, nil)
	case '*', '+', '?':
		return p.fail(start, fmt.Sprintf("nothing to repeat before %c", r), fmt.Sprintf(`write \%c for the character`, r))
	}
	return p.literal(r)
}

func (p *pattern) skipSpace() bool {
	start := p.i
	for p.more() {
		switch b := p.text[p.i]; {
		case b == ' ' || b == '\t' || b == '\n' || b == '\r':
			p.i++
		case b == '#':
			p.i = len(p.text)
		default:
			return p.i > start
		}
	}
	return p.i > start
}

// literal is the character r, in both cases where case does not matter.
func (p *pattern) literal(r rune) *node {
	if p.flags.fold && unicode.SimpleFold(r) != r {
		return one(classOfRune(r).folded())
	}
	return text(string(r))
}

// class reads [...], whose opening bracket stands at start.
func (p *pattern) class(start int) *node {
	var b strings.Builder
	b.WriteByte('[')
	if p.accept("^") {
		b.WriteByte('^')
	}
	if p.accept("]") {
		b.WriteString(`\]`)
	}
	for p.more() && p.text[p.i] != ']' {
		p.classPart(&b)
	}
	if !p.accept("]") {
		return p.fail(start, "a [ without its ]", `write \[ for the character`)
	}
	b.WriteByte(']')
	c, err := parseClass(b.String(), p.flags.fold)
	if err != nil {
		message, hint := classMistake(b.String(), err)
		return p.fail(start, message, hint)
	}
	if tokenInside.MatchString(p.text[start:p.i]) {
		p.c.doubt(p.src.rule, fmt.Sprintf("%s is a set of characters, in which a token means nothing; write \\[ and \\] for brackets of the text", clip(p.text[start:p.i])))
	}
	return one(c)
}

// tokenInside finds what looks like a token, and stands in a class.
var tokenInside = regexp.MustCompile(`%\{\w`)

// classPart copies one part of a class, written as Go's regexp does.
func (p *pattern) classPart(b *strings.Builder) {
	rest := p.text[p.i:]
	switch {
	case strings.HasPrefix(rest, "[:"):
		if end := strings.Index(rest, ":]"); end > 0 {
			b.WriteString(rest[:end+2])
			p.i += end + 2
			return
		}
		b.WriteString(`\[`)
		p.i++
	case rest[0] == '[':
		b.WriteString(`\[`)
		p.i++
	case strings.HasPrefix(rest, "&&") && p.text[p.i-1] != '[':
		p.fail(p.i, "intersections of classes (&&) are not known here", "write the characters that are left")
	case rest[0] == '\\' && len(rest) > 1:
		start := p.i
		p.i++
		if n := p.escape(start); n.op == opText {
			r, _ := utf8.DecodeRuneInString(n.text)
			fmt.Fprintf(b, `\x{%X}`, r)
		} else if n.op == opClass && n.set != nil {
			b.WriteString(strings.Trim(n.set.text(), "[]"))
		} else if strings.HasPrefix(rest, `\b`) {
			p.err, p.i = nil, start+2
			b.WriteString(`\x08`)
		} else {
			p.fail(start, fmt.Sprintf("%s is not a character", rest[:2]), "")
		}
	default:
		_, size := utf8.DecodeRuneInString(rest)
		b.WriteString(rest[:size])
		p.i += size
	}
}

func classMistake(class string, err error) (message, hint string) {
	message = strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	if strings.Contains(message, "range") {
		hint = `a - as a character stands first or last in a class, or is written \-`
	}
	return message, hint
}
