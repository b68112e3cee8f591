package scheduler

import (
	"sync"

	"nightjar/schema"
)

// Recent holds the events that were stored last, so that evaluation need not
// read back from the store what has just gone into it. It holds a contiguous
// stretch of arrivals, and forgets the oldest when it is full.
type Recent struct {
	limit int // bytes

	mu     sync.Mutex
	events []schema.Event
	after  uint64 // the stretch is (after, last]
	last   uint64
	bytes  int
}

// NewRecent makes one that holds up to limit bytes of events.
func NewRecent(limit int) *Recent { return &Recent{limit: limit} }

// Add takes events that are in the store now, in order of arrival. They follow those
// added before; otherwise what was held is forgotten. Events that were stored late,
// after others behind them, are not held.
func (r *Recent) Add(events []schema.Event) {
	if len(events) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if events[0].Seq <= r.last {
		return
	}
	if first := events[0].Seq; first != r.last+1 || len(r.events) == 0 {
		r.events, r.bytes, r.after = nil, 0, first-1
	}
	r.events = append(r.events, events...)
	for i := len(r.events) - len(events); i < len(r.events); i++ {
		r.events[i].Original = "" // which no rule looks at
		r.bytes += sizeOf(&r.events[i])
	}
	r.last = events[len(events)-1].Seq
	r.forget()
}

// forget drops the oldest until the rest fits. Dropped events are copied away
// from, so that their memory is free.
func (r *Recent) forget() {
	n := 0
	for r.bytes > r.limit && n < len(r.events) {
		r.bytes -= sizeOf(&r.events[n])
		n++
	}
	if n > 0 {
		r.after = r.events[n-1].Seq
		r.events = append([]schema.Event(nil), r.events[n:]...)
	}
}

// Forget lets go of the events up to a sequence, which nobody is going to ask for,
// and of their memory.
func (r *Recent) Forget(through uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.search(through)
	if i == 0 {
		return
	}
	for n := range i {
		r.bytes -= sizeOf(&r.events[n])
	}
	r.after = r.events[i-1].Seq
	r.events = append([]schema.Event(nil), r.events[i:]...)
}

// sizeOf estimates an event's memory.
func sizeOf(e *schema.Event) int {
	return 256 + len(e.Message) + 2*len(e.JSON) + 64*len(e.Leaves) + 32*len(e.Tags)
}

// Between are the events of an interval, when all of it is held. They are not
// to be changed.
func (r *Recent) Between(in Interval) ([]schema.Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == 0 || in.From < r.after || in.To > r.last {
		return nil, false
	}
	i, j := r.search(in.From), r.search(in.To)
	return r.events[i:j:j], true
}

// search is the index of the first event after a sequence. Numbers may be
// missing, where an event was put aside, so it is no subtraction.
func (r *Recent) search(seq uint64) int {
	lo, hi := 0, len(r.events)
	for lo < hi {
		if mid := (lo + hi) / 2; r.events[mid].Seq <= seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// find is the event with this sequence, if it is held.
func (r *Recent) find(seq uint64) *schema.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.search(seq - 1); i < len(r.events) && r.events[i].Seq == seq {
		return &r.events[i]
	}
	return nil
}
