package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/cespare/xxhash/v2"

	"nightjar/ingest"
)

// Door is POST /upload. Its sender saves where it is in the journal when it is
// answered, and otherwise ends, is started anew and sends all since then again: so an
// entry is known by its cursor, and none is ever refused for what is in it.
type Door struct {
	ingest.Keyed
	intake *ingest.Handler
	// patience is how long the sender is kept waiting while the intake is full.
	patience time.Duration
}

// NewDoor is the door of this intake.
func NewDoor(intake *ingest.Handler) *Door { return &Door{intake: intake, patience: 10 * time.Second} }

// mediaType is that of the export format.
const mediaType = "application/vnd.fdo.journal"

// ServeHTTP implements http.Handler.
func (j *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ingest.Alive(w, r) {
		return
	}
	// Senders compress what they send next when they are told that they may.
	w.Header().Set("Accept-Encoding", "zstd")
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != mediaType {
		j.Refuse(w, r, http.StatusUnsupportedMediaType, "Content-Type: want "+mediaType)
		return
	}
	skipped, err := j.upload(w, r)
	if err != nil {
		f := ingest.RefusalOf(err)
		f.SetRetryAfter(w.Header())
		if f.Busy {
			f.Status = http.StatusServiceUnavailable
		}
		j.Refuse(w, r, f.Status, f.Detail)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if skipped > 0 {
		fmt.Fprintf(w, "OK, but for %d entries that could not be read\n", skipped)
		return
	}
	_, _ = io.WriteString(w, "OK.\n")
}

func (j *Door) upload(w http.ResponseWriter, r *http.Request) (skipped int, err error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s, err := j.intake.OpenStream(w, r, partSize)
	if err != nil {
		return 0, err
	}
	entries := make(chan read)
	done := make(chan struct{})
	in := newReader(s, func(size int64) error { return s.Hold(ctx, partSize+size) })
	go func() {
		defer close(done)
		in.all(ctx, entries)
	}()
	defer func() {
		cancel()
		s.Stop()
		<-done
		s.Skipped("journal_entry", in.skipped)
		s.Close()
	}()
	p := parts{stream: s, patience: j.patience}
	if err := p.take(ctx, entries); err != nil {
		return 0, err
	}
	<-done
	return in.skipped + p.skipped, nil
}

// read is an entry, or why there are no more: nil, at the end.
type read struct {
	entry entry
	end   bool
	err   error
}

// all sends the entries, and then the end.
func (r *reader) all(ctx context.Context, to chan<- read) {
	for {
		e, err := r.next()
		out := read{entry: e, end: err != nil}
		if err != nil && !errors.Is(err, io.EOF) {
			out.err = err
		}
		select {
		case to <- out:
		case <-ctx.Done():
			return
		}
		if out.end {
			return
		}
	}
}

// What is taken in at once. Where a part ends, the cursors say, so that the parts of
// what is sent again are those of the first time.
const (
	partSize    = 256 << 10 // bytes, of objects
	partEntries = 2000
	partEnds    = 512 // one cursor of so many ends a part
	// idle is how long entries wait for others.
	idle = time.Second
)

// parts collects entries and takes them in.
type parts struct {
	stream  *ingest.Stream
	objects []byte
	names   []string
	skipped int

	patience time.Duration
}

func (p *parts) take(ctx context.Context, entries <-chan read) error {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done(): // nobody waits for an answer any more
			return ctx.Err()
		case <-timer.C:
			if err := p.submit(ctx); err != nil {
				return err
			}
		case got := <-entries:
			switch {
			case got.err != nil: // what is incomplete is sent again
				return p.stream.Broken(got.err)
			case got.end:
				return p.submit(ctx)
			}
			if err := p.add(ctx, got.entry); err != nil {
				return err
			}
			timer.Reset(idle)
		}
	}
}

func (p *parts) add(ctx context.Context, e entry) error {
	cursor := e.cursor()
	p.objects = e.appendObject(p.objects)
	p.names = append(p.names, cursor)
	if len(p.objects) >= partSize || len(p.names) >= partEntries || xxhash.Sum64String(cursor)%partEnds == 0 {
		return p.submit(ctx)
	}
	return nil
}

// submit takes in what was collected. While the intake is full, it waits: the sender
// is not read meanwhile. How long, the intake says each time: that is no backoff.
func (p *parts) submit(ctx context.Context) error {
	if len(p.names) == 0 {
		return nil
	}
	for waited := time.Duration(0); ; {
		_, err := p.stream.Submit(ctx, p.objects, func(d *ingest.Decoder, body []byte) (ingest.Batch, error) {
			events, err := d.JSON(body)
			b := ingest.Batch{Events: events}
			if err == nil {
				b.Identify("journal", p.names)
			}
			return b, err
		})
		after, _, again := ingest.RetryAfter(err)
		switch {
		case err == nil:
			p.objects, p.names = p.objects[:0], p.names[:0]
			return nil
		case !again && ctx.Err() == nil && ingest.RefusalOf(err).Status < http.StatusInternalServerError:
			p.skipped += len(p.names) // never refused for what is in it
			p.stream.Skipped("journal_entry", len(p.names))
			p.objects, p.names = p.objects[:0], p.names[:0]
			return nil
		case !again || waited+after > p.patience:
			return err
		}
		select {
		case <-time.After(after):
			waited += after
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Refuse implements api.Door.
func (j *Door) Refuse(w http.ResponseWriter, _ *http.Request, status int, why string) {
	ingest.RefuseInALine(w, status, why)
}
