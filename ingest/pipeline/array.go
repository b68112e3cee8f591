package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/record"
)

// ArrayProcessor does one thing to an array.
type ArrayProcessor struct {
	Base
	Operation Operation `json:"operation"`
}

// Operation is what is done: select, length, append or key-value.
type Operation struct {
	Type   string
	Source string
	Target string
	// Filter and Value are select's: key:value, and what is taken of the element.
	Filter, Value string
	// Key and Value are key-value's, as is Override.
	Key      string
	Override bool
	// Preserve is append's.
	Preserve bool

	source, target, key, value record.Path
	want                       string
}

// MarshalJSON writes the members that the operation has.
func (p Operation) MarshalJSON() ([]byte, error) {
	out := map[string]any{"type": p.Type, "source": p.Source, "target": p.Target}
	switch p.Type {
	case opSelect:
		out["filter"], out["value_to_extract"] = p.Filter, p.Value
	case opAppend:
		out["preserve_source"] = p.Preserve
	case opKeyValue:
		out["key_to_extract"], out["value_to_extract"], out["override_on_conflict"] = p.Key, p.Value, p.Override
		if p.Target == "" {
			delete(out, "target")
		}
	}
	return json.Marshal(out)
}

const (
	opSelect   = "select"
	opLength   = "length"
	opAppend   = "append"
	opKeyValue = "key-value"
)

func readArray(o *object, b Base) Processor {
	a := &ArrayProcessor{Base: b}
	inner := o.inner("operation")
	if inner == nil {
		if o.find("operation") == nil {
			o.need("operation")
		}
		return a
	}
	a.Operation = inner.operation()
	inner.end()
	return a
}

func (o *object) operation() Operation {
	p := Operation{Type: o.oneOf("type", required, opSelect, opLength, opAppend, opKeyValue)}
	p.Source, p.source = o.attribute("source", "")
	if p.Type != opKeyValue || o.find("target") != nil {
		p.Target, p.target = o.attribute("target", "")
	}
	switch p.Type {
	case opSelect:
		p.Filter = o.filled("filter")
		key, want, ok := strings.Cut(p.Filter, ":")
		if !ok || key == "" {
			o.problem("filter", "the filter is no key:value", `write it as in "name:Referrer"`)
			break
		}
		if quoted := len(want) > 1 && want[0] == '"' && want[len(want)-1] == '"'; quoted {
			want = want[1 : len(want)-1]
		}
		p.key, p.want = o.pathOf(o.find("filter"), o.path("filter"), key), want
		p.Value, p.value = o.attribute("value_to_extract", "")
	case opAppend:
		p.Preserve = o.flagOr("preserve_source", true)
	case opKeyValue:
		p.Key, p.key = o.attribute("key_to_extract", "")
		p.Value, p.value = o.attribute("value_to_extract", "")
		p.Override = o.flagOr("override_on_conflict", false)
	}
	return p
}

func (a *ArrayProcessor) run(x *run) outcome {
	p := &a.Operation
	v := x.get(p.source)
	if v == nil {
		return skipped("its source is missing")
	}
	if p.Type == opAppend {
		return p.append(x, v)
	}
	if v.Type() != fastjson.TypeArray {
		return skipped("its source is no array")
	}
	switch p.Type {
	case opLength:
		return x.putNew(p.target, value.Integer(x.Arena, int64(len(v.GetArray()))))
	case opSelect:
		return p.choose(x, v.GetArray())
	}
	return p.spread(x, v.GetArray())
}

// choose takes the value of the first element that has the key with the wanted value.
func (p *Operation) choose(x *run, elements []*fastjson.Value) outcome {
	for _, e := range elements {
		if text, ok := record.Text(x.Within(e, p.key)); !ok || text != p.want {
			continue
		}
		found := x.Within(e, p.value)
		if found == nil {
			return skipped("the element that matches has no " + p.Value)
		}
		kept, err := x.copyOf(found)
		if err != nil {
			return failed(err)
		}
		x.put(p.target, kept)
		return applied
	}
	return skipped("no element matches")
}

// append puts the source at the end of the target, which becomes an array if it is none.
func (p *Operation) append(x *run, v *fastjson.Value) outcome {
	kept, err := x.copyOf(v)
	if err != nil {
		return failed(err)
	}
	if !p.Preserve {
		x.take(p.source)
	}
	list := x.Arena.NewArray()
	n := 0
	if had := x.Get(p.target); had != nil && had.Type() == fastjson.TypeArray {
		for _, e := range had.GetArray() {
			list.SetArrayItem(n, e)
			n++
		}
	} else if had != nil {
		list.SetArrayItem(n, had)
		n++
	}
	list.SetArrayItem(n, kept)
	x.put(p.target, list)
	return applied
}

// maxSpread is how many elements key-value takes: each is looked for among the others.
const maxSpread = 1000

// spread makes an attribute of each element: its key is the name.
func (p *Operation) spread(x *run, elements []*fastjson.Value) outcome {
	if len(elements) > maxSpread {
		return failed(fmt.Errorf("the array has %d elements; %d are the most", len(elements), maxSpread))
	}
	wrote := false
	for _, e := range elements {
		key, ok := record.Text(x.Within(e, p.key))
		found := x.Within(e, p.value)
		if !ok || found == nil {
			continue
		}
		at, err := record.ParsePath(strings.TrimPrefix(p.Target+"."+key, "."))
		if err != nil || !p.Override && x.Has(at) {
			continue
		}
		kept, err := x.copyOf(found)
		if err != nil {
			return failed(err)
		}
		x.put(at, kept)
		if wrote = true; x.overdue(cheap) {
			return failed(errStopped)
		}
	}
	if !wrote {
		return skipped("no element has a key and a value that are not there already")
	}
	return applied
}
