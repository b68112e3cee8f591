package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightjar/secl"
)

// Decode reads an event from JSON: `type`, and fields by their names, with dots
// or as objects in objects. process.ancestors is a list of processes, the parent
// first. A time is nanoseconds since 1970, or now-4s. Arguments and paths give
// what follows from them unless that is there too.
func Decode(text []byte, now int64) (*Event, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, fmt.Errorf("the event is no JSON object: %w", err)
	}
	e := &Event{}
	return e, e.Fill(object, now)
}

// Fill sets the fields of an event from the values of a JSON object.
func (e *Event) Fill(object map[string]any, now int64) error {
	kind, ok := object["type"].(string)
	if !ok {
		return errors.New("the event has no type")
	}
	if Model().Event(kind) == nil {
		return fmt.Errorf("no events have the type %q", kind)
	}
	e.Type = kind
	flat := map[string]any{}
	flatten(flat, "", object)
	delete(flat, "type")
	var problems error
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		problems = errors.Join(problems, e.setField(name, flat[name], now))
	}
	e.derive(flat)
	return problems
}

// flatten writes objects in objects as names with dots.
func flatten(to map[string]any, prefix string, object map[string]any) {
	for name, v := range object {
		if inner, ok := v.(map[string]any); ok {
			flatten(to, prefix+name+".", inner)
		} else {
			to[prefix+name] = v
		}
	}
}

func (e *Event) setField(name string, v any, now int64) error {
	if list, ok := v.([]any); ok && name == "process.ancestors" {
		return e.setAncestors(list, now)
	}
	f := Model().Field(name)
	if f == nil {
		return fmt.Errorf("no field %q", name)
	}
	if f.Event != "" && f.Event != e.Type {
		return fmt.Errorf("%s: it is a field of %s events, not of %s", name, f.Event, e.Type)
	}
	set := declared().set[f.Name]
	if set == nil {
		return fmt.Errorf("%s: it follows from other fields and can't be set", name)
	}
	if f.Type() == (secl.Type{Kind: secl.Int}) {
		v = relative(v, now)
	}
	if err := set(e, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// relative reads now, now-4s and now+2s; anything else is left to others.
func relative(v any, now int64) any {
	s, ok := v.(string)
	offset, found := strings.CutPrefix(s, "now")
	if !ok || !found {
		return v
	}
	if offset == "" {
		return json.Number(fmt.Sprint(now))
	}
	d, err := time.ParseDuration(offset)
	if err != nil {
		return v
	}
	return json.Number(fmt.Sprint(now + int64(d)))
}

// setAncestors sets the chain of parents.
func (e *Event) setAncestors(list []any, now int64) error {
	p := process(e, orNew)
	for i, v := range list {
		object, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("process.ancestors[%d]: got %v, want an object", i, v)
		}
		p = present(&p.Parent, orNew)
		one := &Event{Type: e.Type, Process: p}
		flat := map[string]any{}
		flatten(flat, "process.", object)
		for _, name := range slices.Sorted(maps.Keys(flat)) {
			if err := one.setField(name, flat[name], now); err != nil {
				return fmt.Errorf("process.ancestors[%d]: %w", i, err)
			}
		}
		one.derive(flat)
	}
	return nil
}

// derive sets what follows from what was given.
func (e *Event) derive(given map[string]any) {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { _, ok := given[n]; return ok })
	}
	for prefix, p := range map[string]*Process{"process.": e.Process, "exec.": e.Process, "process.parent.": process(e, orNone).Parent} {
		if p == nil {
			continue
		}
		if has(prefix+"argv") && !has(prefix+"args", prefix+"args_flags", prefix+"args_options") {
			p.SetArgv(append([]string{p.Argv0}, p.Argv...))
		}
		p.File.derive(has, prefix+"file.")
		p.Interpreter.derive(has, prefix+"interpreter.file.")
	}
	e.File.derive(has, e.Type+".file.")
	e.Destination.derive(has, e.Type+".file.destination.")
}

func (f *File) derive(has func(...string) bool, prefix string) {
	if has(prefix+"path") && !has(prefix+"name") {
		extension := f.Extension
		if f.SetPath(f.Path); has(prefix + "extension") {
			f.Extension = extension
		}
	}
}
