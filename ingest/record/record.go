package record

import (
	"time"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Record is an event between its reading and its storing. It is for one goroutine.
type Record struct {
	Source, Service, Host, Status, Message string
	// Line is the line that the message stood in, where a transport took that apart.
	Line string
	// TraceID and SpanID are those that a pipeline found.
	TraceID, SpanID string
	Tags            []string
	// At is when it happened; where Timed is false nothing has said so yet.
	At    schema.Millis
	Timed bool

	// Received is when the event arrived: the newest that a date without a year may be
	// is a day later. Year, when not 0, is that year, and Zone, when not nil, is the one
	// of dates written without one.
	Received time.Time
	Year     int
	Zone     *time.Location

	// Arena makes new values. They live until the event is built.
	Arena *fastjson.Arena

	root    []schema.Pair
	changes int
	looked  int
}

// MostLooked is how many elements of lists paths may lead through, before what they lead
// to counts as missing: each Get makes a list of what it finds, which lives as long as
// the record.
const MostLooked = 300_000

// LookAnew begins to count the elements that paths lead through.
func (r *Record) LookAnew() { r.looked = 0 }

// LookedTooMuch reports whether there were more of them than MostLooked.
func (r *Record) LookedTooMuch() bool { return r.looked > MostLooked }

// Changes counts the changes of attributes so far: while it stands still, so do they.
func (r *Record) Changes() int { return r.changes }

// Reset gives the record its attributes, which it will change in place.
func (r *Record) Reset(attributes []schema.Pair) {
	r.root = attributes
	r.changes++
}

// Attributes are the record's attributes as they are now.
func (r *Record) Attributes() []schema.Pair { return r.root }

// Get is what stands at the path; nil where there is nothing, or null. Where an array
// of objects is on the way, it is the array of what its elements have there. The value
// is the record's own: Clone it before it is put elsewhere.
func (r *Record) Get(p Path) *fastjson.Value {
	for n := len(p.steps); n > 0; n-- {
		if i := r.find(p.key(0, n)); i >= 0 {
			if v := r.follow(r.root[i].Value, p, n); v != nil {
				return v
			}
		}
	}
	return nil
}

// Within is what stands at the path below a value, as Get finds it below the record.
func (r *Record) Within(v *fastjson.Value, p Path) *fastjson.Value { return r.follow(v, p, 0) }

// Has reports whether something stands at the path that is not null.
func (r *Record) Has(p Path) bool { return r.Get(p) != nil }

// Set puts a value at the path, in place of what Get finds there. Objects that are
// missing on the way are made, scalars on the way replaced. A member with a dot in its
// key that leads there is used.
func (r *Record) Set(p Path, v *fastjson.Value) {
	r.changes++
	at, done := -1, 0
	for n := len(p.steps); n > 0; n-- {
		i := r.find(p.key(0, n))
		switch {
		case i < 0:
		case at < 0:
			at, done = i, n
		case r.follow(r.root[at].Value, p, done) == nil && r.follow(r.root[i].Value, p, n) != nil:
			at, done = i, n
		}
	}
	switch {
	case at < 0:
		r.root = append(r.root, schema.Pair{Key: p.steps[0], Value: r.wrap(p, 1, v)})
	case done == len(p.steps):
		r.root[at].Value = v
	default:
		r.root[at].Value = r.put(r.root[at].Value, p, done, v)
	}
}

// Delete removes what Get finds at the path, or else null, and parents that it leaves
// empty. It reports whether there was something.
func (r *Record) Delete(p Path) bool {
	r.changes++
	return r.delete(p, exceptNull) || r.delete(p, evenNull)
}

// Whether null is deleted.
const (
	exceptNull = false
	evenNull   = true
)

func (r *Record) delete(p Path, nulls bool) bool {
	for n := len(p.steps); n > 0; n-- {
		key := p.key(0, n)
		i := r.find(key)
		if i < 0 {
			continue
		}
		if n == len(p.steps) {
			if isNull(r.root[i].Value) && !nulls {
				continue
			}
			for ; i >= 0; i = r.find(key) {
				r.root = append(r.root[:i], r.root[i+1:]...)
			}
			return true
		}
		if deleted, empty := remove(r.root[i].Value, p, n, nulls); deleted {
			if empty {
				r.root = append(r.root[:i], r.root[i+1:]...)
			}
			return true
		}
	}
	return false
}

// Merge puts an object's members over the attributes, object into object; what is no
// object is replaced. A dot in a key is part of the key.
func (r *Record) Merge(o *fastjson.Object) {
	r.changes++
	find := r.find
	var places map[string]int
	if o.Len() > manyMembers {
		places = r.places()
		find = func(key string) int {
			if i, ok := places[key]; ok {
				return i
			}
			return -1
		}
	}
	o.Visit(func(k []byte, v *fastjson.Value) {
		i := find(string(k))
		if i >= 0 {
			r.root[i].Value = merged(r.root[i].Value, v)
			return
		}
		r.root = append(r.root, schema.Pair{Key: string(k), Value: v})
		if places != nil {
			places[string(k)] = len(r.root) - 1
		}
	})
}

// manyMembers is from where on a map of the keys costs less than looking through them.
const manyMembers = 100

// places are the indexes of the top-level attributes, the last of each key.
func (r *Record) places() map[string]int {
	out := make(map[string]int, len(r.root))
	for i, p := range r.root {
		out[p.Key] = i
	}
	return out
}

func merged(old, v *fastjson.Value) *fastjson.Value {
	if old.Type() != fastjson.TypeObject || v.Type() != fastjson.TypeObject {
		return v
	}
	if old.GetObject().Len()+v.GetObject().Len() > few {
		if wide := mergedWide(old.GetObject(), v.GetObject()); wide != nil {
			return wide
		}
	}
	o := old.GetObject()
	v.GetObject().Visit(func(k []byte, v *fastjson.Value) {
		key := string(k)
		if had := last(o, key); had != nil {
			v = merged(had, v)
		}
		set(o, key, v)
	})
	return old
}

// find is the index of the last top-level attribute with the key; −1: none has it.
func (r *Record) find(key string) int {
	for i := len(r.root) - 1; i >= 0; i-- {
		if r.root[i].Key == key {
			return i
		}
	}
	return -1
}

// follow is what stands at the rest of a path, of which i steps are done.
func (r *Record) follow(v *fastjson.Value, p Path, i int) *fastjson.Value {
	if v == nil || v.Type() == fastjson.TypeNull {
		return nil
	}
	if i == len(p.steps) {
		return v
	}
	switch v.Type() {
	case fastjson.TypeObject:
		o := v.GetObject()
		for n := len(p.steps); n > i; n-- {
			if found := r.follow(last(o, p.key(i, n)), p, n); found != nil {
				return found
			}
		}
	case fastjson.TypeArray:
		elements := v.GetArray()
		if at, ok := index(p.steps[i], len(elements)); ok {
			return r.follow(elements[at], p, i+1)
		}
		return r.gather(elements, p, i)
	}
	return nil
}

// gather is the array of what the elements have; nil: none has it.
func (r *Record) gather(elements []*fastjson.Value, p Path, i int) *fastjson.Value {
	if r.looked += len(elements); r.looked > MostLooked {
		return nil
	}
	var out *fastjson.Value
	for _, e := range elements {
		if e.Type() != fastjson.TypeObject {
			continue
		}
		found := r.follow(e, p, i)
		if found == nil {
			continue
		}
		if out == nil {
			out = r.Arena.NewArray()
		}
		out.SetArrayItem(len(out.GetArray()), found)
	}
	return out
}

// put puts a value at the rest of a path, and is what stands for its owner then.
func (r *Record) put(owner *fastjson.Value, p Path, i int, v *fastjson.Value) *fastjson.Value {
	switch owner.Type() {
	case fastjson.TypeObject:
		o := owner.GetObject()
		var at *fastjson.Value
		done := 0
		for n := len(p.steps); n > i; n-- {
			had := last(o, p.key(i, n))
			switch {
			case had == nil:
			case at == nil:
				at, done = had, n
			case r.follow(at, p, done) == nil && r.follow(had, p, n) != nil:
				at, done = had, n
			}
		}
		if at != nil {
			if done < len(p.steps) {
				v = r.put(at, p, done, v)
			}
			set(o, p.key(i, done), v)
			return owner
		}
		o.Set(p.steps[i], r.wrap(p, i+1, v))
		return owner
	case fastjson.TypeArray:
		if at, ok := index(p.steps[i], len(owner.GetArray())); ok {
			if i+1 < len(p.steps) {
				v = r.put(owner.GetArray()[at], p, i+1, v)
			}
			owner.SetArrayItem(at, v)
			return owner
		}
	}
	return r.wrap(p, i, v)
}

// wrap is the value within objects for the steps from i on.
func (r *Record) wrap(p Path, i int, v *fastjson.Value) *fastjson.Value {
	for n := len(p.steps) - 1; n >= i; n-- {
		o := r.Arena.NewObject()
		o.Set(p.steps[n], v)
		v = o
	}
	return v
}

// remove removes what stands at the rest of a path; empty: nothing is left of owner.
func remove(owner *fastjson.Value, p Path, i int, nulls bool) (deleted, empty bool) {
	switch owner.Type() {
	case fastjson.TypeObject:
		o := owner.GetObject()
		for n := len(p.steps); n > i && !deleted; n-- {
			key := p.key(i, n)
			member := last(o, key)
			gone := n == len(p.steps)
			if member == nil || gone && isNull(member) && !nulls {
				continue
			}
			if deleted = gone; !gone {
				deleted, gone = remove(member, p, n, nulls)
			}
			for gone && o.Get(key) != nil {
				o.Del(key)
			}
		}
		return deleted, o.Len() == 0
	case fastjson.TypeArray:
		elements := owner.GetArray()
		if at, ok := index(p.steps[i], len(elements)); ok {
			gone := i+1 == len(p.steps) && (nulls || !isNull(elements[at]))
			if deleted = gone; i+1 < len(p.steps) {
				deleted, gone = remove(elements[at], p, i+1, nulls)
			}
			if gone {
				owner.Del(p.steps[i])
			}
			return deleted, len(owner.GetArray()) == 0
		}
		for _, e := range elements {
			if e.Type() != fastjson.TypeObject {
				continue // in which Get finds nothing either
			}
			if gone, _ := remove(e, p, i, nulls); gone {
				deleted = true
			}
		}
	}
	return deleted, false
}

func isNull(v *fastjson.Value) bool { return v.Type() == fastjson.TypeNull }

// last is an object's member; of a key that comes twice, the last counts.
func last(o *fastjson.Object, key string) (found *fastjson.Value) {
	if found = o.Get(key); found == nil {
		return nil
	}
	o.Visit(func(k []byte, v *fastjson.Value) {
		if string(k) == key {
			found = v
		}
	})
	return found
}

// set sets a member, which there is once then.
func set(o *fastjson.Object, key string, v *fastjson.Value) {
	for o.Get(key) != nil {
		o.Del(key)
	}
	o.Set(key, v)
}
