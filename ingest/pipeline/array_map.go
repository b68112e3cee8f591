package pipeline

import (
	"fmt"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// ArrayMap makes an element of the target of each element of the source.
type ArrayMap struct {
	Base
	Source     string      `json:"source"`
	Target     string      `json:"target"`
	Preserve   bool        `json:"preserve_source"`
	Processors []Processor `json:"processors"`

	source, target record.Path
}

// The names under which the processors within see the element that is read, and the
// one that is written. While they run, these are attributes of the record.
const (
	sourceElement = "$sourceElem"
	targetElement = "$targetElem"
)

var sourcePath, targetPath = mustPath(sourceElement), mustPath(targetElement)

func mustPath(text string) record.Path {
	p, err := record.ParsePath(text)
	if err != nil {
		panic(err)
	}
	return p
}

// maxMapped is how many elements are mapped, as the vendor has it.
const maxMapped = 50

func readArrayMap(o *object, b Base) Processor {
	b.dear = true
	m := &ArrayMap{Base: b, Preserve: o.flagOr("preserve_source", true)}
	m.Source, m.source = o.attribute("source", "")
	m.Target, m.target = o.attribute("target", "")
	if m.Processors = o.processors("processors", elementLevel); len(o.list("processors")) == 0 {
		o.problem("processors", "there is no processor", "write at least one")
	}
	if m.Source == m.Target && m.Source != "" && !m.Preserve {
		o.problem("preserve_source", "the source is the target, and cannot be removed", "leave preserve_source out")
	}
	for i, p := range m.Processors {
		if target := targetOf(p); target != targetElement && !strings.HasPrefix(target, targetElement+".") {
			n := o.list("processors")[min(i, len(o.list("processors"))-1)]
			o.problemAt(n, p.base().place+".target", fmt.Sprintf("the target %q is not of the element", shortened(target)), "begin it with "+targetElement)
		}
	}
	return m
}

func targetOf(p Processor) string {
	switch p := p.(type) {
	case *AttributeRemapper:
		return p.Target
	case *StringBuilder:
		return p.Target
	case *Arithmetic:
		return p.Target
	case *CategoryProcessor:
		return p.Target
	}
	return ""
}

func (m *ArrayMap) run(x *run) outcome {
	v := x.get(m.source)
	if v == nil {
		return skipped("its source is missing")
	}
	if v.Type() != fastjson.TypeArray {
		return skipped("its source is no array")
	}
	out, n := x.Arena.NewArray(), 0
	add := func(e *fastjson.Value) {
		out.SetArrayItem(n, e)
		n++
	}
	var had []*fastjson.Value
	if t := x.Get(m.target); t != nil {
		had = t.GetArray()
	}
	for i, e := range v.GetArray() {
		if i == maxMapped {
			break
		}
		var onto *fastjson.Value
		if i < len(had) {
			onto = had[i]
		}
		mapped, err := m.element(x, e, onto)
		if err != nil {
			return failed(err)
		}
		add(mapped)
	}
	for n < len(had) {
		add(had[n])
	}
	if !m.Preserve {
		x.take(m.source)
	}
	x.put(m.target, out)
	return applied
}

// element runs the processors for one element, onto the one that is there already.
func (m *ArrayMap) element(x *run, e, onto *fastjson.Value) (*fastjson.Value, error) {
	step := x.trace
	x.trace = nil
	defer func() {
		x.Delete(sourcePath)
		x.Delete(targetPath)
		x.trace = step
	}()
	x.Set(sourcePath, e)
	if onto != nil {
		kept, err := x.copyOf(onto)
		if err != nil {
			return nil, err
		}
		x.Set(targetPath, kept)
	}
	for _, p := range m.Processors {
		if out := p.run(x); out.Outcome == Failed {
			return nil, out.err
		}
		if x.overdue(cheap) {
			return nil, errStopped
		}
	}
	if made := x.Get(targetPath); made != nil {
		return made, nil
	}
	return x.Arena.NewObject(), nil
}
