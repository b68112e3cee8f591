package signals

import (
	"context"

	"nightjar/schema"
)

// Store shows what was found. api/clickhouse implements it.
type Store interface {
	SearchSignals(context.Context, Search) (Page, error)
	// Signal is a *schema.NotFoundError when there is none with this id.
	Signal(ctx context.Context, id string) (Signal, error)
	// MatchingSignals are those that the event with this time and arrival is part
	// of and that were not taken back. An event's signals can be read some seconds after it
	// arrived.
	MatchingSignals(ctx context.Context, at schema.Millis, seq uint64) ([]Signal, error)
	// Versions are the versions of a signal that are still stored, the newest first; a
	// *schema.NotFoundError where there is none.
	Versions(ctx context.Context, id string) ([]Version, error)
}

// Version is a version of a signal, as it was published.
type Version struct {
	Number              uint64
	FirstSeen, LastSeen schema.Millis
	Events              uint64
	Severity            string
	State, Reason       string
	Suppression         string
	Triage              schema.Triage
}

// Search selects a page of signals.
type Search struct {
	RuleKey   string         // empty for all; results of a job have its own
	Query     string         // as in rules; empty for all
	From, To  *schema.Millis // first seen in [From, To); nil: open
	Ascending bool           // oldest first
	After     Cursor         // zero: from the beginning
	Limit     int
}

// Cursor is a position in the order by time and id: just after this signal.
type Cursor struct {
	At schema.Millis
	ID string
}

// Page is a page, in order. Next is zero on the last one.
type Page struct {
	Signals []Signal
	Next    Cursor
}

// Signal is a signal as it is shown.
type Signal struct {
	ID                             string
	At                             schema.Millis
	Message, Status, Service, Host string
	Tags                           []string
	// Attributes is a JSON object: title, workflow, nightjar, samples, …
	Attributes string
}
