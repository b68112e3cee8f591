package api

import (
	"context"

	"nightjar/schema"
)

// Signals shows what was found. api/clickhouse implements it.
type Signals interface {
	SearchSignals(context.Context, SignalSearch) (SignalPage, error)
	// Signal is a *schema.NotFound when there is none with this id.
	Signal(ctx context.Context, id string) (Signal, error)
	// MatchingSignals are those that the event with this time and arrival is part
	// of, and that the engine stands by; known some seconds after it arrived.
	MatchingSignals(ctx context.Context, at schema.Millis, seq uint64) ([]Signal, error)
}

// SignalSearch selects a page of signals.
type SignalSearch struct {
	RuleKey   string         // empty for all; results of a job have its own
	Query     string         // as in rules; empty for all
	From, To  *schema.Millis // first seen in [From, To); nil: open
	Ascending bool           // oldest first
	After     SignalCursor   // zero: from the beginning
	Limit     int
}

// SignalCursor is a place in the order by time and id: just after this signal.
type SignalCursor struct {
	At schema.Millis
	ID string
}

// SignalPage is a page, in order. Next is zero on the last one.
type SignalPage struct {
	Signals []Signal
	Next    SignalCursor
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
