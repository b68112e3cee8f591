package search

import (
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Elements of arrays are found in the canonical JSON of an event, which knows what
// belongs together; the leaves do not. Both readers look there, and no deeper than
// this: no arrays in arrays, so many dots in a path (each may be part of a key), so
// many ANY in one another.
const (
	maxElementDots = 8
	MaxAnyDepth    = 3
)

var elementParsers fastjson.ParserPool

// anyElement reports whether the test holds for an element of the array at the path.
func anyElement(e *schema.Event, f schema.Field, test func(*schema.Event) bool) bool {
	found := false
	atPath(e, f, func(v *fastjson.Value) {
		flat(v, func(element *fastjson.Value) {
			if t := element.Type(); !found && t != fastjson.TypeNull && t != fastjson.TypeArray {
				found = test(elementEvent(element))
			}
		})
	})
	return found
}

// elementEvent is the element as an event of its own: an object's members are its
// attributes, and a scalar has none.
func elementEvent(v *fastjson.Value) *schema.Event {
	var e schema.Event
	if o, err := v.Object(); err == nil {
		e.Attributes, _ = schema.NewAttributes(schema.Pairs(o))
	}
	return &e
}

// countOf is the number of elements at the path.
func countOf(e *schema.Event, f schema.Field) int64 {
	count := int64(0)
	atPath(e, f, func(v *fastjson.Value) {
		switch v.Type() {
		case fastjson.TypeArray:
			count += int64(len(v.GetArray()))
		case fastjson.TypeNull:
		default:
			count++
		}
	})
	return count
}

// atPath gives every value at the path: arrays on the way are looked into, and a
// dot may be part of a key.
func atPath(e *schema.Event, f schema.Field, yield func(*fastjson.Value)) {
	if head, _, _ := strings.Cut(f.Name, "."); !f.AnyCase && !strings.Contains(e.JSON, head) && isWordText(head) {
		return
	}
	parser := elementParsers.Get()
	defer elementParsers.Put(parser)
	v, err := parser.Parse(e.JSON)
	if err != nil {
		return // the canonical text of an event is JSON
	}
	same := func(a, b string) bool { return a == b }
	if f.AnyCase {
		same = func(a, b string) bool { return len(a) == len(b) && lowerASCII(a) == lowerASCII(b) }
	}
	descend(v, f.Name, same, yield)
}

// isWordText reports whether the text is in JSON as it is.
func isWordText(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || !isWordByte(s[i]) {
			return false
		}
	}
	return true
}

func descend(v *fastjson.Value, path string, same func(a, b string) bool, yield func(*fastjson.Value)) {
	flat(v, func(v *fastjson.Value) {
		o, err := v.Object()
		if err != nil {
			return
		}
		o.Visit(func(k []byte, member *fastjson.Value) {
			switch key := string(k); {
			case same(key, path):
				yield(member)
			case len(path) > len(key) && path[len(key)] == '.' && same(path[:len(key)], key):
				descend(member, path[len(key)+1:], same, yield)
			}
		})
	})
}

// flat gives the value, or the elements of the array that it is.
func flat(v *fastjson.Value, yield func(*fastjson.Value)) {
	if v.Type() != fastjson.TypeArray {
		yield(v)
		return
	}
	for _, element := range v.GetArray() {
		yield(element)
	}
}
