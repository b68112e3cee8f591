package api

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Memory is what requests share while they are read.
type Memory interface {
	// Total is how many bytes there are.
	Total() int64
	// Take takes n bytes, waiting for them a moment, and then fails with *Busy.
	Take(ctx context.Context, n int64) error
	// Give gives n of them back.
	Give(n int64)
}

// callMemory is that of requests that bring no events, in bytes.
const callMemory = 128 << 20

// ownMemory is the Memory of requests that bring no events.
type ownMemory struct {
	free *semaphore.Weighted
	held atomic.Int64
}

func newOwnMemory() *ownMemory { return &ownMemory{free: semaphore.NewWeighted(callMemory)} }

// Total implements Memory.
func (m *ownMemory) Total() int64 { return callMemory }

// Take implements Memory.
func (m *ownMemory) Take(ctx context.Context, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := m.free.Acquire(ctx, n); err != nil {
		return &Busy{After: time.Second, Full: true, Err: errors.New("the requests being read have reached their quota of memory; try again")}
	}
	m.held.Add(n)
	return nil
}

// Give implements Memory.
func (m *ownMemory) Give(n int64) {
	m.held.Add(-n)
	m.free.Release(n)
}

// hold is what one request has taken.
type hold struct {
	of    Memory
	taken int64
}

// take takes room for a message of n bytes, or all there is.
func (h *hold) take(ctx context.Context, n int64) error {
	n = min(n*heldWhileRead, h.of.Total())
	if err := h.of.Take(ctx, n); err != nil {
		return err
	}
	h.taken = n
	return nil
}

// shrink gives back what is more than a message of n bytes takes.
func (h *hold) shrink(n int64) {
	if n *= heldWhileRead; n < h.taken {
		h.of.Give(h.taken - n)
		h.taken = n
	}
}

// heldWhileRead is what a byte of a message takes while it is read: itself, and what
// is made of it.
const heldWhileRead = 2
