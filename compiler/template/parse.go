package template

import (
	"errors"
	"strconv"
	"strings"
	"time"

	// Rules name time zones, and have to mean the same on a host or in a
	// container that has none installed: 0.4 MB of a binary of 38.
	_ "time/tzdata"
	"unicode/utf8"

	"nightjar/schema"
)

type parser struct {
	text     string
	lenient  bool
	at       int
	start    int // of the tag being read
	depth    int
	tags     int
	skipTo   int      // the line of the tag before ends here
	last     *ownText // the node before, where that is text
	warnings []Warning
}

func (p *parser) errorf(at int, message, hint string) error {
	return schema.SyntaxErrorAt(p.text, at, message, hint)
}

func (p *parser) warn(at int, message, hint string) {
	if len(p.warnings) < maxWarnings {
		p.warnings = append(p.warnings, Warning(*schema.SyntaxErrorAt(p.text, at, message, hint)))
	}
}

// forgive makes a warning of an error.
func (p *parser) forgive(err error, instead string) {
	var e *schema.SyntaxError
	if errors.As(err, &e) && len(p.warnings) < maxWarnings {
		p.warnings = append(p.warnings, Warning{Line: e.Line, Column: e.Column, Message: e.Message + ": " + instead, Hint: e.Hint})
	}
}

func (p *parser) template() (*Template, error) {
	if err := p.readable(); err != nil {
		return nil, err
	}
	nodes, _, err := p.list(nil)
	if err != nil {
		return nil, err
	}
	return &Template{source: p.text, nodes: nodes, warnings: p.warnings}, nil
}

// readable bounds the text, and refuses what is none.
func (p *parser) readable() error {
	if len(p.text) > MaxTemplate {
		return p.errorf(0, "the template has "+strconv.Itoa(len(p.text))+" bytes, at most "+strconv.Itoa(MaxTemplate)+" are allowed", "")
	}
	for i, r := range p.text {
		if r == utf8.RuneError && !strings.HasPrefix(p.text[i:], "\uFFFD") {
			return p.errorf(i, "the template is not valid UTF-8", "")
		}
	}
	return nil
}

// tag is what stands between braces: a node, or a part of a block.
type tag struct {
	kind tagKind
	at   int
	node node   // of tagNode
	open *block // of tagOpen
	name string // of tagClose
}

type tagKind uint8

const (
	tagEnd tagKind = iota // there is none: the text ends
	tagNode
	tagOpen
	tagElse
	tagClose
)

// list reads nodes up to the end of the text or, in a block, to the tag that
// ends this part of it.
func (p *parser) list(in *block) ([]node, tag, error) {
	var nodes []node
	for {
		p.last = nil
		if t := p.ownText(); t.source != "" {
			nodes = append(nodes, t)
			p.last = t
		}
		start := p.at
		t, err := p.tag()
		if err != nil && p.lenient && p.tags <= maxTags && !structural(p.text[start:]) {
			nodes = append(nodes, p.asText(start, err))
			continue
		}
		if err != nil {
			return nil, t, err
		}
		switch t.kind {
		case tagNode:
			nodes = append(nodes, t.node)
		case tagOpen:
			if err := p.block(t.open); err != nil {
				return nil, t, err
			}
			nodes = append(nodes, t.open)
		default:
			return nodes, t, p.ends(in, t)
		}
	}
}

// structural reports whether a tag begins, divides or ends a block. Such a tag
// can't be taken for text without changing what others mean.
func structural(text string) bool {
	if strings.HasPrefix(text, "{{{{") {
		return true
	}
	inner := strings.TrimLeft(text, "{ \t\r\n")
	return strings.HasPrefix(inner, "#") || strings.HasPrefix(inner, "^") || strings.HasPrefix(inner, "/") || strings.HasPrefix(inner, "else")
}

// asText makes text of the braces of a tag that makes no sense; what follows
// them is read again.
func (p *parser) asText(start int, err error) node {
	p.forgive(err, "the tag is shown as it is")
	p.at = start + 2
	return &ownText{at: at(start), source: p.text[start:p.at], shown: p.text[start:p.at]}
}

// ends says what is wrong with this end of the list of nodes, if anything.
func (p *parser) ends(in *block, t tag) error {
	switch {
	case t.kind == tagEnd && in == nil:
		return nil
	case t.kind == tagEnd:
		return p.errorf(in.pos(), in.opening()+" is not closed", "write "+in.closing()+" after what it shows")
	case in == nil && t.kind == tagElse:
		return p.errorf(t.at, "{{else}} stands in no block", `write {{#if @name}}…{{else}}…{{/if}}`)
	case in == nil:
		return p.errorf(t.at, "{{/"+t.name+"}} closes nothing", "")
	case t.kind == tagElse && in.hasElse:
		return p.errorf(t.at, "this block has an {{else}} already", "")
	case t.kind == tagClose && t.name != in.test.name:
		open := schema.SyntaxErrorAt(p.text, in.pos(), "", "")
		return p.errorf(t.at, "expected "+in.closing()+", which closes "+in.opening()+" of "+
			strconv.Itoa(open.Line)+":"+strconv.Itoa(open.Column)+", found {{/"+t.name+"}}", "")
	}
	return nil
}

func (b *block) opening() string {
	if b.negated {
		return "{{^" + b.test.name + "}}"
	}
	return "{{#" + b.test.name + "}}"
}

func (b *block) closing() string { return "{{/" + b.test.name + "}}" }

// block reads what a block shows, after its opening tag.
func (p *parser) block(b *block) error {
	if b.raw {
		return nil
	}
	if p.depth++; p.depth > MaxDepth {
		return p.errorf(b.pos(), "blocks are nested more than "+strconv.Itoa(MaxDepth)+" deep", "")
	}
	nodes, t, err := p.list(b)
	if err != nil {
		return err
	}
	b.yes = nodes
	if t.kind == tagElse {
		b.hasElse = true
		if b.no, _, err = p.list(b); err != nil {
			return err
		}
	}
	p.depth--
	return nil
}

// tag reads the tag that stands here.
func (p *parser) tag() (tag, error) {
	start := p.at
	if start >= len(p.text) {
		return tag{kind: tagEnd, at: start}, nil
	}
	if p.tags++; p.tags > maxTags {
		return tag{}, p.errorf(start, "the template has more than "+strconv.Itoa(maxTags)+" tags", "")
	}
	if p.ahead("{{{{") {
		return p.rawBlock(start)
	}
	end := "}}"
	if p.ahead("{{{") {
		end = "}}}"
	}
	p.at += len(end)
	p.skipSpace()
	if p.ahead("!") && end == "}}" {
		return p.comment(start)
	}
	sigil := p.sigil()
	if sigil != 0 && sigil != '&' && end == "}}}" {
		return tag{}, p.errorf(start, "a block has two braces", "write {{"+string(sigil)+"…}}")
	}
	p.skipSpace()
	nameAt := p.at
	name, err := p.name()
	if err != nil {
		return tag{}, err
	}
	if name == "" {
		return tag{}, p.errorf(p.at, "expected the name of a variable, found "+found(p.text[p.at:]), `write \{{ for braces that are text`)
	}
	args, err := p.arguments(end)
	if err != nil {
		return tag{}, err
	}
	p.at += len(end)
	p.start = start
	t, err := p.meaning(sigil, name, nameAt, args)
	t.at = start
	if err != nil {
		return t, err
	}
	if v, ok := t.node.(*variable); ok && end == "}}}" {
		v.triple = true
		p.warn(start, "three braces mean the same as two: values are always escaped", "")
	}
	if t.kind != tagNode {
		p.standAlone(start)
	}
	return t, nil
}

// sigil reads what a tag begins with: # and ^ open a block, / closes it. The
// reference also writes ^# for ^, and & for nothing.
func (p *parser) sigil() byte {
	if p.at >= len(p.text) || strings.IndexByte("#^/&", p.text[p.at]) < 0 {
		return 0
	}
	c := p.text[p.at]
	p.at++
	if c == '^' && p.ahead("#") {
		p.at++
	}
	return c
}

func (p *parser) comment(start int) (tag, error) {
	end := "}}"
	if p.ahead("!--") {
		end = "--}}"
		p.at += len("!--")
	}
	i := strings.Index(p.text[p.at:], end)
	if i < 0 {
		return tag{}, p.errorf(start, "this comment is not closed", "write "+end+" after it")
	}
	p.at += i + len(end)
	p.standAlone(start)
	return tag{kind: tagNode, at: start, node: &comment{at(start), p.text[start:p.at]}}, nil
}

// rawBlock reads `{{{{raw}}}}…{{{{/raw}}}}`, or a condition in place of raw. What
// is inside is text, whatever it looks like.
func (p *parser) rawBlock(start int) (tag, error) {
	p.at += 4
	p.skipSpace()
	nameAt := p.at
	name, err := p.name()
	if err != nil {
		return tag{}, err
	}
	args, err := p.arguments("}}}}")
	if err != nil {
		return tag{}, err
	}
	p.at += 4
	b := &block{at: at(start), raw: true, test: test{name: name}}
	if name != "raw" {
		if b.test, err = p.test(name, nameAt, args); err != nil {
			return tag{}, err
		}
	} else if len(args) > 0 {
		return tag{}, p.errorf(args[0].at, "raw takes nothing after its name", "")
	}
	p.standAlone(start)
	from := p.at
	i := rawEnd(p.text[from:], name)
	if i < 0 {
		return tag{}, p.errorf(start, "{{{{"+name+"}}}} is not closed", "write {{{{/"+name+"}}}} after the text")
	}
	inner := &ownText{at: at(from), source: p.text[from : from+i], shown: p.text[min(max(from, p.skipTo), from+i) : from+i]}
	b.yes = []node{inner}
	closeAt := from + i
	p.at = closeAt + strings.Index(p.text[closeAt:], "}}}}") + 4
	p.last = inner
	p.standAlone(closeAt)
	return tag{kind: tagOpen, at: start, open: b}, nil
}

// rawEnd is where the closing tag of a raw block begins, or −1.
func rawEnd(text, name string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], "{{{{")
		if i < 0 {
			return -1
		}
		rest := strings.TrimLeft(text[from+i+4:], " \t")
		if rest, ok := strings.CutPrefix(rest, "/"); ok {
			if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t"), name); ok && strings.HasPrefix(strings.TrimLeft(rest, " \t"), "}}}}") {
				return from + i
			}
		}
		from += i + 1
	}
}

// meaning says what a tag is, given what is in it.
func (p *parser) meaning(sigil byte, name string, nameAt int, args []argument) (tag, error) {
	switch sigil {
	case '#', '^':
		t, err := p.test(name, nameAt, args)
		return tag{kind: tagOpen, open: &block{at: at(p.start), test: t, negated: sigil == '^'}}, err
	case '/':
		if len(args) > 0 {
			return tag{}, p.errorf(args[0].at, "a closing tag has a name only", "write {{/"+name+"}}")
		}
		return tag{kind: tagClose, name: name}, nil
	}
	if name == "else" {
		if len(args) > 0 {
			return tag{}, p.errorf(args[0].at, "{{else}} takes no condition", "put a block of its own between {{else}} and the closing tag")
		}
		return tag{kind: tagElse}, nil
	}
	n, err := p.inline(name, nameAt, args)
	return tag{kind: tagNode, node: n}, err
}

// functions are what can stand first in a tag that has arguments.
var functions = []string{"eval", "local_time", "urlencode"}

func (p *parser) inline(name string, nameAt int, args []argument) (node, error) {
	switch name {
	case "eval":
		return p.eval(nameAt, args)
	case "local_time":
		return p.localTime(nameAt, args)
	case "urlencode":
		if len(args) != 1 {
			return nil, p.errorf(nameAt, "urlencode takes one variable", `write {{urlencode "service.name"}}`)
		}
		r, err := p.ref(args[0].text, args[0].at)
		return &urlEncode{at(p.start), r}, err
	}
	if len(args) > 0 {
		return nil, p.noFunction(name, nameAt, args[0])
	}
	r, err := p.ref(name, nameAt)
	return &variable{at: at(p.start), ref: r}, err
}

func (p *parser) noFunction(name string, nameAt int, first argument) error {
	for _, b := range blocks {
		if b == name {
			return p.errorf(nameAt, name+" opens a block", "write {{#"+name+" …}}…{{/"+name+"}}")
		}
	}
	if !first.quoted {
		return p.errorf(first.at, "expected }} after "+name+", found "+first.text, "")
	}
	hint := "there are " + strings.Join(functions, ", ")
	if c := closest(name, functions); c != "" {
		hint = "did you mean " + c + "?"
	}
	return p.errorf(nameAt, "no function is called "+name, hint)
}

func (p *parser) eval(nameAt int, args []argument) (node, error) {
	if len(args) != 1 || !args[0].quoted {
		return nil, p.errorf(nameAt, "eval takes one expression in quotes", `write {{eval "first_seen_epoch-15*60*1000"}}`)
	}
	x, err := p.expression(args[0])
	return &evaluation{at(p.start), args[0].text, x}, err
}

func (p *parser) localTime(nameAt int, args []argument) (node, error) {
	if len(args) != 2 || !args[1].quoted {
		return nil, p.errorf(nameAt, "local_time takes a time and a time zone in quotes", `write {{local_time "first_seen" "Asia/Tokyo"}}`)
	}
	r, err := p.ref(args[0].text, args[0].at)
	if err != nil {
		return nil, err
	}
	if kind := builtins[r.name]; r.kind == refPerQuery || r.kind == refBuiltin && kind != builtinDate && kind != builtinEpoch {
		return nil, p.errorf(r.at, r.source+" is no time", "there are timestamp, first_seen and last_seen")
	}
	zone, ok := zoneOf(args[1].text)
	if !ok {
		return nil, p.errorf(args[1].at, "no time zone is called "+strconv.Quote(args[1].text), "write one as Asia/Tokyo or +09:00")
	}
	return &localTime{at(p.start), r, args[1].text, zone}, nil
}

// zoneOf reads the name of a time zone, or an offset from UTC.
func zoneOf(name string) (*time.Location, bool) {
	if at, err := time.Parse("-07:00", name); err == nil {
		_, offset := at.Zone()
		return time.FixedZone(name, offset), true
	}
	plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_/") == ""
	if name == "" || name == "Local" || len(name) > 64 || !plain {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// blocks are the conditions that can open a block.
var blocks = []string{"is_match", "is_exact_match", "if"}

// maxWords bounds the texts that one condition compares with.
const maxWords = 1000

func (p *parser) test(name string, nameAt int, args []argument) (test, error) {
	t := test{name: name}
	switch name {
	case "if":
		if len(args) != 1 {
			return t, p.errorf(nameAt, "if takes one variable", "write {{#if @usr.id}}")
		}
	case "is_match", "is_exact_match":
		if len(args) < 2 || len(args) > maxWords {
			return t, p.errorf(nameAt, name+" takes a variable and the texts to compare it with", "write {{#"+name+` "host.name" "text"}}`)
		}
	default:
		hint := "there are " + strings.Join(blocks, ", ")
		if c := closest(name, blocks); c != "" {
			hint = "did you mean " + c + "?"
		}
		return t, p.errorf(nameAt, "no block is called "+name, hint)
	}
	var err error
	if t.ref, err = p.ref(args[0].text, args[0].at); err != nil {
		return t, err
	}
	for _, a := range args[1:] {
		if _, err := strconv.ParseFloat(a.text, 64); !a.quoted && err != nil {
			return t, p.errorf(a.at, "the text to compare with is in quotes", "write "+quote(a.text))
		}
		t.words = append(t.words, a.text)
	}
	return t, nil
}
