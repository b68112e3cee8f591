package ingest

import (
	"strconv"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
)

// Attribute is what the head of a message says: a string, an int64, a bool, a list of strings, or a
// list of objects.
type Attribute struct {
	Path  string
	Value any
}

// pairsOf nests the attributes: paths that begin alike share an object.
func pairsOf(attributes []Attribute) []schema.Pair {
	var arena fastjson.Arena
	var out []schema.Pair
	for _, a := range attributes {
		out = nest(&arena, out, a.Path, attributeValue(&arena, a.Value))
	}
	return out
}

func attributeValue(arena *fastjson.Arena, value any) *fastjson.Value {
	switch value := value.(type) {
	case string:
		return record.String(arena, value)
	case int64:
		return arena.NewNumberString(strconv.FormatInt(value, 10))
	case bool:
		if value {
			return arena.NewTrue()
		}
		return arena.NewFalse()
	case []string:
		list := arena.NewArray()
		for i, s := range value {
			list.SetArrayItem(i, record.String(arena, s))
		}
		return list
	case [][]Attribute:
		list := arena.NewArray()
		for i, members := range value {
			object := arena.NewObject()
			for _, m := range members {
				object.Set(m.Path, attributeValue(arena, m.Value))
			}
			list.SetArrayItem(i, object)
		}
		return list
	}
	return arena.NewNull()
}

func nest(arena *fastjson.Arena, pairs []schema.Pair, path string, v *fastjson.Value) []schema.Pair {
	key, rest, nested := cutPath(path)
	if !nested {
		return append(pairs, schema.Pair{Key: key, Value: v})
	}
	var object *fastjson.Value
	for _, p := range pairs {
		if p.Key == key {
			object = p.Value
		}
	}
	if object == nil {
		object = arena.NewObject()
		pairs = append(pairs, schema.Pair{Key: key, Value: object})
	}
	for {
		key, rest, nested = cutPath(rest)
		if !nested {
			object.Set(key, v)
			return pairs
		}
		inner := object.Get(key)
		if inner == nil {
			inner = arena.NewObject()
			object.Set(key, inner)
		}
		object = inner
	}
}

func cutPath(path string) (key, rest string, nested bool) {
	for i := range len(path) {
		if path[i] == '.' {
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}
