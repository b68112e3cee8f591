package agent

import (
	"io"

	"nightjar/secl/event"
)

// Recording is a Sink that writes every event that the agent subscribes to, whether a rule
// matches or not: an event.AppendRecord on a line. Use it with Config.Events.
type Recording struct{ *Writer }

// NewRecording records to w.
func NewRecording(w io.Writer, report func(Report)) *Recording {
	return &Recording{NewWriter(w, nil, report)}
}

// Match does nothing: the event is written already.
func (*Recording) Match(Match) {}

// Event writes an event, or drops it where too much waits.
func (r *Recording) Event(e *event.Event) { r.queue(event.AppendRecord(nil, e)) }
