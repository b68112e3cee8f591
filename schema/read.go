package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Read decodes a document that a user wrote, and refuses, as an *InvalidError, keys
// that it does not know: each with its place and the key that was probably
// meant. A key that is passed over would make another document of it.
//
// A type knows the keys of its fields, as they are written, and those that its
// method KnownKeys names, which mean nothing: what the reference's servers say.
func Read(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	var bad InvalidError
	unknownKeys(text, reflect.TypeOf(into).Elem(), "", &bad)
	return bad.Err()
}

// maxUnknown bounds how many unknown keys are told.
const maxUnknown = 20

// UnknownKey says that there is no such key, and which of the names was
// probably meant. Inside are the names within the objects under names.
func UnknownKey(at, key string, names []string, inside map[string][]string) Detail {
	shown := key
	if len(shown) > 80 {
		shown = shown[:80] + "…"
	}
	text := fmt.Sprintf("unknown key %q", shown)
	near := Closest(key, names, 4)
	for _, name := range names { // in their order
		for _, inner := range inside[name] {
			if near == "" && inner == key {
				near = name + "." + inner
			}
		}
	}
	if near == "" {
		near = Containing(key, names)
	}
	if near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return Detail{Target: at, Message: text}
}

func unknownKeys(text []byte, t reflect.Type, at string, bad *InvalidError) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
	case t.Kind() == reflect.Slice:
		var list []json.RawMessage
		if json.Unmarshal(text, &list) == nil {
			for i, one := range list {
				unknownKeys(one, t.Elem(), fmt.Sprintf("%s[%d]", at, i), bad)
			}
		}
	case t.Kind() == reflect.Struct:
		unknownInObject(text, t, at, bad)
	}
}

func unknownInObject(text []byte, t reflect.Type, at string, bad *InvalidError) {
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return // null, or a form of its own
	}
	names, fields := documentKeys(t)
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil || len(bad.Details) >= maxUnknown {
			return
		}
		name := key.(string)
		place := strings.TrimPrefix(at+"."+name, ".")
		if field, known := fields[name]; !known {
			bad.Details = append(bad.Details, UnknownKey(place, name, names, keysInside(fields)))
		} else if field != nil {
			unknownKeys(value, field, place, bad)
		}
	}
}

// documentKeys are the keys of a struct, in order, and the types of their
// values, nil for keys that mean nothing.
func documentKeys(t reflect.Type) (names []string, fields map[string]reflect.Type) {
	fields = map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			inner, types := documentKeys(f.Type)
			names = append(names, inner...)
			for n, field := range types {
				fields[n] = field
			}
		case f.IsExported() && name != "-":
			if name == "" {
				name = f.Name
			}
			names = append(names, name)
			fields[name] = f.Type
		}
	}
	if k, ok := reflect.New(t).Interface().(interface{ KnownKeys() []string }); ok {
		for _, name := range k.KnownKeys() {
			fields[name] = nil
		}
	}
	return names, fields
}

// keysInside are the keys within those fields that are objects.
func keysInside(fields map[string]reflect.Type) map[string][]string {
	out := map[string][]string{}
	for name, t := range fields {
		for t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t != nil && t.Kind() == reflect.Struct {
			out[name], _ = documentKeys(t)
		}
	}
	return out
}
