package ingest

import "testing"

// TestWhatCameOfAllThatWasSentIsCounted, as the status shows it.
func TestWhatCameOfAllThatWasSentIsCounted(t *testing.T) {
	h := run(t, t.TempDir(), newWorld(), soon)
	h.submit(batch("one", 5))
	h.await()
	h.metrics.refuse(ErrTooLarge)
	h.metrics.refuse(ErrTooLarge)
	h.metrics.refuse(&BackpressureError{})
	c := h.Counts()
	if c.Acknowledged != 5 || c.Stored != 5 || c.Waiting != 0 || c.Refused["too_large"] != 2 || c.Refused["backpressure"] != 1 || len(c.Refused) != 2 {
		t.Errorf("%+v", c)
	}
}
