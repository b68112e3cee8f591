package ingest

import (
	"context"
	"sync"
	"time"
)

// budget is memory that requests share while they are read. Taking more than
// there is waits for a moment and is refused then: a sender can keep its data,
// an engine that has run out of memory keeps nothing.
type budget struct {
	mu    sync.Mutex
	free  int64
	total int64
	freed chan struct{} // closed when some was given back
}

func newBudget(total int64) *budget {
	return &budget{free: total, total: total, freed: make(chan struct{})}
}

// take takes n bytes, waiting up to patience for them.
func (b *budget) take(ctx context.Context, n int64, patience time.Duration) bool {
	var timer <-chan time.Time
	for {
		b.mu.Lock()
		if n <= b.free {
			b.free -= n
			b.mu.Unlock()
			return true
		}
		freed := b.freed
		b.mu.Unlock()
		if patience <= 0 {
			return false
		}
		if timer == nil {
			t := time.NewTimer(patience)
			defer t.Stop()
			timer = t.C
		}
		select {
		case <-freed:
		case <-timer:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (b *budget) give(n int64) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	close(b.freed)
	b.freed = make(chan struct{})
}

func (b *budget) used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total - b.free
}

// Memory is what requests take while they are read, for doors that do not read
// through Receive.
func (in *Intake) Memory() Memory { return Memory{in} }

// Memory is the quota of memory for requests that are being read.
type Memory struct{ in *Intake }

// Total is the quota in bytes.
func (m Memory) Total() int64 { return m.in.reading.total }

// Take takes n bytes, waits a moment for them, and fails with *BackpressureError.
func (m Memory) Take(ctx context.Context, n int64) error {
	if m.in.reading.take(ctx, n, bodyPatience) {
		return nil
	}
	err := &BackpressureError{Reason: memoryReason, RetryAfter: time.Second}
	m.in.metrics.refuse(err)
	return err
}

// Give gives n of the bytes back.
func (m Memory) Give(n int64) { m.in.reading.give(n) }

const memoryReason = "the requests being read have reached their quota of memory"

// share is what one request has taken of the budget.
type share struct {
	of    *budget
	taken int64
}

// MemoryFactor is what a byte of a body takes until it is in the log: itself,
// the events made of it, and the record that is written.
const MemoryFactor = 6

// bodyPatience is how long a request waits for its share before it is read. One
// that is being read waits no longer: it holds memory that others wait for.
const bodyPatience = 2 * time.Second

// cover makes the share large enough for a body of n bytes.
func (s *share) cover(ctx context.Context, n int64, patience time.Duration) error {
	need := n*MemoryFactor - s.taken
	if need <= 0 {
		return nil
	}
	if !s.of.take(ctx, need, patience) {
		return &BackpressureError{Reason: memoryReason, RetryAfter: time.Second}
	}
	s.taken += need
	return nil
}

func (s *share) giveBack() {
	s.of.give(s.taken)
	s.taken = 0
}
