package pipeline

import (
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// Merge is ours: it copies the members of an object to where they are asked for, whatever
// their names, as the data of an event of Windows, which each sender wraps in another way.
// The first source that has members counts: an object, a list of objects, or, with
// name_key and value_key, objects that each hold a name and its value. What is there
// already stays, unless override_on_conflict says otherwise.
type Merge struct {
	Base
	Sources []string `json:"sources"`
	// Target is where the members go; empty: to the attributes themselves.
	Target   string   `json:"target,omitempty"`
	NameKey  string   `json:"name_key,omitempty"`
	ValueKey string   `json:"value_key,omitempty"`
	Exclude  []string `json:"exclude,omitempty"`
	Preserve bool     `json:"preserve_source"`
	Override bool     `json:"override_on_conflict"`

	paths  []record.Path
	target record.Path
}

func readMerge(o *object, b Base) Processor {
	m := &Merge{Base: b, Preserve: o.flagOr("preserve_source", true), Override: o.flagOr("override_on_conflict", false)}
	m.Sources, m.paths = o.attributes("sources")
	if o.find("target") != nil {
		m.Target, m.target = o.attribute("target", "")
	}
	m.NameKey, m.ValueKey = o.textOr("name_key", ""), o.textOr("value_key", "")
	m.Exclude = o.texts("exclude")
	if (m.NameKey == "") != (m.ValueKey == "") {
		o.problem("name_key", "name_key and value_key go together", "name both, or none where the objects have the names as their keys")
	}
	return m
}

func (m *Merge) run(x *run) outcome {
	for i, p := range m.paths {
		from := x.Get(p)
		if from == nil {
			continue
		}
		out := x.Arena.NewObject()
		if !m.collect(x, out, from) {
			continue
		}
		if err := x.make(out); err != nil {
			return failed(err)
		}
		m.write(x, out)
		if !m.Preserve {
			x.take(m.paths[i])
		}
		return applied
	}
	return skipped("none of its sources has members")
}

// collect puts copies of the members of a value into an object; false: it has none.
func (m *Merge) collect(x *run, out, from *fastjson.Value) (some bool) {
	switch from.Type() {
	case fastjson.TypeArray:
		for _, v := range from.GetArray() {
			if v.Type() == fastjson.TypeObject && m.collect(x, out, v) {
				some = true
			}
		}
	case fastjson.TypeObject:
		if m.NameKey != "" {
			name, ok := textAt(from, m.NameKey)
			if value := from.Get(m.ValueKey); ok && value != nil {
				m.add(x, out, name, value)
			}
			return ok
		}
		from.GetObject().Visit(func(k []byte, v *fastjson.Value) {
			m.add(x, out, string(k), v)
			some = true
		})
	}
	return some
}

func textAt(v *fastjson.Value, key string) (string, bool) {
	inner := v.Get(key)
	if inner == nil {
		return "", false
	}
	text, ok := record.Text(inner)
	return text, ok && text != ""
}

func (m *Merge) add(x *run, out *fastjson.Value, name string, v *fastjson.Value) {
	if v.Type() == fastjson.TypeNull || slices.Contains(m.Exclude, name) || !m.Override && m.isThere(x, name) {
		return
	}
	out.Set(name, x.Clone(v))
}

// isThere reports whether there is a member of the name where it would go.
func (m *Merge) isThere(x *run, name string) bool {
	if m.Target != "" {
		at := x.Get(m.target)
		return at != nil && at.Get(name) != nil
	}
	for _, a := range x.Attributes() {
		if a.Key == name && a.Value.Type() != fastjson.TypeNull {
			return true
		}
	}
	return false
}

// write puts the members where they go.
func (m *Merge) write(x *run, members *fastjson.Value) {
	if x.trace != nil {
		members.GetObject().Visit(func(k []byte, v *fastjson.Value) {
			x.trace.set(strings.TrimPrefix(m.Target+"."+string(k), "."), v)
		})
	}
	if m.Target != "" {
		names := strings.Split(m.Target, ".")
		for _, name := range slices.Backward(names) {
			outer := x.Arena.NewObject()
			outer.Set(name, members)
			members = outer
		}
	}
	x.Merge(members.GetObject())
}
