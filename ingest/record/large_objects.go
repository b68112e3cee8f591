package record

import (
	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
)

// few is up to how many members are looked for one after the other. An object's members
// are found so, which for thousands of them takes longer than anything else that a
// pipeline does; more are put together as text, and read once.
const few = 64

// members are an object's, in their order; of a key that comes twice, the last value.
type members struct {
	keys   []string
	values []*fastjson.Value
	at     map[string]int
}

func membersOf(o *fastjson.Object) *members {
	m := &members{at: make(map[string]int, o.Len())}
	o.Visit(func(k []byte, v *fastjson.Value) { m.set(string(k), v) })
	return m
}

func (m *members) get(key string) *fastjson.Value {
	if i, ok := m.at[key]; ok {
		return m.values[i]
	}
	return nil
}

func (m *members) set(key string, v *fastjson.Value) {
	if i, ok := m.at[key]; ok {
		m.values[i] = v
		return
	}
	m.at[key] = len(m.keys)
	m.keys, m.values = append(m.keys, key), append(m.values, v)
}

// object is the members as an object that shares nothing with them; nil: they are nested
// too deep to be read.
func (m *members) object() *fastjson.Value {
	text := []byte{'{'}
	for i, k := range m.keys {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(value.AppendString(text, k), ':')
		text = value.Append(text, m.values[i])
	}
	v, err := fastjson.ParseBytes(append(text, '}'))
	if err != nil {
		return nil
	}
	return v
}

// mergedWide is merged for objects with many members; nil: they are nested too deep.
func mergedWide(old, over *fastjson.Object) *fastjson.Value {
	m := membersOf(old)
	over.Visit(func(k []byte, v *fastjson.Value) {
		key := string(k)
		if had := m.get(key); had != nil {
			v = merged(had, v)
		}
		m.set(key, v)
	})
	return m.object()
}
