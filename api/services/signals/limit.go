package signals

import (
	"context"

	"nightjar/api/limits"
)

// Limit has the queries of store pass the gate.
func Limit(store Store, gate *limits.Gate) Store { return gatedSignals{Store: store, gate: gate} }

type gatedSignals struct {
	Store
	gate *limits.Gate
}

func (s gatedSignals) SearchSignals(ctx context.Context, search Search) (Page, error) {
	return limits.Through(ctx, s.gate, func() (Page, error) { return s.Store.SearchSignals(ctx, search) })
}
