package limits

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"nightjar/api"
)

// Memory is what requests share while they are read.
type Memory interface {
	// Total is how many bytes there are.
	Total() int64
	// Take takes n bytes, waiting for them a moment, and then fails with *api.BusyError.
	Take(ctx context.Context, n int64) error
	// Give gives n of them back.
	Give(n int64)
}

// CallMemory is that of requests that bring no events, in bytes.
const CallMemory = 128 << 20

// ownMemory is the Memory of requests that bring no events.
type ownMemory struct {
	free *semaphore.Weighted
	held atomic.Int64
}

// NewMemory is the Memory of requests that bring no events, CallMemory bytes of it.
func NewMemory() Memory { return &ownMemory{free: semaphore.NewWeighted(CallMemory)} }

// Total implements Memory.
func (m *ownMemory) Total() int64 { return CallMemory }

// Take implements Memory.
func (m *ownMemory) Take(ctx context.Context, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := m.free.Acquire(ctx, n); err != nil {
		return &api.BusyError{After: time.Second, Full: true, Err: errors.New("the requests being read have reached their quota of memory; try again")}
	}
	m.held.Add(n)
	return nil
}

// Give implements Memory.
func (m *ownMemory) Give(n int64) {
	m.held.Add(-n)
	m.free.Release(n)
}

// Hold is what one request has taken.
type Hold struct {
	Of    Memory
	taken int64
}

// Take takes room for a message of n bytes, or all there is.
func (h *Hold) Take(ctx context.Context, n int64) error {
	n = min(n*heldWhileRead, h.Of.Total())
	if err := h.Of.Take(ctx, n); err != nil {
		return err
	}
	h.taken = n
	return nil
}

// Shrink gives back what is more than a message of n bytes takes.
func (h *Hold) Shrink(n int64) {
	if n *= heldWhileRead; n < h.taken {
		h.Of.Give(h.taken - n)
		h.taken = n
	}
}

// heldWhileRead is what a byte of a message takes while it is read: itself, and what
// is made of it.
const heldWhileRead = 2
