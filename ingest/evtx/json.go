package evtx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// element is one with its values put in.
type element struct {
	name       string
	attributes []filled
	children   []*element
	text       []value // what stands between the children
}

type filled struct {
	name string
	text []value
}

// event writes the event of a record's binary XML as JSON.
func (c *chunk) event(to []byte, at, end int) ([]byte, error) {
	nodes, err := c.fragment(at, end, 0, ofTemplate)
	if err != nil {
		return nil, err
	}
	f := &filling{chunk: c}
	var root element
	if err := f.fill(&root, nodes, nil, 0); err != nil {
		return nil, err
	}
	if len(root.children) != 1 {
		return nil, fmt.Errorf("want one event in a record, got %d", len(root.children))
	}
	e := root.children[0]
	to = append(to, '{')
	to = append(appendQuoted(to, e.name), ':')
	to = e.appendJSON(to, withAttributes)
	return append(to, '}'), nil
}

// filling puts values into templates.
type filling struct {
	chunk *chunk
}

var errTooMuch = errors.New("the records of the chunk unfold to more than any events are")

// fill puts the nodes into an element.
func (f *filling) fill(into *element, nodes []node, values []value, depth int) error {
	if depth > maxDepth {
		return errTooMuch
	}
	for i := range nodes {
		n := &nodes[i]
		if !f.chunk.may(nodeWork) {
			return errTooMuch
		}
		switch n.kind {
		case nodeText:
			into.addText(literal(n.text))
		case nodeInstance:
			if err := f.fill(into, n.instance.content, n.instance.values, depth+1); err != nil {
				return err
			}
		case nodeElement:
			e, err := f.element(n, values, depth)
			if err != nil {
				return err
			}
			into.children = append(into.children, e)
		case nodeValue:
			if err := f.value(into, n.index, values, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// value puts a value where the template wants it. One that is binary XML is more
// of the event.
func (f *filling) value(into *element, index int, values []value, depth int) error {
	if index >= len(values) {
		return nil
	}
	v := values[index]
	if !f.chunk.may(len(v.raw)) {
		return errTooMuch
	}
	if v.kind != typeBinXML {
		into.addText(v)
		return nil
	}
	nodes, err := f.chunk.fragment(v.at, v.at+len(v.raw), depth, ofValue)
	if err != nil {
		return err
	}
	return f.fill(into, nodes, nil, depth+1)
}

func (f *filling) element(n *node, values []value, depth int) (*element, error) {
	e := &element{name: n.text}
	for _, a := range n.attributes {
		var holder element
		if err := f.fill(&holder, a.content, values, depth+1); err != nil {
			return nil, err
		}
		if len(holder.text) > 0 {
			e.attributes = append(e.attributes, filled{a.name, holder.text})
		}
	}
	return e, f.fill(e, n.content, values, depth+1)
}

// literal is text of the template as a value.
func literal(s string) value { return value{kind: literalText, raw: []byte(s)} }

// literalText is the type of text that is UTF-8 already.
const literalText = 0x7f

// addText keeps a value that is one: an empty text is, nothing is not.
func (e *element) addText(v value) {
	if len(v.raw) > 0 && v.kind != typeNull || v.kind == typeString {
		e.text = append(e.text, v)
	}
}

// appendText writes a text: one value as what it is, several as one string.
func appendText(to []byte, text []value) []byte {
	if len(text) == 1 && text[0].kind != literalText {
		return text[0].appendJSON(to)
	}
	return appendQuoted(to, joined(text))
}

// joined is what stands in the text, as XML has it.
func joined(text []value) string {
	var b strings.Builder
	for _, v := range text {
		b.WriteString(v.string())
	}
	return b.String()
}

func (v value) string() string {
	if v.kind == literalText {
		return string(v.raw)
	}
	return v.text()
}

// How an element is written that has attributes and text.
const (
	withAttributes = false
	asData         = true // the text alone
)

// appendJSON writes what the element holds: null, a value, or an object. The
// attributes of data say no more than its name.
func (e *element) appendJSON(to []byte, data bool) []byte {
	switch {
	case len(e.children) > 0 || len(e.attributes) > 0 && !data:
		return e.appendObject(to)
	case len(e.text) > 0:
		return appendText(to, e.text)
	}
	return append(to, "null"...)
}

func (e *element) appendObject(to []byte) []byte {
	o := object{out: append(to, '{')}
	if len(e.attributes) > 0 {
		o.key("#attributes")
		inner := object{out: append(o.out, '{')}
		for _, a := range e.attributes {
			inner.key(a.name)
			inner.out = appendText(inner.out, a.text)
		}
		o.out = append(inner.out, '}')
	}
	if len(e.text) > 0 {
		o.key("#text")
		o.out = appendText(o.out, e.text)
	}
	for _, m := range numbered(e.members()) {
		o.key(m.name)
		o.out = m.append(o.out)
	}
	return append(o.out, '}')
}

// member is what stands under a name: a child, or all values without a name.
type member struct {
	name   string
	append func(to []byte) []byte
}

func (e *element) members() []member {
	container := e.name == "EventData" || e.name == "UserData"
	positional := false
	var out []member
	for _, child := range e.children {
		data := child.name == "Data"
		name := child.name
		if data {
			name = child.dataName()
		}
		switch {
		case data && name != "":
			out = append(out, member{name, func(to []byte) []byte { return child.appendJSON(to, asData) }})
		case data && container && positional:
		case data && container:
			positional = true
			out = append(out, member{"Data", e.appendPositional})
		default:
			out = append(out, member{child.name, func(to []byte) []byte { return child.appendJSON(to, withAttributes) }})
		}
	}
	return out
}

// numbered tells members of one name apart: the last has the name, those before it
// a number from 1.
func numbered(members []member) []member {
	last, taken := map[string]int{}, map[string]bool{}
	for i, m := range members {
		last[m.name], taken[m.name] = i, true
	}
	if len(last) == len(members) {
		return members
	}
	out := make([]member, len(members))
	before, count := map[string]member{}, map[string]int{}
	for i, m := range members {
		earlier, again := before[m.name]
		before[m.name] = m
		if !again {
			out[i] = members[last[m.name]]
			continue
		}
		for n := count[m.name] + 1; ; n++ {
			if key := m.name + "_" + strconv.Itoa(n); !taken[key] {
				out[i], count[m.name], taken[key] = member{key, earlier.append}, n, true
				break
			}
		}
	}
	return out
}

// dataName is the name of a named value.
func (e *element) dataName() string {
	for _, a := range e.attributes {
		if a.name == "Name" {
			return joined(a.text)
		}
	}
	return ""
}

// appendPositional writes the values that have no name: one, or a list of them.
func (e *element) appendPositional(to []byte) []byte {
	var list []byte
	n := 0
	for _, child := range e.children {
		if child.name != "Data" || child.dataName() != "" {
			continue
		}
		if n++; n > 1 {
			list = append(list, ',')
		}
		list = child.appendJSON(list, asData)
	}
	to = append(to, `{"#text":`...)
	if n > 1 {
		return append(append(append(to, '['), list...), "]}"...)
	}
	return append(append(to, list...), '}')
}

// object writes members.
type object struct {
	out   []byte
	begun bool
}

func (o *object) key(name string) {
	if o.begun {
		o.out = append(o.out, ',')
	}
	o.begun = true
	o.out = append(appendQuoted(o.out, name), ':')
}

// appendQuoted writes a string, with no more escapes than JSON wants.
func appendQuoted(to []byte, s string) []byte {
	const digits = "0123456789abcdef"
	to = append(to, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c >= 0x20:
			to = append(to, c)
		case c == '\n':
			to = append(to, `\n`...)
		case c == '\r':
			to = append(to, `\r`...)
		case c == '\t':
			to = append(to, `\t`...)
		default:
			to = append(to, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(to, '"')
}
