package ingest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"nightjar/schema"
)

// Heard is a source, and when something of it arrived last.
type Heard struct {
	Source string
	Last   schema.Millis
}

const (
	// heardKept is how long a source is known after its last event.
	heardKept = 24 * time.Hour
	// maxHeard bounds the sources that are known; beyond, the half that was longest silent
	// is forgotten.
	maxHeard = 10_000
)

// heard knows when each source was heard of last.
type heard struct {
	mu   sync.Mutex
	last map[string]schema.Millis
}

// note remembers the sources of a batch.
func (h *heard) note(events []schema.Event, seen schema.Millis) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range events {
		if i == 0 || events[i].Source != events[i-1].Source {
			h.put(events[i].Source, seen)
		}
	}
}

func (h *heard) put(source string, at schema.Millis) {
	if h.last == nil {
		h.last = map[string]schema.Millis{}
	}
	if known, ok := h.last[source]; ok && known >= at {
		return
	}
	h.last[source] = at
	if len(h.last) > maxHeard {
		all := h.sorted()
		for _, old := range all[len(all)/2:] {
			delete(h.last, old.Source)
		}
	}
}

// sorted are all, those that were heard of last first.
func (h *heard) sorted() (out []Heard) {
	for source, at := range h.last {
		out = append(out, Heard{source, at})
	}
	slices.SortFunc(out, func(a, b Heard) int { return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.Source, b.Source)) })
	return out
}

// Heard are the sources of which something arrived within a day, the latest first. After a
// start these are also those that Remember was told of.
func (in *Intake) Heard() []Heard {
	h, oldest := &in.heard, schema.MillisOf(in.deps.Now().Add(-heardKept))
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.sorted()
	end := slices.IndexFunc(out, func(s Heard) bool { return s.Last < oldest })
	if end < 0 {
		return out
	}
	for _, old := range out[end:] {
		delete(h.last, old.Source)
	}
	return out[:end]
}

// Remember tells of sources that were heard of before the start.
func (in *Intake) Remember(sources []Heard) {
	in.heard.mu.Lock()
	defer in.heard.mu.Unlock()
	for _, s := range sources {
		in.heard.put(s.Source, s.Last)
	}
}
