package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tokens of binary XML, without the bit that says that more of the kind follow.
const (
	tokenEnd          = 0x00
	tokenElement      = 0x01
	tokenCloseStart   = 0x02
	tokenCloseEmpty   = 0x03
	tokenEndElement   = 0x04
	tokenValue        = 0x05
	tokenAttribute    = 0x06
	tokenCDATA        = 0x07
	tokenCharacter    = 0x08
	tokenEntity       = 0x09
	tokenPITarget     = 0x0a
	tokenPIData       = 0x0b
	tokenTemplate     = 0x0c
	tokenSubstitution = 0x0d
	tokenOptional     = 0x0e
	tokenFragment     = 0x0f

	tokenMore = 0x40
)

// maxDepth bounds how deep elements nest: real ones stay far below.
const maxDepth = 64

// maxWork bounds what is done for a chunk, in bytes that are read or written: records
// may refer to something small many times. Real ones take a hundredth.
// A piece of XML counts as nodeWork.
const (
	maxWork  = 8 << 20
	nodeWork = 16
)

// node is a piece of XML before its values are put in.
type node struct {
	kind nodeKind
	// text is that of literal text, and the name of an element.
	text string
	// index is of the value that stands here.
	index      int
	attributes []attribute
	content    []node
	instance   *instance
}

type nodeKind uint8

const (
	nodeText nodeKind = iota
	nodeValue
	nodeElement
	nodeInstance
)

type attribute struct {
	name    string
	content []node
}

// instance is a template with its values.
type instance struct {
	content []node
	values  []value
}

// chunk is 64 KiB of a log. Names and templates are kept in it once, and found by
// their offset.
type chunk struct {
	data      []byte
	names     map[int]string
	templates map[int]*template
	work      int
}

type template struct {
	content []node
	err     error
}

// may counts work, and reports whether there may be so much.
func (c *chunk) may(work int) bool {
	c.work += work
	return c.work <= maxWork
}

func newChunk(data []byte) *chunk {
	return &chunk{data: data, names: map[int]string{}, templates: map[int]*template{}}
}

// Where a fragment is from.
const (
	ofValue    = false
	ofTemplate = true // its elements have identifiers
)

// fragment reads the XML of [at, end). Elements of a template's definition have an
// identifier that those of values lack.
func (c *chunk) fragment(at, end, depth int, identified bool) ([]node, error) {
	if !c.may(end - at) {
		return nil, errTooMuch
	}
	p := &parser{chunk: c, cursor: cursor{data: c.data, at: at, end: end}, identified: identified}
	nodes := p.content(depth, ofFragment)
	return nodes, p.err
}

// parser reads one stretch of binary XML.
type parser struct {
	cursor
	chunk      *chunk
	identified bool
}

// What content is read of.
const (
	ofElement  = false
	ofFragment = true
)

// content reads what an element holds, up to its end; of a fragment, up to the end
// of that.
func (p *parser) content(depth int, fragment bool) []node {
	var out []node
	if depth > maxDepth {
		p.fail("elements nest more than %d deep", maxDepth)
	}
	for !p.done() {
		token := p.byte()
		switch token &^ tokenMore {
		case tokenEnd:
			if !fragment {
				p.fail("an element is not closed")
			}
			return out
		case tokenEndElement:
			if fragment {
				p.fail("an element is closed that was not opened")
			}
			return out
		case tokenElement:
			out = append(out, p.element(token&tokenMore != 0, depth))
		case tokenTemplate:
			out = append(out, p.template(depth))
		case tokenFragment:
			p.take(3) // versions and flags
		case tokenPITarget:
			p.name()
		case tokenPIData:
			p.text()
		default:
			n, ok := p.simple(token)
			if !ok {
				p.fail("unknown token %#02x in binary XML", token)
				return out
			}
			out = append(out, n)
		}
	}
	if !fragment && p.err == nil {
		p.err = errCut
	}
	return out
}

// simple reads what may stand in an attribute too.
func (p *parser) simple(token byte) (node, bool) {
	switch token &^ tokenMore {
	case tokenValue:
		return node{text: p.literal()}, true
	case tokenCDATA:
		return node{text: p.text()}, true
	case tokenCharacter:
		return node{text: string(rune(p.uint16()))}, true
	case tokenEntity:
		return node{text: entity(p.name())}, true
	case tokenSubstitution, tokenOptional:
		n := node{kind: nodeValue, index: p.uint16()}
		p.byte() // the type that the template expects; the value has its own
		return n, true
	}
	return node{}, false
}

// literal is a value that stands in the XML itself.
func (p *parser) literal() string {
	v := value{kind: p.byte()}
	if v.kind == typeString {
		return p.text()
	}
	size, ok := sizes[v.kind]
	if !ok {
		p.fail("a value of type %#02x in the text of binary XML", v.kind)
		return ""
	}
	v.raw = p.take(size)
	return v.text()
}

func entity(name string) string {
	if c, ok := map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}[name]; ok {
		return c
	}
	return "&" + name + ";"
}

func (p *parser) element(attributed bool, depth int) node {
	if p.hasIdentifier() {
		p.uint16()
	}
	p.uint32() // its size: that its end is where it should be shows anyway
	n := node{kind: nodeElement, text: p.name()}
	if attributed {
		p.uint32() // the size of the list
		for !p.done() && p.data[p.at]&^tokenMore == tokenAttribute {
			p.byte()
			n.attributes = append(n.attributes, p.attribute())
		}
	}
	switch token := p.byte(); token {
	case tokenCloseEmpty:
	case tokenCloseStart:
		n.content = p.content(depth+1, ofElement)
	default:
		p.fail("want the end of a tag, got token %#02x", token)
	}
	return n
}

func (p *parser) attribute() attribute {
	a := attribute{name: p.name()}
	for !p.done() {
		n, ok := p.simpleNext()
		if !ok {
			break
		}
		a.content = append(a.content, n)
	}
	return a
}

func (p *parser) simpleNext() (node, bool) {
	switch p.data[p.at] &^ tokenMore {
	case tokenValue, tokenCharacter, tokenEntity, tokenSubstitution, tokenOptional, tokenCDATA:
		return p.simple(p.byte())
	}
	return node{}, false
}

// hasIdentifier reports whether an identifier stands before the size of an element.
// Writers differ where no template is defined, so what follows is looked at.
func (p *parser) hasIdentifier() bool {
	with, without := p.elementAt(p.at+2), p.elementAt(p.at)
	if with != without {
		return with
	}
	return p.identified
}

// elementAt reports whether size and name of an element may stand here.
func (p *parser) elementAt(at int) bool {
	if at+8 > p.end {
		return false
	}
	size, name := int(binary.LittleEndian.Uint32(p.data[at:])), int(binary.LittleEndian.Uint32(p.data[at+4:]))
	return size <= p.end-at && (name == at+8 || name >= chunkHeader && name < at)
}

// name reads the offset of a name, and the name itself where it stands here.
func (p *parser) name() string {
	offset := p.uint32()
	if p.err != nil {
		return ""
	}
	if offset == p.at {
		n := cursor{data: p.data, at: p.at, end: p.end}
		s := readName(&n)
		p.at, p.err = n.at, n.err
		p.chunk.names[offset] = s
		return s
	}
	if s, ok := p.chunk.names[offset]; ok {
		return s
	}
	n := cursor{data: p.data, at: min(offset, len(p.data)), end: len(p.data)}
	s := readName(&n)
	if n.err != nil {
		p.fail("a name is said to stand at %d of the chunk and does not", offset)
		return ""
	}
	p.chunk.names[offset] = s
	return s
}

func readName(c *cursor) string {
	c.uint32() // the next name with the same hash
	c.uint16() // the hash
	s := c.text()
	c.uint16() // NUL
	return s
}

// template reads an instance: which template, defined here or before, and values.
func (p *parser) template(depth int) node {
	p.byte()
	p.uint32() // its id: the beginning of the definition's GUID
	offset := p.uint32()
	if p.err != nil {
		return node{}
	}
	if offset == p.at {
		p.take(20) // the next definition, and the GUID
		p.take(p.uint32())
	}
	i := &instance{values: p.values()}
	if p.err == nil {
		i.content, p.err = p.chunk.definition(offset, depth+1)
	}
	return node{kind: nodeInstance, instance: i}
}

var errCycle = errors.New("a template holds itself")

// definition is that of the template at an offset.
func (c *chunk) definition(offset, depth int) ([]node, error) {
	if t, ok := c.templates[offset]; ok {
		return t.content, t.err
	}
	t := &template{err: errCycle}
	c.templates[offset] = t
	head := cursor{data: c.data, at: min(offset, len(c.data)), end: len(c.data)}
	head.take(20)
	size := head.uint32()
	at := head.at
	if head.take(size); head.err != nil {
		t.err = fmt.Errorf("a template is said to stand at %d of the chunk and does not", offset)
	} else {
		t.content, t.err = c.fragment(at, at+size, depth, ofTemplate)
	}
	return t.content, t.err
}

// values reads the values of an instance: their sizes and types, then themselves.
func (p *parser) values() []value {
	n := p.uint32()
	if p.err != nil || n > (p.end-p.at)/4 {
		p.fail("a template is said to have %d values", n)
		return nil
	}
	out := make([]value, n)
	sizes := make([]int, n)
	for i := range out {
		sizes[i] = p.uint16()
		out[i].kind = p.byte()
		p.byte()
	}
	for i := range out {
		out[i].at = p.at
		out[i].raw = p.take(sizes[i])
	}
	return out
}
