package grok

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// matcher makes the pattern of a token, and how its text becomes a value (nil: it
// stays a text).
type matcher struct {
	args  string // as a user writes them; "" for none
	build func(p *pattern, m call) (*node, convert)
}

var matchers map[string]matcher

func init() {
	fixed := func(text string, c convert) matcher {
		return matcher{build: func(p *pattern, m call) (*node, convert) { return p.fixed(text), c }}
	}
	matchers = map[string]matcher{
		"data":               fixed(`.*?`, nil),
		"greedyData":         fixed(`.*`, nil),
		"notSpace":           fixed(`\S+`, nil),
		"space":              fixed(`\s+`, nil),
		"word":               fixed(`\b\w+\b`, nil),
		"integer":            fixed(integerPattern, toInteger),
		"integerStr":         fixed(integerPattern, nil),
		"integerExt":         fixed(integerPattern+exponentPattern, toIntegerExt),
		"integerExtStr":      fixed(integerPattern+exponentPattern, nil),
		"number":             fixed(numberPattern, toDouble),
		"numberStr":          fixed(numberPattern, nil),
		"numberExt":          fixed(numberExtPattern, toDouble),
		"numberExtStr":       fixed(numberExtPattern, nil),
		"doubleQuotedString": fixed(`"[^"]*"`, nil),
		"singleQuotedString": fixed(`'[^']*'`, nil),
		"quotedString":       fixed(`"[^"]*"|'[^']*'`, nil),
		"uuid":               fixed(`[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`, nil),
		"mac":                fixed(macPattern, nil),
		"ipv4":               fixed(ipv4Pattern, nil),
		"ipv6":               fixed(ipv6Pattern, nil),
		"ip":                 fixed(ipPattern, nil),
		"hostname":           fixed(hostPattern, nil),
		"host":               fixed(hostPattern, nil),
		"ipOrHost":           fixed(ipPattern+`|`+hostPattern, nil),
		"port":               fixed(portPattern, nil),
		"hostPort":           fixed(`(?:`+ipPattern+`|`+hostPattern+`):`+portPattern, nil),
		"user":               fixed(`[a-zA-Z0-9._-]+`, nil),
		"path":               fixed(pathPattern, nil),
		"uri":                fixed(uriPattern, nil),
		"regex":              {args: `("regular expression")`, build: (*pattern).regexMatcher},
		"boolean":            {args: `("true","false")`, build: (*pattern).booleanMatcher},
		"date":               {args: `("format","time zone","locale"), the last two optional`, build: (*pattern).dateMatcher},
	}
	for name, text := range logstash {
		matchers[name] = fixed(text, nil)
	}
}

const (
	integerPattern   = `[+-]?\d+`
	exponentPattern  = `(?:[eE][+-]?\d+)?`
	numberPattern    = `(?>[+-]?(?:\d+(?:\.\d*)?|\.\d+))`
	numberExtPattern = `(?>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)`
	octetPattern     = `(?:25[0-5]|2[0-4]\d|[01]?\d?\d)`
	ipv4Pattern      = `(?<!\d)` + octetPattern + `(?:\.` + octetPattern + `){3}(?!\d)`
	hostPattern      = `\b[0-9A-Za-z][0-9A-Za-z_-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z_-]{0,62})*\.?`
	portPattern      = `[1-9]\d{0,4}`
	macPattern       = `(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}`
	uriPattern       = `[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s/@]*@)?(?:[^\s/?#]*)(?:/[^\s?#]*)?(?:\?[^\s#]*)?(?:#\S*)?`
	pathPattern      = `(?:/[\w.,:+~@%&=\[\] -]*)+|(?:[A-Za-z]:)?(?:\\[^\\?*\s]*)+`
)

var ipPattern = ipv6Pattern + `|` + ipv4Pattern

// ipv6Pattern is an address of version 6: whole, shortened by ::, ending in one of
// version 4, with a zone. Where one spelling begins like another, the longer stands
// first; all but those that begin with :: share their first group, so that a text
// which is no address is left at once.
var ipv6Pattern = func() string {
	const h = `[0-9A-Fa-f]{1,4}`
	const v4 = octetPattern + `(?:\.` + octetPattern + `){3}(?!\d)`
	rests := []string{`(?:` + h + `:){6}` + h, `(?:` + h + `:){5}` + v4}
	for before := 7; before >= 1; before-- { // groups before ::, the first of them read
		groups := fmt.Sprintf(`(?:%s:){%d}`, h, before-1)
		if before <= 5 {
			rests = append(rests, fmt.Sprintf(`%s(?::%s){0,%d}:%s`, groups, h, 5-before, v4))
		}
		if before <= 6 {
			rests = append(rests, fmt.Sprintf(`%s(?::%s){1,%d}`, groups, h, 7-before))
		}
		rests = append(rests, groups+`:`)
	}
	begun := fmt.Sprintf(`:(?:(?::%s){0,5}:%s|(?::%s){1,7}|:)`, h, v4, h)
	return `(?:` + h + `:(?:` + strings.Join(rests, `|`) + `)|` + begun + `)(?:%[0-9A-Za-z_.-]+)?`
}()

// matcher is the pattern of a token's matcher: one of the user's rules, or a
// built-in one.
func (p *pattern) matcher(m call) (*node, convert) {
	if r := p.c.rule(m.name); r != nil {
		if m.args != nil {
			return p.fail(m.at, fmt.Sprintf("the rule %s takes no arguments", m.name), ""), nil
		}
		return p.included(m, r), nil
	}
	b, ok := matchers[m.name]
	if !ok {
		return p.unknownMatcher(m), nil
	}
	if b.args == "" && len(m.args) > 0 {
		return p.fail(m.at, fmt.Sprintf("the matcher %s takes no arguments", m.name), ""), nil
	}
	return b.build(p, m)
}

func (p *pattern) unknownMatcher(m call) *node {
	message := fmt.Sprintf("no matcher or rule is named %s", m.name)
	if p.c.below(m.name) {
		return p.fail(m.at, message+" above this line", "a match rule uses helpers, and match rules above it")
	}
	names := slices.Concat(slices.Sorted(maps.Keys(matchers)), p.c.names())
	if strings.ToUpper(m.name) != m.name {
		names = slices.DeleteFunc(names, func(n string) bool { return logstash[n] != "" })
	}
	hint := nearest(m.name, names)
	if hint == "" && filters[m.name].build != nil {
		return p.fail(m.at, message+": it is a filter", fmt.Sprintf("write %%{data:attribute:%s}", m.name))
	}
	return p.fail(m.at, message, hint)
}

// fixed reads a pattern of this package with the flags that hold here.
func (p *pattern) fixed(text string) *node {
	inner := &pattern{c: p.c, text: text, flags: p.flags, groups: &groups{}, depth: p.depth}
	inner.flags.spaced = false
	n := inner.parse()
	if inner.err != nil && p.err == nil {
		return p.fail(p.i, inner.err.Message, inner.err.Hint)
	}
	return n
}

// texts are the arguments as texts, all quoted, least to most of them.
func (p *pattern) texts(m call, least, most int, usage string) []string {
	var out []string
	for _, a := range m.args {
		if !a.quoted || a.key != "" {
			p.fail(a.at, fmt.Sprintf("%s takes texts in double quotes", m.name), "write "+m.name+usage)
			return nil
		}
		out = append(out, a.text)
	}
	if len(out) < least || len(out) > most {
		p.fail(m.at, fmt.Sprintf("%s has %d arguments", m.name, len(out)), "write "+m.name+usage)
		return nil
	}
	return out
}

func (p *pattern) regexMatcher(m call) (*node, convert) {
	texts := p.texts(m, 1, 1, `("regular expression")`)
	if p.err != nil {
		return nil, nil
	}
	return p.argPattern(texts[0], m.args[0].at), nil
}

// argPattern reads an argument as a regular expression; tokens have no meaning in it.
func (p *pattern) argPattern(text string, at int) *node {
	inner := &pattern{c: p.c, src: p.src, text: text, flags: p.flags, groups: &groups{names: map[string]*node{}}, depth: p.depth}
	n := inner.parse()
	if inner.err != nil && p.err == nil {
		p.fail(at+1, inner.err.Message, inner.err.Hint)
		p.err.Column += inner.err.Column - p.src.column
	}
	return n
}

func (p *pattern) booleanMatcher(m call) (*node, convert) {
	texts := p.texts(m, 0, 2, `("true","false")`)
	if p.err != nil {
		return nil, nil
	}
	texts = append(texts, []string{"true", "false"}[len(texts):]...)
	ats := []int{m.at, m.at}
	for i, a := range m.args {
		ats[i] = a.at
	}
	outer := p.flags
	p.flags.fold = true
	yes, no := p.argPattern(texts[0], ats[0]), p.argPattern(texts[1], ats[1])
	p.flags = outer
	if p.err != nil {
		return nil, nil
	}
	isTrue, err := regexp.Compile(`\A(?:` + re2(yes, nil) + `)\z`)
	if err != nil || dearPart(yes) != "" {
		return p.fail(ats[0], "boolean takes patterns without lookaround and references", ""), nil
	}
	return alt(yes, no), toBool(isTrue)
}
