package api

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
)

// Running are the searches that run and that their callers named, so that they can ask how
// far these are. Each caller sees their own.
type Running struct {
	mu    sync.Mutex
	reads map[named]*Reading
}

// named is a search as its caller calls it.
type named struct{ caller, search string }

// Reading is how much a search has read. Several calls may have one name: it is all of them.
type Reading struct {
	calls       int // under Running.mu
	rows, total atomic.Uint64
	done        atomic.Uint64 // the bits of a float64
}

// maxSearchName bounds what a search may be called, in bytes.
const maxSearchName = 64

type readingKey struct{}

// Begin notes a call as part of a search of a caller, until end. An empty name, or one of
// more than 64 bytes, is none.
func (r *Running) Begin(ctx context.Context, caller, search string) (of context.Context, end func()) {
	if search == "" || len(search) > maxSearchName {
		return ctx, func() {}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := named{caller, search}
	if r.reads == nil {
		r.reads = map[named]*Reading{}
	}
	reading := r.reads[name]
	if reading == nil {
		reading = &Reading{}
		r.reads[name] = reading
	}
	reading.calls++
	return context.WithValue(ctx, readingKey{}, reading), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if reading.calls--; reading.calls == 0 {
			delete(r.reads, name)
		}
	}
}

// Progress is how far a search is.
type Progress struct {
	// Rows were read so far, of so many as is known.
	Rows, Total uint64
	// Done is how much of the time that is looked at is done, from 0 to 1; 0: it is not said.
	Done float64
}

// Of says how far a search is. ok is false where the caller has none of this name that runs.
func (r *Running) Of(caller, search string) (p Progress, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reading, ok := r.reads[named{caller, search}]
	if !ok {
		return Progress{}, false
	}
	p = Progress{Rows: reading.rows.Load(), Total: reading.total.Load(), Done: math.Float64frombits(reading.done.Load())}
	p.Total = max(p.Rows, p.Total)
	return p, true
}

// ReadingOf is what the call of a context reads for; nil where nobody asks.
func ReadingOf(ctx context.Context) *Reading {
	reading, _ := ctx.Value(readingKey{}).(*Reading)
	return reading
}

// Add notes rows that were read, and rows that are to be read.
func (r *Reading) Add(rows, total uint64) {
	r.rows.Add(rows)
	r.total.Add(total)
}

// Done says how much of what is asked for is done, from 0 to 1. nil is told in vain.
func (r *Reading) Done(share float64) {
	if r != nil {
		r.done.Store(math.Float64bits(share))
	}
}
