package delivery

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// The times of the writer: how often it looks whether the mark is old, and tries a disk
// that took nothing.
const (
	markEvery = time.Second
	tryAgain  = time.Second
)

// writeAll brings what is queued into the spool until the context ends, and then what is
// left, as long as it works.
func (s *Sender) writeAll(ctx, working context.Context) {
	look := time.NewTicker(markEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-look.C:
		case <-s.wake:
			pause(ctx, s.config.Linger)
		}
		s.write(working)
	}
	s.write(working)
}

// write brings into the spool what is queued, and then marks how far it came.
func (s *Sender) write(ctx context.Context) {
	at, ended := s.config.Through() // before the queue is emptied: what was seen until then is in it
	for b := s.cut(); b != nil; b = s.cut() {
		if !s.keep(ctx, b) {
			return
		}
		s.kept(b)
	}
	if err := s.spool.reached(at, ended); err != nil {
		s.trouble("the spool can't be written", err)
	}
}

// began marks that events are seen from now on, of which nothing is in the spool yet.
func (s *Sender) began(now time.Time) {
	if err := s.spool.reached(now, false); err != nil {
		s.trouble("the spool can't be written", err)
	}
}

// cut makes a batch of what is queued; nil when nothing is.
func (s *Sender) cut() *batch {
	events, due := s.takeOut()
	if len(events) == 0 && !due {
		return nil
	}
	var report []byte
	var acknowledged func()
	if due {
		report, acknowledged = s.config.Report()
	}
	s.batches++
	b := newBatch(fmt.Sprintf("%s-%d", s.id, s.batches), time.Now().UnixMilli(), events, report)
	b.stored = acknowledged
	return b
}

// takeOut takes the events of a batch out of the queue, and whether it is to have a report.
func (s *Sender) takeOut() (events [][]byte, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	for n < len(s.queue) && n < batchEvents && (n == 0 || size+len(s.queue[n]) <= batchBytes) {
		size += len(s.queue[n])
		n++
	}
	events, due = s.queue[:n:n], s.due
	s.queue, s.due = s.queue[n:], false
	return events, due
}

// keep brings a batch into the spool, or, while the disk does not take it, to the server
// when that has all of the spool. It reports whether either has it: it tries until the
// context ends, and the disk once even then. What nobody has stays offered, so that giveUp
// counts it.
func (s *Sender) keep(ctx context.Context, b *batch) bool {
	for {
		err := s.spool.append(b)
		if err == nil {
			s.calm()
			return true
		}
		s.trouble("the spool takes no events; they wait in memory", err)
		done := s.direct.offer(b)
		select {
		case <-done:
			return true
		case <-s.roomy:
		case <-time.After(tryAgain):
		case <-ctx.Done():
			return false
		}
		if s.direct.withdraw() {
			continue
		}
		select { // the deliverer has it
		case <-done:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// kept lets go of a batch that is safe.
func (s *Sender) kept(b *batch) {
	if b.stored != nil {
		b.stored()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= b.size
}

// handover brings a batch from the writer to the deliverer without the spool.
type handover struct {
	offered chan struct{}
	mu      sync.Mutex
	batch   *batch // on its way; nil: none is
	taken   bool   // by the deliverer
	done    chan struct{}
}

// offer offers a batch. What it returns is closed when the deliverer is done with it.
func (h *handover) offer(b *batch) (done <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.batch, h.taken, h.done = b, false, make(chan struct{})
	signal(h.offered)
	return h.done
}

// withdraw takes the offer back, and reports whether that was in time.
func (h *handover) withdraw() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken {
		return false
	}
	h.batch = nil
	return true
}

// take takes what is offered; nil if nothing is.
func (h *handover) take() *batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.batch == nil || h.taken {
		return nil
	}
	h.taken = true
	return h.batch
}

// finish says that the server has what was taken.
func (h *handover) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.batch = nil
	close(h.done)
}

// left is the batch that was offered and that nobody has, in the end.
func (h *handover) left() *batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.batch
}
