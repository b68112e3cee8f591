package value

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// String is s as a JSON string, for all 256 bytes: what is no UTF-8 becomes U+FFFD.
// fastjson writes it correctly until something reads it; after that, only Append does.
func String(arena *fastjson.Arena, s string) *fastjson.Value {
	if plain(s) {
		return arena.NewString(s)
	}
	v, err := fastjson.ParseBytes(AppendString(make([]byte, 0, len(s)+16), s))
	if err != nil {
		return arena.NewNull() // cannot be: the text is a JSON string
	}
	return v
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// plain reports whether s is written between quotes as it stands, and is UTF-8.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if b := s[i]; b < 0x20 || b == '"' || b == '\\' {
			return false
		} else if b >= utf8.RuneSelf && !utf8.ValidString(s[i:]) {
			return false
		} else if b >= utf8.RuneSelf {
			return strings.IndexFunc(s[i:], func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' }) < 0
		}
	}
	return true
}

// AppendString appends s as the text of a JSON string, quotes included. What is no
// UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte { return schema.AppendJSON(dst, valid(s)) }

// Append appends v as JSON text. fastjson's own MarshalTo writes Go's escapes into
// strings that were read before.
func Append(dst []byte, v *fastjson.Value) []byte {
	switch v.Type() {
	case fastjson.TypeString:
		return schema.AppendJSON(dst, v.GetStringBytes())
	case fastjson.TypeArray:
		dst = append(dst, '[')
		for i, item := range v.GetArray() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, item)
		}
		return append(dst, ']')
	case fastjson.TypeObject:
		return appendObject(dst, v)
	}
	return v.MarshalTo(dst)
}

func appendObject(dst []byte, v *fastjson.Value) []byte {
	dst = append(dst, '{')
	first := true
	v.GetObject().Visit(func(key []byte, member *fastjson.Value) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(schema.AppendJSON(dst, key), ':')
		dst = Append(dst, member)
	})
	return append(dst, '}')
}

// Integer is i as a JSON number.
func Integer(arena *fastjson.Arena, i int64) *fastjson.Value {
	return arena.NewNumberString(strconv.FormatInt(i, 10))
}

// Double is f as a JSON number: without a fraction when it has none, without an
// exponent between 1e-6 and 1e21. nil: f is no number that JSON has.
func Double(arena *fastjson.Arena, f float64) *fastjson.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return arena.NewNumberString(schema.FormatFloat(f))
}

// Bool is b as a JSON value.
func Bool(arena *fastjson.Arena, b bool) *fastjson.Value {
	if b {
		return arena.NewTrue()
	}
	return arena.NewFalse()
}

// Text is what a value reads as in a text: a string as it is, a number without a
// needless fraction, true and false, the elements of an array joined by commas.
// Objects, null, and arrays with more than those in them have no text.
func Text(v *fastjson.Value) (text string, ok bool) {
	if v == nil {
		return "", false
	}
	switch v.Type() {
	case fastjson.TypeString:
		return string(v.GetStringBytes()), true
	case fastjson.TypeNumber:
		return number(v), true
	case fastjson.TypeTrue:
		return "true", true
	case fastjson.TypeFalse:
		return "false", true
	case fastjson.TypeArray:
		return joined(v)
	}
	return "", false
}

func joined(v *fastjson.Value) (string, bool) {
	var b strings.Builder
	for i, item := range v.GetArray() {
		text, ok := Text(item)
		if !ok || item.Type() == fastjson.TypeArray {
			return "", false
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(text)
	}
	return b.String(), true
}

// number writes 80.0 and 8e1 as 80; a number without fraction and exponent stays.
func number(v *fastjson.Value) string {
	text := v.String()
	if !strings.ContainsAny(text, ".eE") {
		return text
	}
	f, err := v.Float64()
	if err != nil {
		return text
	}
	return schema.FormatFloat(f)
}

// Set puts v under the path into object: objects on the way are made, and what
// stands in the way and is no object is replaced.
func Set(arena *fastjson.Arena, object *fastjson.Value, path []string, v *fastjson.Value) {
	for _, key := range path[:len(path)-1] {
		inner := object.Get(key)
		if inner == nil || inner.Type() != fastjson.TypeObject {
			inner = arena.NewObject()
			object.Set(key, inner)
		}
		object = inner
	}
	object.Set(path[len(path)-1], v)
}

// Merged is an object that has the members of both, objects merged with objects, and of
// all else what over has. It is one of the two, changed: the larger one, for setting a
// member looks through all that are there.
func Merged(under, over *fastjson.Value) *fastjson.Value {
	if over.GetObject().Len() > under.GetObject().Len() {
		under.GetObject().Visit(func(key []byte, old *fastjson.Value) {
			name := string(key)
			if v := over.Get(name); v == nil {
				over.Set(name, old)
			} else if isObject(old) && isObject(v) {
				over.Set(name, Merged(old, v))
			}
		})
		return over
	}
	over.GetObject().Visit(func(key []byte, v *fastjson.Value) {
		name := string(key)
		if old := under.Get(name); old != nil && isObject(old) && isObject(v) {
			v = Merged(old, v)
		}
		under.Set(name, v)
	})
	return under
}

func isObject(v *fastjson.Value) bool { return v.Type() == fastjson.TypeObject }
