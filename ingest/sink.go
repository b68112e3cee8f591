package ingest

import (
	"context"

	"nightjar/schema"
)

// Sink is where events end up. It is declared here because this package calls
// it; ingest/clickhouse implements it.
type Sink interface {
	// Insert stores the events, all or none. A second call with the same token
	// changes nothing. An error that wraps ErrRejected is the data's fault.
	Insert(ctx context.Context, token string, events []schema.Event) error
	// LastSeq is the highest arrival sequence stored; 0 when there is none.
	LastSeq(ctx context.Context) (uint64, error)
}
