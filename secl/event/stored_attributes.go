package event

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	switch read := storedRead(f).(type) {
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

// storedRead is Field.Read, of which what is beyond Field.StoredMost is cut. What is cut
// says so at its end.
func storedRead(f *secl.Field) any {
	most := f.StoredMost
	if most == 0 {
		return f.Read
	}
	switch read := f.Read.(type) {
	case func(*secl.Context) string:
		return func(c *secl.Context) string { return cutText(read(c), most) }
	case func(*secl.Context, int) string:
		return func(c *secl.Context, i int) string { return cutText(read(c, i), most) }
	case func(*secl.Context) []string:
		return func(c *secl.Context) []string { return cutList(read(c), most) }
	case func(*secl.Context, int) []string:
		return func(c *secl.Context, i int) []string { return cutList(read(c, i), most) }
	}
	return f.Read
}

// cutText is a text, or its first bytes and how many it has.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "… (" + strconv.Itoa(len(s)) + " bytes)"
}

// cutList is a list, or its first texts and how many it has.
func cutList(list []string, most int) []string {
	left := most
	for i, s := range list {
		if left -= len(s); left >= 0 {
			continue
		}
		out := append(slices.Clone(list[:i]), cutText(s, left+len(s)))
		if i+1 < len(list) {
			out = append(out, "… ("+strconv.Itoa(len(list))+" in all)")
		}
		return out
	}
	return list
}
