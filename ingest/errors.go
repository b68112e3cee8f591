package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// BackpressureError refuses events for now, because of how much is waiting
// already. Nothing of the batch was kept; send it again after RetryAfter.
type BackpressureError struct {
	Reason     string
	RetryAfter time.Duration
}

func (e *BackpressureError) Error() string {
	return fmt.Sprintf("%s; send the batch again in %s", e.Reason, e.RetryAfter)
}

// UnavailableError refuses events because they cannot be made durable now: the
// disk is full or fails. The batch may be sent again.
type UnavailableError struct {
	RetryAfter time.Duration
	Err        error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("the events could not be made durable: %v; send the batch again in %s", withoutPath(e.Err), e.RetryAfter)
}

// withoutPath is what the system said of a file, without where the file is, which
// is no business of a sender's.
func withoutPath(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	switch {
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	case errors.As(err, &call):
		return call
	}
	return err
}

// Unwrap is what the disk said.
func (e *UnavailableError) Unwrap() error { return e.Err }

// ErrTooLarge refuses a batch that is larger than one record of the log.
var ErrTooLarge = errors.New("the batch is too large")

// ErrRejected marks an error of a Sink that the data caused: sending the same
// events again will fail again.
var ErrRejected = errors.New("rejected")

// ErrTooMuch marks an error of a Sink that is not the fault of any event: so many
// of them at a time are too much for it.
var ErrTooMuch = errors.New("too much at a time")

// RetryAfter tells that the batch of a refusal may be sent again, and when. Over
// HTTP it is the header Retry-After of a 429 (full: a quota is used up) or 503;
// over gRPC, RetryInfo of RESOURCE_EXHAUSTED or UNAVAILABLE.
func RetryAfter(err error) (after time.Duration, full, again bool) {
	var pressure *BackpressureError
	var away *UnavailableError
	switch {
	case errors.As(err, &pressure):
		return pressure.RetryAfter, true, true
	case errors.As(err, &away):
		return away.RetryAfter, false, true
	}
	return 0, false, false
}
