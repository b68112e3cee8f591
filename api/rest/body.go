package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"nightjar/api"
	"nightjar/api/limits"
)

// body is a request's body that knows its exchange, so that the codec, which is
// handed only a reader, can tell it what it noticed. It is read within memory, and a
// caller that stalls in the middle of it is not waited for.
type body struct {
	io.ReadCloser
	of      *api.Exchange
	hold    limits.Hold
	read    int64
	control *http.ResponseController
	stall   time.Duration
}

// newBody takes the memory for a body, which the caller gives back.
func (h *Handler) newBody(w http.ResponseWriter, r *http.Request, x *api.Exchange) (*body, error) {
	b := &body{http.MaxBytesReader(w, r.Body, MaxBody), x, limits.Hold{Of: h.deps.Memory}, 0, http.NewResponseController(w), h.deps.MessageTime}
	size := r.ContentLength
	if size < 0 || size > MaxBody {
		size = MaxBody
	}
	if size == 0 {
		return b, nil
	}
	return b, b.hold.Take(r.Context(), size)
}

func (b *body) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.stall)) // a test's recorder has none
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, &api.Error{Code: api.CodeDeadlineExceeded, Status: http.StatusRequestTimeout, Message: fmt.Sprintf("nothing came for %s in the middle of the body; send it again", b.stall)}
	}
	if b.read += int64(n); errors.Is(err, io.EOF) {
		b.hold.Shrink(b.read)
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// Exchange is what the body is part of.
func (b *body) Exchange() *api.Exchange { return b.of }
