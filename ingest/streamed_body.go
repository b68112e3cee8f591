package ingest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Stream is the body of a request that is taken in part by part while it is read,
// however long it is and takes.
type Stream struct {
	h     *Handler
	w     http.ResponseWriter
	r     *http.Request
	d     *Decoder
	body  *stoppable
	plain plainReader

	mu   sync.Mutex
	mine share
}

// stoppable is a body whose reading another goroutine can end.
//
// A deadline of the connection is for what is still to come of the body. Behind its end
// the server reads on, to see whether the sender hangs up: a deadline that ends that
// read looks like it, and takes all further requests of the connection with it.
type stoppable struct {
	steady
	mu             sync.Mutex
	stopped, ended bool
}

// errStopped is a stream of which no more is read.
var errStopped = errors.New("the stream was stopped")

// Read implements io.Reader.
func (s *stoppable) Read(b []byte) (int, error) {
	if !s.begin() {
		return 0, errStopped
	}
	n, err := s.Reader.Read(b)
	if errors.Is(err, io.EOF) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = true
		_ = s.control.SetReadDeadline(time.Time{}) // a test's recorder has none
	}
	return n, err
}

// begin sets the deadline of a read, and reports whether there is to be one.
func (s *stoppable) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		_ = s.control.SetReadDeadline(time.Now().Add(s.patience)) // a test's recorder has none
	}
	return !s.stopped
}

// stop wakes the reader, and reports whether some of the body was not read.
func (s *stoppable) stop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped = true; !s.ended {
		_ = s.control.SetReadDeadline(time.Now()) // a test's recorder has none
	}
	return !s.ended
}

// streamStall is how long the sender of a stream may send nothing.
const streamStall = 10 * time.Minute

// zstdWindow is what a stream's decompression may take, in bytes.
const zstdWindow = 8 << 20

// OpenStream begins to read a request, of which up to part bytes are held at a time.
// Its deadlines are no longer the server's. The stream is closed by the caller.
func (h *Handler) OpenStream(w http.ResponseWriter, r *http.Request, part int64) (*Stream, error) {
	d, err := h.decoder(r)
	if err != nil {
		return nil, &httpError{http.StatusBadRequest, err.Error(), 0}
	}
	s := &Stream{h: h, w: w, r: r, d: d, mine: share{of: h.in.reading}}
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	size := part
	if encoding == "zstd" {
		size += zstdWindow / MemoryFactor
	}
	if err := s.mine.cover(r.Context(), size, bodyPatience); err != nil {
		h.in.metrics.refuse(err)
		return nil, err
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // a test's recorder has none
	s.body = &stoppable{steady: steady{Reader: r.Body, control: control, patience: streamStall}}
	if s.plain, err = decompress(s.body, encoding); err != nil {
		s.mine.giveBack()
		return nil, h.bodyError(err, streamStall)
	}
	return s, nil
}

// Read implements io.Reader: the body, decompressed.
func (s *Stream) Read(b []byte) (int, error) { return s.plain.Read(b) }

// Stop ends reading: who waits in Read is woken. It comes before the answer, which ends
// the connection where some of the body was not read.
func (s *Stream) Stop() {
	if s.body.stop() {
		s.w.Header().Set("Connection", "close")
	}
}

// Hold makes the stream's share of memory large enough for n bytes.
func (s *Stream) Hold(ctx context.Context, n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.mine.cover(ctx, n, bodyPatience)
	if err != nil {
		s.h.in.metrics.refuse(err)
	}
	return err
}

// Submit takes in a part of the stream.
func (s *Stream) Submit(ctx context.Context, part []byte, decode Decode) (Taken, error) {
	if err := s.Hold(ctx, int64(len(part))); err != nil {
		return Taken{}, err
	}
	d := *s.d
	d.Now = s.h.in.deps.Now()
	return s.h.take(ctx, &d, "", part, decode, nil)
}

// Skipped counts pieces of the stream that could not be read.
func (s *Stream) Skipped(kind string, n int) {
	s.h.in.metrics.oddities.WithLabelValues(kind).Add(float64(n))
}

// Broken is what an error of Read means to the sender.
func (s *Stream) Broken(err error) error { return s.h.bodyError(err, streamStall) }

// Close gives back what the stream held.
func (s *Stream) Close() {
	s.plain.Close()
	s.mine.giveBack()
}
