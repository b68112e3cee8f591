package ingest

import (
	"time"

	"nightjar/schema"
)

// recent remembers what came in the last while, with something about each, in two
// generations: what was added last is always there, for the while at least unless a
// generation fills up before. Letting go costs nothing, however much it is.
type recent[V any] struct {
	while      time.Duration
	most       int // in each generation
	young, old map[batchKey]V
	turned     schema.Millis // when the young ones began
}

func newRecent[V any](while time.Duration, most int) recent[V] {
	return recent[V]{while: while, most: most, young: map[batchKey]V{}}
}

func (r *recent[V]) get(key batchKey) (v V, ok bool) {
	if v, ok = r.young[key]; !ok {
		v, ok = r.old[key]
	}
	return v, ok
}

func (r *recent[V]) add(key batchKey, v V, now schema.Millis) {
	if len(r.young) >= r.most || now >= r.turned.Add(r.while) {
		r.young, r.old, r.turned = map[batchKey]V{}, r.young, now
	}
	r.young[key] = v
}
