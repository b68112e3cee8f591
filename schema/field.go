package schema

import (
	"slices"
	"sort"
	"strings"
)

// FieldKind says where a field's values are.
type FieldKind uint8

// The kinds of field a query can name.
const (
	// FieldAttribute is `@a.b`: the leaves of the attributes at a path.
	FieldAttribute FieldKind = iota
	// FieldReserved is one of the reserved columns, by its bare name.
	FieldReserved
	// FieldTag is any other bare name: the values of the tags `name:value`.
	FieldTag
)

// Field is a reference to part of an event, as search queries and group-bys
// write it.
type Field struct {
	Kind FieldKind
	Name string // without the @
	// AnyCase, of an attribute, means the paths that differ in the case of ASCII
	// letters, too: options.caseInsensitive of a rule.
	AnyCase bool
}

// The reserved fields and the column each is stored in. trace_id has none of
// its own: it is the attribute of that name.
var reserved = map[string]bool{
	"source": true, "service": true, "host": true, "status": true,
	"message": true, "timestamp": true, "tags": true,
}

// ParseField reads a field reference: `@path`, a reserved name or a tag key.
func ParseField(s string) Field {
	switch {
	case strings.HasPrefix(s, "@"):
		return Field{Kind: FieldAttribute, Name: s[1:]}
	case s == "trace_id":
		return Field{Kind: FieldAttribute, Name: s}
	case s == "ddsource":
		return Field{Kind: FieldReserved, Name: "source"}
	case s == "hostname":
		return Field{Kind: FieldReserved, Name: "host"}
	case s == "ddtags":
		return Field{Kind: FieldReserved, Name: "tags"}
	case reserved[s]:
		return Field{Kind: FieldReserved, Name: s}
	}
	return Field{Kind: FieldTag, Name: s}
}

// String is the reference as a user writes it.
func (f Field) String() string {
	if f.Kind == FieldAttribute {
		return "@" + f.Name
	}
	return f.Name
}

// Values are the texts of the field in the event, without duplicates, sorted;
// none when the event lacks it. A reserved field that is empty is lacking.
func (e *Event) Values(f Field) []string { return distinct(e.texts(f)) }

// Listed are the same values in the order in which the event has them.
func (e *Event) Listed(f Field) []string {
	out := e.texts(f)
	if len(out) < 2 {
		return out
	}
	seen := make(map[string]bool, len(out))
	return slices.DeleteFunc(out, func(v string) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
}

func (e *Event) texts(f Field) []string {
	var out []string
	switch f.Kind {
	case FieldAttribute:
		for _, l := range e.Lookup(f.Name) {
			out = append(out, l.Text())
		}
	case FieldTag:
		for _, t := range e.Tags {
			if k, v, ok := strings.Cut(t, ":"); ok && k == f.Name {
				out = append(out, v)
			}
		}
	case FieldReserved:
		if f.Name == "tags" {
			out = append(out, e.Tags...)
		} else if v := e.Reserved(f.Name); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// Reserved is the text of a reserved field other than tags.
func (e *Event) Reserved(name string) string {
	switch name {
	case "source":
		return e.Source
	case "service":
		return e.Service
	case "host":
		return e.Host
	case "status":
		return e.Status
	case "message":
		return e.Message
	case "timestamp":
		return Leaf{Kind: KindInt, Int: int64(e.At)}.Text()
	}
	return ""
}

func distinct(s []string) []string {
	if len(s) < 2 {
		return s
	}
	sort.Strings(s)
	out := s[:1]
	for _, v := range s[1:] {
		if v != out[len(out)-1] {
			out = append(out, v)
		}
	}
	return out
}
