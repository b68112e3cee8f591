package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"
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

// body is a request's body that knows its exchange, so that the codec, which is
// handed only a reader, can tell it what it noticed. It is read within memory, and a
// caller that stalls in the middle of it is not waited for.
type body struct {
	io.ReadCloser
	exchange *exchange
	hold     hold
	read     int64
	control  *http.ResponseController
	stall    time.Duration
}

// newBody takes the memory for a body, which the caller gives back.
func (s *Server) newBody(w http.ResponseWriter, r *http.Request, x *exchange) (*body, error) {
	b := &body{http.MaxBytesReader(w, r.Body, maxBody), x, hold{of: s.memory}, 0, http.NewResponseController(w), s.deps.MessageTime}
	size := r.ContentLength
	if size < 0 || size > maxBody {
		size = maxBody
	}
	if size == 0 {
		return b, nil
	}
	return b, b.hold.take(r.Context(), size)
}

func (b *body) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.stall)) // a test's recorder has none
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, &problem{code: codes.DeadlineExceeded, status: http.StatusRequestTimeout, message: fmt.Sprintf("nothing came for %s in the middle of the body; send it again", b.stall)}
	}
	if b.read += int64(n); errors.Is(err, io.EOF) {
		b.hold.shrink(b.read)
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
