package conformance

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"nightjar/secl"
	"nightjar/secl/event"
)

// described is a model as a file describes it, in words.
type described struct {
	Fields    map[string]string `json:"fields"`
	Constants string            `json:"constants"`
}

// row is an event of a described model.
type row struct {
	values map[string]any
	read   map[string]bool // the fields that an evaluation has read
}

func (r *row) get(name string) any {
	if r.read != nil {
		r.read[name] = true
	}
	return r.values[name]
}

var (
	braced    = regexp.MustCompile(`^(.*)\.\{(.*)\}$`)
	inEvent   = regexp.MustCompile(`event (\w+)`)
	overrides = regexp.MustCompile(`(\d+) overrides`)
)

// build makes the model of a description. A field's description begins with its
// type; what else it says of the field is found by its words.
func (d *described) build() (*secl.Model, error) {
	m := secl.NewModel()
	events := map[string]bool{}
	for _, text := range d.Fields {
		if found := inEvent.FindStringSubmatch(text); found != nil {
			events[found[1]] = true
			m.AddEvent(secl.EventType{Name: found[1]})
		}
	}
	d.addConstants(m)
	for name, text := range d.Fields {
		prefix, _, _ := strings.Cut(name, ".")
		of := ""
		if events[prefix] {
			of = prefix
		}
		var err error
		if found := braced.FindStringSubmatch(name); found != nil && strings.HasPrefix(text, "iterator") {
			err = addIterator(m, found[1], strings.Split(found[2], ","), strings.Split(strings.Fields(text)[1], "/"), of)
		} else {
			err = addField(m, name, text, of)
		}
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
	}
	return m, nil
}

// addConstants adds the constants that the description names: families of Linux
// by their words, and names that stand there with their values left to us.
func (d *described) addConstants(m *secl.Model) {
	for _, k := range event.Model().Constants() {
		if k.Family == "errors" && strings.Contains(d.Constants, "POSITIVE") {
			k.Value.Int = -k.Value.Int
		}
		if k.Family == "errors" || strings.HasPrefix(k.Name, "O_") {
			m.AddConstant(k)
		}
	}
	for _, name := range regexp.MustCompile(`\bmy_\w+`).FindAllString(d.Constants, -1) {
		m.AddConstant(secl.Constant{Name: name, Family: "described", Value: secl.TextValue(name)})
	}
}

func addField(m *secl.Model, name, text, of string) error {
	f := secl.Field{Name: name, Event: of, Path: strings.Contains(text, "path-glob")}
	kind := strings.Trim(strings.Fields(text)[0], ",")
	read := func(c *secl.Context) any { return c.Event.(*row).get(name) }
	switch kind {
	case "string":
		f.Read = func(c *secl.Context) string { s, _ := read(c).(string); return s }
	case "int":
		f.Read = func(c *secl.Context) int64 { return toInt(read(c), c.Now) }
	case "bool":
		f.Read = func(c *secl.Context) bool { b, _ := read(c).(bool); return b }
	case "cidr":
		f.Read = func(c *secl.Context) netip.Prefix { return toNet(read(c)) }
	case "cidr[]":
		f.Read = func(c *secl.Context) []netip.Prefix {
			list, _ := read(c).([]any)
			out := make([]netip.Prefix, len(list))
			for i, v := range list {
				out[i] = toNet(v)
			}
			return out
		}
	case "string[]":
		// An array of objects, of which the last part of the name is a member.
		at := strings.LastIndexByte(name, '.')
		f.Read = func(c *secl.Context) []string {
			list, _ := c.Event.(*row).get(name[:at]).([]any)
			out := make([]string, len(list))
			for i, v := range list {
				out[i], _ = member(v, name[at+1:]).(string)
			}
			return out
		}
	default:
		return fmt.Errorf("no type %q", kind)
	}
	if strings.Contains(text, ">=0") {
		f.Check = func(v secl.Value) error {
			if v.Int < 0 {
				return fmt.Errorf("it is never negative")
			}
			return nil
		}
	}
	override(&f, text)
	m.AddField(f)
	return nil
}

// override gives a field the further readings that its description means. The
// one operator override replaces whatever the field is compared with by "abc";
// three are the value in lower case, as a title and in upper case.
func override(f *secl.Field, text string) {
	if strings.Contains(text, "with operator override") {
		f.Instead = []string{"abc"}
	}
	if found := overrides.FindStringSubmatch(text); found != nil {
		read := f.Read.(func(*secl.Context) string)
		for _, change := range []func(string) string{strings.ToLower, title, strings.ToUpper} {
			f.Also = append(f.Also, func(c *secl.Context) string { return change(read(c)) })
		}
	}
}

func title(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// addIterator adds an iterator whose elements are objects.
func addIterator(m *secl.Model, name string, members, kinds []string, of string) error {
	list := func(c *secl.Context) []any { l, _ := c.Event.(*row).get(name).([]any); return l }
	it := &secl.Iterator{Name: name, Len: func(c *secl.Context) int { return len(list(c)) }}
	m.AddIterator(it, of)
	for i, part := range members {
		if part == "length" {
			continue
		}
		f := secl.Field{Name: name + "." + part, Event: of, Iterator: it}
		read := func(c *secl.Context, i int) any {
			if r := c.Event.(*row); r.read != nil {
				r.read[f.Name] = true
			}
			return member(list(c)[i], part)
		}
		switch kinds[min(i, len(kinds)-1)] {
		case "int":
			f.Read = func(c *secl.Context, i int) int64 { return toInt(read(c, i), c.Now) }
		case "string":
			f.Read = func(c *secl.Context, i int) string { s, _ := read(c, i).(string); return s }
		case "bool":
			f.Read = func(c *secl.Context, i int) bool { b, _ := read(c, i).(bool); return b }
		default:
			return fmt.Errorf("no type %q", kinds[min(i, len(kinds)-1)])
		}
		m.AddField(f)
	}
	return nil
}

func member(v any, name string) any {
	object, _ := v.(map[string]any)
	return object[name]
}

// toInt reads a number, or a time like now-4s.
func toInt(v any, now int64) int64 {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return n
	case string:
		if offset, ok := strings.CutPrefix(v, "now"); ok {
			d, _ := time.ParseDuration(offset)
			return now + int64(d)
		}
	}
	return 0
}

func toNet(v any) netip.Prefix {
	s, _ := v.(string)
	n, _ := secl.ParseNet(s)
	return n
}

// variables are those of the described model: what the event says they are, and
// two that always exist.
func variables(of map[string]any) map[string]*secl.Var {
	values := map[string]any{"pid": json.Number("4242"), "str": "aaa"}
	given, _ := of["$vars"].(map[string]any)
	for name, v := range given {
		values[name] = v
	}
	out := map[string]*secl.Var{}
	for name, v := range values {
		variable := &secl.Var{Name: name}
		switch v := v.(type) {
		case json.Number:
			n, _ := v.Int64()
			variable.Read = func(*secl.Context) int64 { return n }
		case string:
			variable.Read = func(*secl.Context) string { return v }
		case bool:
			variable.Read = func(*secl.Context) bool { return v }
		case []any:
			variable.Read = listReader(v)
		default:
			continue
		}
		out[name] = variable
	}
	return out
}

// listReader reads a list: of integers if its first member is one, else of texts.
func listReader(list []any) any {
	var numbers []int64
	var texts []string
	for _, v := range list {
		if n, ok := v.(json.Number); ok {
			i, _ := n.Int64()
			numbers = append(numbers, i)
		}
		texts = append(texts, fmt.Sprint(v))
	}
	if len(numbers) > 0 {
		return func(*secl.Context) []int64 { return numbers }
	}
	return func(*secl.Context) []string { return texts }
}
