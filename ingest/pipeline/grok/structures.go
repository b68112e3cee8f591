package grok

import (
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// parseXML reads an element as an object: of its attributes and elements, what comes
// more than once as an array. An element that has nothing but text is that text; text
// beside attributes or elements is "value". The names of elements and attributes have
// no prefix.
func parseXML(c *Context, text string) *fastjson.Value {
	v := readXML(c, text)
	if v == nil {
		// Some write an entity without its end, as Sysmon of Linux does: it stands for
		// itself, and the rest is XML.
		if mended := strayAmpersand.ReplaceAllString(text, "&amp;$1"); len(mended) > len(text) {
			v = readXML(c, mended)
		}
	}
	return v
}

// strayAmpersand finds an ampersand that begins no entity, and what stands after it.
var strayAmpersand = regexp.MustCompile(`&((?:#?\w{0,8})(?:[^;#\w]|$))`)

// readXML is the first element of a text, nil where there is none.
func readXML(c *Context, text string) *fastjson.Value {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = true
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // the text is UTF-8 by now
	for {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		if start, ok := token.(xml.StartElement); ok {
			v, ok := xmlElement(c, d, start, 0)
			if !ok {
				return nil
			}
			out := c.Arena.NewObject()
			out.Set(start.Name.Local, v)
			return out
		}
	}
}

func xmlElement(c *Context, d *xml.Decoder, start xml.StartElement, depth int) (v *fastjson.Value, ok bool) {
	if depth > maxDepth {
		return nil, false
	}
	members := &members{Context: c}
	for _, a := range start.Attr {
		members.add(a.Name.Local, value.String(c.Arena, a.Value))
	}
	var text strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return nil, false
		}
		switch t := token.(type) {
		case xml.StartElement:
			inner, ok := xmlElement(c, d, t, depth+1)
			if !ok {
				return nil, false
			}
			members.add(t.Name.Local, inner)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			return members.with(strings.TrimSpace(text.String())), true
		}
	}
}

// members gather what an object will have.
type members struct {
	*Context
	object *fastjson.Value
	times  map[string]int
}

// add appends a member; one that comes again makes an array.
func (m *members) add(name string, v *fastjson.Value) {
	if !m.room() {
		return
	}
	if m.object == nil {
		m.object, m.times = m.Arena.NewObject(), map[string]int{}
	}
	switch before := m.times[name]; before {
	case 0:
		m.object.Set(name, v)
	case 1:
		list := m.Arena.NewArray()
		list.SetArrayItem(0, m.object.Get(name))
		list.SetArrayItem(1, v)
		m.object.Set(name, list)
	default:
		m.object.Get(name).SetArrayItem(before, v)
	}
	m.times[name]++
}

func (m *members) with(text string) *fastjson.Value {
	if m.object == nil {
		return value.String(m.Arena, text)
	}
	if text != "" {
		m.add("value", value.String(m.Arena, text))
	}
	return m.object
}

func (p *pattern) csvFilter(f call) apply {
	texts := p.texts(f, 1, 3, filters[f.name].args)
	if p.err != nil {
		return nil
	}
	texts = append(texts, []string{"", ",", `"`}[len(texts):]...)
	if texts[1] == "tab" {
		texts[1] = "\t"
	}
	separator, quote := []rune(texts[1]), []rune(texts[2])
	if len(separator) != 1 || len(quote) != 1 || separator[0] == quote[0] {
		p.fail(f.at, "separator and quote of csv are one character each, and not the same", `write csv("a,b","tab")`)
		return nil
	}
	headers := strings.Split(texts[0], ",")
	for i := range headers {
		headers[i] = strings.TrimSpace(headers[i])
	}
	return func(c *Context, text string, _ *fastjson.Value) *fastjson.Value {
		return readCSV(c.Arena, text, headers, separator[0], quote[0])
	}
}

// readCSV gives each header its field; what is missing or empty is left out, what is
// too much as well.
func readCSV(arena *fastjson.Arena, text string, headers []string, separator, quote rune) *fastjson.Value {
	out := arena.NewObject()
	for _, name := range headers {
		field, quoted, rest, more := csvField(text, separator, quote)
		if field != "" && name != "" {
			v := value.String(arena, field)
			if !quoted {
				v = csvTyped(arena, field)
			}
			out.Set(name, v)
		}
		if text = rest; !more {
			break
		}
	}
	return out
}

// csvTyped is a number where the whole field is a plain decimal one.
func csvTyped(arena *fastjson.Arena, field string) *fastjson.Value {
	if i, err := strconv.ParseInt(field, 10, 64); err == nil && field[0] != '+' {
		return value.Integer(arena, i)
	}
	if numberText(field) {
		if f, err := strconv.ParseFloat(field, 64); err == nil {
			if v := value.Double(arena, f); v != nil {
				return v
			}
		}
	}
	return value.String(arena, field)
}

func csvField(text string, separator, quote rune) (field string, quoted bool, rest string, more bool) {
	trimmed := strings.TrimLeft(text, " ")
	if r, size := utf8.DecodeRuneInString(trimmed); size > 0 && r == quote {
		if field, rest, ok := csvQuoted(trimmed[size:], quote); ok {
			_, rest, more = strings.Cut(rest, string(separator))
			return field, true, rest, more
		}
	}
	field, rest, more = strings.Cut(text, string(separator))
	return strings.TrimSpace(field), false, rest, more
}

// csvQuoted reads up to the closing quote; a doubled one is a quote.
func csvQuoted(text string, quote rune) (field, rest string, ok bool) {
	var b strings.Builder
	q := string(quote)
	for {
		inner, after, found := strings.Cut(text, q)
		if !found {
			return "", "", false
		}
		b.WriteString(inner)
		if !strings.HasPrefix(after, q) {
			return b.String(), after, true
		}
		b.WriteString(q)
		text = after[len(q):]
	}
}

func (p *pattern) arrayFilter(f call) apply {
	brackets, separator := "[]", ","
	var element *filter
	var texts []string
	for i, a := range f.args {
		switch {
		case a.quoted:
			texts = append(texts, a.text)
		case i == len(f.args)-1:
			element = p.namedFilter(call{at: a.at, name: a.text, args: a.args})
		default:
			p.fail(a.at, "array takes its filter last", "write array"+filters[f.name].args)
			return nil
		}
	}
	switch len(texts) {
	case 0:
	case 1:
		separator = texts[0]
	case 2:
		brackets, separator = texts[0], texts[1]
	default:
		p.fail(f.at, "array takes brackets, a separator and a filter", "write array"+filters[f.name].args)
	}
	separator = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(separator)
	ends := []rune(brackets)
	if len(ends) != 0 && len(ends) != 2 || separator == "" {
		p.fail(f.at, "brackets of array are two characters, or none, and its separator is not empty", `write array("[]",",")`)
	}
	if p.err != nil {
		return nil
	}
	return func(c *Context, text string, _ *fastjson.Value) *fastjson.Value {
		return readArray(c, withoutBrackets(text, ends), separator, element)
	}
}

// withoutBrackets cuts the brackets off, where there are some.
func withoutBrackets(text string, ends []rune) string {
	text = strings.TrimSpace(text)
	if len(ends) == 2 {
		open, shut := string(ends[0]), string(ends[1])
		if strings.HasPrefix(text, open) && strings.HasSuffix(text, shut) && len(text) >= len(open)+len(shut) {
			return text[len(open) : len(text)-len(shut)]
		}
	}
	return text
}

// readArray is nil when the filter refuses an element.
func readArray(c *Context, text, separator string, element *filter) *fastjson.Value {
	list := c.Arena.NewArray()
	if strings.TrimSpace(text) == "" {
		return list
	}
	for i, item := range strings.Split(text, separator) {
		item = strings.Trim(item, " ")
		v := value.String(c.Arena, item)
		if element != nil {
			if v = element.apply(c, item, nil); v == nil {
				return nil
			}
		}
		list.SetArrayItem(i, v)
	}
	return list
}
