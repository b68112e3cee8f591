package ingest

import (
	"context"

	"nightjar/schema"
)

// Sink is where events end up. It is declared here because this package calls
// it; ingest/clickhouse implements it.
type Sink interface {
	// Insert stores the events, all or none. A second call with the same token
	// changes nothing. An error that wraps ErrRejected is the data's fault, one that
	// wraps ErrTooMuch says that fewer events at a time may do. Of a block that
	// takes several inserts, the first events are stored first.
	Insert(ctx context.Context, token string, events []schema.Event) error
	// LastSeq is the highest arrival sequence stored; 0 when there is none.
	LastSeq(ctx context.Context) (uint64, error)
	// Settle ends inserts under a token, or under one that begins with it and a
	// space, that may still be under way after Insert failed or the process died.
	// It returns the highest of the arrivals from first to last that is stored, and
	// first−1 when none is. After it no other will be, unless Insert is called.
	Settle(ctx context.Context, token string, first, last uint64) (through uint64, err error)
	// Present says which of the arrivals from first to last are stored.
	Present(ctx context.Context, first, last uint64) (map[uint64]bool, error)
}
