package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc/codes"
)

// body is a request's body that knows its exchange, so that the codec, which is
// handed only a reader, can tell it what it noticed. It is read within memory, and a
// caller that stalls in the middle of it is not waited for.
type body struct {
	io.ReadCloser
	of      *exchange
	hold    hold
	read    int64
	control *http.ResponseController
	stall   time.Duration
}

// newBody takes the memory for a body, which the caller gives back.
func (h *restHandler) newBody(w http.ResponseWriter, r *http.Request, x *exchange) (*body, error) {
	b := &body{http.MaxBytesReader(w, r.Body, maxBody), x, hold{of: h.deps.Memory}, 0, http.NewResponseController(w), h.deps.MessageTime}
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

// Exchange is what the body is part of.
func (b *body) Exchange() *exchange { return b.of }
