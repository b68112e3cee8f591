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
	// MatchingRules are the keys of the rules that matched the event, in any order.
	MatchingRules(ctx context.Context, at schema.Millis, seq uint64) ([]string, error)
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
	By        Order          // what they are sorted by
	Ascending bool           // the least of it, and the oldest, first
	After     Cursor         // zero: from the beginning; its order is By
	Limit     int
	// Brief has of the attributes only schema.BriefKeys read.
	Brief bool
}

// Order is what signals are sorted by; those that are equal by time, and then by id.
type Order string

// The orders of signals. The time of a signal is when it was first seen.
const (
	ByTime     Order = ""
	BySeverity Order = "severity" // critical is the most
	ByLastSeen Order = "last_seen"
	ByEvents   Order = "events"
)

// Cursor is a position in an order: just after this signal.
type Cursor struct {
	By Order
	// Value is what the signal is sorted by: its severity's rank, its last time in
	// milliseconds since 1970, its events; 0 in the order by time.
	Value int64
	At    schema.Millis
	ID    string
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
