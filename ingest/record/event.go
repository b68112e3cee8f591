package record

import (
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Asked has Event leave out the attributes that are not asked for.
const Asked = false

// Event is the record as queries see it: its fields, and of its attributes those at
// and below the paths; all, where all is true.
func (r *Record) Event(paths []string, all bool) *schema.Event {
	e := &schema.Event{
		At: r.At, Seen: schema.MillisOf(r.Received),
		Source: r.Source, Service: r.Service, Host: r.Host, Status: r.Status, Message: r.Message, Tags: r.Tags,
	}
	pairs := r.root
	if !all {
		pairs = r.asked(paths)
	}
	if len(pairs) > 0 {
		e.Attributes, _ = schema.NewAttributes(pairs)
	}
	return e
}

// asked are the attributes at and below the paths, and nothing beside them: what a query
// does not look at may be large.
func (r *Record) asked(paths []string) []schema.Pair {
	var pairs []schema.Pair
	for i, p := range r.root {
		var buffer [8]string
		rests, whole := below(p.Key, paths, buffer[:0])
		if !whole && len(rests) == 0 || r.find(p.Key) != i {
			continue // of a key that comes twice, the last counts
		}
		if whole {
			pairs = append(pairs, p)
		} else if v := r.pruned(p.Value, rests); v != nil {
			pairs = append(pairs, schema.Pair{Key: p.Key, Value: v})
		}
	}
	return pairs
}

// below are the rests of the paths that lead through a member; whole: one leads no
// further than to it.
func below(key string, paths, out []string) (rests []string, whole bool) {
	for _, p := range paths {
		switch {
		case len(key) == len(p) && key == p, len(key) > len(p) && key[len(p)] == '.' && strings.HasPrefix(key, p):
			return nil, true
		case len(p) > len(key) && p[len(key)] == '.' && strings.HasPrefix(p, key):
			out = append(out, p[len(key)+1:])
		}
	}
	return out, false
}

// pruned is what stands at and below the paths in a value; nil: nothing does.
func (r *Record) pruned(v *fastjson.Value, paths []string) (out *fastjson.Value) {
	switch v.Type() {
	case fastjson.TypeObject:
		v.GetObject().Visit(func(k []byte, member *fastjson.Value) {
			key := string(k)
			var buffer [8]string
			rests, whole := below(key, paths, buffer[:0])
			if !whole && len(rests) == 0 {
				member = nil
			} else if !whole {
				member = r.pruned(member, rests)
			}
			switch {
			case member == nil && out != nil:
				out.Del(key)
			case member != nil && out == nil:
				out = r.Arena.NewObject()
				fallthrough
			case member != nil:
				set(out.GetObject(), key, member)
			}
		})
	case fastjson.TypeArray:
		for _, e := range v.GetArray() {
			kept := r.pruned(e, paths)
			if kept == nil {
				continue
			}
			if out == nil {
				out = r.Arena.NewArray()
			}
			out.SetArrayItem(len(out.GetArray()), kept)
		}
	}
	return out
}
