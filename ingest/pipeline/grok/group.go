package grok

import (
	"fmt"
	"strings"
)

// group reads what follows the parenthesis at start.
func (p *pattern) group(start int) *node {
	if !p.accept("?") {
		return p.numberedGroup(start, "")
	}
	switch {
	case p.accept("#"):
		return p.comment(start)
	case p.accept(":"):
		return p.inside(start)
	case p.accept(">"):
		return keepFirst(p.inside(start))
	case p.accept("="):
		return look(p.inside(start), isAhead, wanted)
	case p.accept("!"):
		return look(p.inside(start), isAhead, unwanted)
	case p.accept("<="):
		return p.lookBehind(start, wanted)
	case p.accept("<!"):
		return p.lookBehind(start, unwanted)
	case p.accept("P<"), p.accept("<"):
		return p.namedGroup(start)
	}
	return p.inlineFlags(start)
}

// Where a lookaround looks, and whether what it looks for has to be there or must not.
const (
	isAhead  = false
	isBehind = true

	wanted   = false
	unwanted = true
)

// look is a lookaround. One that asks for a single character is an assertion about an
// offset (opAssert), which RE2 can be helped with.
func look(sub *node, behind, negative bool) *node {
	if sub.op == opText && len(sub.text) == 1 {
		sub = one(classOfRune(rune(sub.text[0])))
	}
	if sub.op == opClass {
		where := map[[2]bool]place{{false, false}: before, {false, true}: notBefore, {true, false}: after, {true, true}: notAfter}
		return at(where[[2]bool{behind, negative}], sub.set)
	}
	return &node{op: opLook, subs: []*node{sub}, behind: behind, negative: negative}
}

// lookBehind asks for a bound: the engine tries each width once.
func (p *pattern) lookBehind(start int, negative bool) *node {
	sub := p.inside(start)
	if _, most := sub.width(); p.err == nil && (most < 0 || most > maxRepeat) {
		return p.fail(start, "what is looked for behind has no bound", "write {0,20} for *, or {1,20} for +")
	}
	return look(sub, isBehind, negative)
}

// inside reads up to the closing parenthesis.
func (p *pattern) inside(start int) *node {
	n := p.alternatives()
	if p.err == nil && !p.accept(")") {
		return p.fail(start, "a ( without its )", `write \( for the character`)
	}
	return n
}

func (p *pattern) numberedGroup(start int, name string) *node {
	n := &node{op: opGroup}
	p.groups.list = append(p.groups.list, n)
	if name != "" {
		p.groups.names[name] = n
	}
	n.subs = []*node{p.inside(start)}
	return n
}

// namedGroup is a group whose text is an attribute.
func (p *pattern) namedGroup(start int) *node {
	name, _, closed := strings.Cut(p.text[p.i:], ">")
	at := p.i
	if !closed {
		return p.fail(start, "(?< without its >", "write (?<name>…)")
	}
	path, message := parsePath(name)
	if message != "" || name == "" {
		return p.fail(at, "the name of a group is no attribute: "+message, "write (?<name>…) with letters, digits and _")
	}
	p.i += len(name) + 1
	n := p.numberedGroup(start, name)
	if p.err != nil {
		return n
	}
	return &node{op: opCapture, subs: []*node{n}, capture: &capture{path: path}}
}

func (p *pattern) comment(start int) *node {
	end := strings.IndexByte(p.text[p.i:], ')')
	if end < 0 {
		return p.fail(start, "a (?# without its )", "")
	}
	p.i += end + 1
	return nil
}

// inlineFlags reads (?i), (?-s) and (?i:…).
func (p *pattern) inlineFlags(start int) *node {
	f, on := p.flags, true
	for p.more() {
		switch b := p.text[p.i]; b {
		case 'i':
			f.fold = on
		case 's':
			f.dot = on
		case 'm':
			f.lines = on
		case 'x':
			f.spaced = on
		case 'u':
		case '-':
			on = false
		case ')':
			p.i++
			p.flags = f
			return nil
		case ':':
			p.i++
			outer := p.flags
			p.flags = f
			n := p.inside(start)
			p.flags = outer
			return n
		default:
			return p.fail(p.i, fmt.Sprintf("(?%c is not known", b), "groups are (…), (?:…), (?>…), (?=…), (?!…), (?<=…), (?<!…), (?<name>…), flags i, s, m and x")
		}
		p.i++
	}
	return p.fail(start, "a ( without its )", `write \( for the character`)
}
