package ingest

import (
	"errors"
	"time"

	"nightjar/schema"
)

// NewOffline is the reader of events that nobody sent: those of files that
// backtests, searches and rule tests read. It is the intake's own, but that an
// event arrives at its time, and one without has NoTime. Now only bounds times
// that are written without a year.
func NewOffline(now time.Time, locator Locator, pipelines Pipelines) *Decoder {
	return &Decoder{Now: now, Locator: locator, Pipelines: pipelines, Offline: true}
}

// ErrNoSource is a raw line of a file of which nobody said what wrote it, and whose form
// does not tell.
var ErrNoSource = errors.New("a line that is no JSON object; if it is a raw log line, say what wrote it (--source sshd)")

// Record is the event of a record of a file: one JSON object, or a raw line.
func (d *Decoder) Record(text []byte, isJSON bool) (schema.Event, error) {
	d.values = 0 // they bound a request, not a file
	if !isJSON {
		e := d.Line(text)
		if e.Source == "" {
			return schema.Event{}, ErrNoSource
		}
		return e, nil
	}
	events, err := d.JSON(text)
	switch {
	case err != nil:
		return schema.Event{}, err
	case len(events) != 1:
		return schema.Event{}, errors.New("want one event")
	}
	return events[0], nil
}

// Line is the event of a line of text, within the size of an event.
func (d *Decoder) Line(line []byte) schema.Event {
	x := draft{}
	x.rawMessage, x.cut = fitLine(line)
	return d.build(&x)
}
