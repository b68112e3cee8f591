package event

import (
	"net/netip"
	"strings"

	"nightjar/secl"
)

// Source is what stored events of the agent have as their source.
const Source = "runtime-security-agent"

// Attributes are the attributes with which the event is stored: evt.name, and
// the fields at their Field.Stored. What is zero is left out, but for what
// ancestors have, of which there is one value for each.
func Attributes(c *secl.Context) map[string]any {
	e := c.Event.(*Event)
	out := map[string]any{}
	put(out, "evt.name", e.Type)
	for _, f := range Model().Fields() {
		if f.Stored == "" || f.Event != "" && f.Event != e.Type {
			continue
		}
		if v := storedValue(f, c); v != nil {
			put(out, f.Stored, v)
		}
	}
	return out
}

// storedValue is a field's value, or nil where that is zero.
func storedValue(f *secl.Field, c *secl.Context) any {
	switch read := f.Read.(type) {
	case func(*secl.Context) bool:
		return unlessZero(read(c))
	case func(*secl.Context) int64:
		return unlessZero(read(c))
	case func(*secl.Context) string:
		return unlessZero(read(c))
	case func(*secl.Context) netip.Prefix:
		if n := read(c); n.IsValid() {
			return secl.Printable(n)
		}
	case func(*secl.Context) []string:
		return unlessEmpty(read(c))
	case func(*secl.Context) []int64:
		return unlessEmpty(read(c))
	case func(*secl.Context, int) int64:
		return elements(f, c, read)
	case func(*secl.Context, int) string:
		return elements(f, c, read)
	case func(*secl.Context, int) []string:
		var all []string
		for i := range f.Iterator.Len(c) {
			all = append(all, read(c, i)...)
		}
		return unlessEmpty(all)
	}
	return nil
}

func unlessZero[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func unlessEmpty[T any](v []T) any {
	if len(v) == 0 {
		return nil
	}
	return v
}

func elements[T any](f *secl.Field, c *secl.Context, read func(*secl.Context, int) T) any {
	var all []T
	for i := range min(f.Iterator.Len(c), secl.MaxIterations) {
		all = append(all, read(c, i))
	}
	return unlessEmpty(all)
}

// put sets a value at a path of objects in objects.
func put(to map[string]any, path string, v any) {
	for {
		name, rest, more := strings.Cut(path, ".")
		if !more {
			to[name] = v
			return
		}
		inner, ok := to[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			to[name] = inner
		}
		to, path = inner, rest
	}
}
