package ingest

import (
	"testing"

	"nightjar/schema"
)

func TestHandoverGivesEachBatchOnceAndForgetsTheOldest(t *testing.T) {
	h := newHandover(100)
	batch := func(first uint64) []schema.Event { return []schema.Event{{Seq: first}, {Seq: first + 1}} }
	for _, first := range []uint64{1, 3, 5, 7} {
		h.put(batch(first), 40)
	}
	if h.bytes != 80 {
		t.Errorf("%d bytes are held, want 80: the limit is 100", h.bytes)
	}
	if _, ok := h.take(1, 2); ok {
		t.Error("the oldest batch was not forgotten")
	}
	if _, ok := h.take(5, 3); ok {
		t.Error("a batch was given for a record of another size")
	}
	events, ok := h.take(7, 2)
	if !ok || events[0].Seq != 7 {
		t.Errorf("got %v, %t, want batch 7", events, ok)
	}
	if _, ok := h.take(7, 2); ok {
		t.Error("a batch was given twice")
	}
	if h.bytes != 0 || len(h.batches) != 0 || len(h.order) != 0 {
		t.Errorf("%d bytes of %d batches are held after a later one was taken", h.bytes, len(h.batches))
	}
}
