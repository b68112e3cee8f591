package record

import (
	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// String is a text as a value: value.String.
func String(arena *fastjson.Arena, s string) *fastjson.Value { return value.String(arena, s) }

// String is String with the record's arena.
func (r *Record) String(s string) *fastjson.Value { return String(r.Arena, s) }

// Text is a value as a text, where it has one: value.Text.
func Text(v *fastjson.Value) (text string, ok bool) { return value.Text(v) }

// Clone is a copy that shares nothing that can be changed.
func (r *Record) Clone(v *fastjson.Value) *fastjson.Value {
	switch v.Type() {
	case fastjson.TypeObject:
		if v.GetObject().Len() > few {
			if wide := membersOf(v.GetObject()).object(); wide != nil {
				return wide
			}
		}
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
