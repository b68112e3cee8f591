package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/valyala/fastjson"

	"nightjar/ingest"
	"nightjar/ingest/files"
	"nightjar/schema"
)

// eventLine is an event as files of events have it.
type eventLine struct {
	ID         json.RawMessage `json:"id,omitempty"`
	Timestamp  schema.Millis   `json:"timestamp"`
	Source     string          `json:"source"`
	Service    string          `json:"service"`
	Host       string          `json:"host"`
	Status     string          `json:"status"`
	Message    string          `json:"message"`
	Tags       []string        `json:"tags"`
	Attributes json.RawMessage `json:"attributes"`
	Raw        string          `json:"raw,omitempty"` // as it came, where that was asked for
}

// withID puts the event's own id in front, where it has one: in a file, `id` is
// an attribute like any other. Otherwise it is the engine's.
func (l *eventLine) withID(id string) error {
	quoted, err := json.Marshal(id)
	if err != nil {
		return err
	}
	l.ID = quoted
	if !bytes.Contains(l.Attributes, []byte(`"id":`)) {
		return nil
	}
	v, err := fastjson.ParseBytes(l.Attributes)
	if err != nil {
		return fmt.Errorf("read attributes: %w", err)
	}
	if own := v.Get("id"); own != nil {
		l.ID = own.MarshalTo(nil)
		v.Del("id")
		l.Attributes = v.MarshalTo(nil)
	}
	return nil
}

// eventFile is a file of events that nobody sent, as backtests and searches read
// it: in any form that ingest/files knows, each record as the intake reads it.
type eventFile struct {
	path string // also a folder, or a pattern
	// decoder is the intake's, offline; its Source is that of raw lines.
	decoder *ingest.Decoder
}

// each calls use with every event of the file, in order. An event without a
// readable time has ingest.NoTime.
func (f eventFile) each(use func(files.Record, *schema.Event) error) error {
	paths, err := files.Expand([]string{f.path})
	if err != nil {
		return err
	}
	for _, path := range paths {
		err := files.Each(path, files.Options{Skipped: tellSkipped}, func(r files.Record) error {
			e, err := f.decoder.Record(r.Text, r.JSON)
			if err != nil {
				return &files.PlaceError{Place: r.Place, Err: err}
			}
			return use(r, &e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tellSkipped tells of a damaged part of a file.
func tellSkipped(err error) { fmt.Fprintf(os.Stderr, "%v\n", err) }

// leftOut are records that a command leaves out, and told on standard error: the
// first of them one by one, the others by their number.
type leftOut struct{ n int }

// maxTold is how many are told one by one.
const maxTold = 20

func (l *leftOut) add(at files.Place, why string) {
	if l.n++; l.n <= maxTold {
		fmt.Fprintf(os.Stderr, "%s: left out: %s\n", at, why)
	}
}

func (l *leftOut) close() {
	if l.n > maxTold {
		fmt.Fprintf(os.Stderr, "%d more were left out\n", l.n-maxTold)
	}
}

// whyNoTime says of an event without a time what was in its place.
func whyNoTime(e *schema.Event) string {
	if sent := e.Lookup("nightjar.original_timestamp"); len(sent) > 0 {
		return fmt.Sprintf("its time cannot be read: %.100q", sent[0].Text())
	}
	return "it has no time that can be read"
}
