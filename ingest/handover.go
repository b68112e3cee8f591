package ingest

import (
	"sync"

	"nightjar/schema"
)

// handover passes events from Submit to the drainer, so that what was just
// written to the log need not be read out of it again. It may forget anything at
// any time: the drainer reads from the log what is not here.
type handover struct {
	limit int64

	mu      sync.Mutex
	batches map[uint64]handed // by the first event's number
	order   []uint64          // as they came
	bytes   int64
}

type handed struct {
	events []schema.Event
	size   int64 // of the record
}

func newHandover(limit int64) *handover {
	return &handover{limit: limit, batches: map[uint64]handed{}}
}

// put leaves a batch that the log has taken. The oldest go where it is too much.
func (h *handover) put(events []schema.Event, size int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := events[0].Seq
	h.batches[first] = handed{events, size}
	h.order = append(h.order, first)
	h.bytes += size
	for h.bytes > h.limit && len(h.order) > 0 {
		h.drop(h.order[0])
		h.order = h.order[1:]
	}
}

func (h *handover) drop(first uint64) {
	if b, ok := h.batches[first]; ok {
		h.bytes -= b.size
		delete(h.batches, first)
	}
}

// take takes the batch of a record; ok is false when it is not here.
func (h *handover) take(first uint64, count int) (events []schema.Event, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.batches[first]
	if !ok || len(b.events) != count {
		return nil, false
	}
	h.drop(first)
	// Records are taken in order: those before this one were read from the log.
	for len(h.order) > 0 && h.order[0] <= first {
		h.drop(h.order[0])
		h.order = h.order[1:]
	}
	return b.events, true
}
