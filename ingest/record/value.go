package record

import (
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// String is a text as a value. The arena's own way of escaping is Go's, which its
// reader does not understand, so what needs escaping is written here and parsed.
func String(arena *fastjson.Arena, s string) *fastjson.Value {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' }) < 0 {
		return arena.NewString(s)
	}
	v, err := fastjson.Parse(schema.QuoteJSON(s))
	if err != nil {
		return arena.NewNull() // cannot be: the text is a JSON string
	}
	return v
}

// Int is a whole number as a value.
func Int(arena *fastjson.Arena, n int64) *fastjson.Value {
	return arena.NewNumberString(strconv.FormatInt(n, 10))
}

// String is String with the record's arena.
func (r *Record) String(s string) *fastjson.Value { return String(r.Arena, s) }

// Text is a scalar as a text: a string itself, a number without a needless fraction,
// true or false; of an array of scalars, theirs joined with commas. Not ok: it is
// something else, or nothing.
func Text(v *fastjson.Value) (text string, ok bool) {
	if v == nil {
		return "", false
	}
	switch v.Type() {
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return string(s), true
	case fastjson.TypeNumber:
		return numberText(v), true
	case fastjson.TypeTrue:
		return "true", true
	case fastjson.TypeFalse:
		return "false", true
	case fastjson.TypeArray:
		texts := make([]string, 0, len(v.GetArray()))
		for _, e := range v.GetArray() {
			if e.Type() == fastjson.TypeArray {
				return "", false
			}
			t, ok := Text(e)
			if !ok {
				return "", false
			}
			texts = append(texts, t)
		}
		return strings.Join(texts, ","), true
	}
	return "", false
}

// numberText is a number as it was written, without a fraction that is zero.
func numberText(v *fastjson.Value) string {
	text := string(v.MarshalTo(nil))
	if !strings.ContainsAny(text, ".eE") {
		return text
	}
	n, err := v.Float64()
	if err != nil {
		return text
	}
	return schema.FormatFloat(n)
}

// Clone is a copy that shares nothing that can be changed.
func (r *Record) Clone(v *fastjson.Value) *fastjson.Value {
	switch v.Type() {
	case fastjson.TypeObject:
		out := r.Arena.NewObject()
		v.GetObject().Visit(func(k []byte, v *fastjson.Value) { out.Set(string(k), r.Clone(v)) })
		return out
	case fastjson.TypeArray:
		out := r.Arena.NewArray()
		for i, e := range v.GetArray() {
			out.SetArrayItem(i, r.Clone(e))
		}
		return out
	}
	return v
}
