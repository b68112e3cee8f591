package events

import (
	"context"

	"nightjar/api/limits"
	"nightjar/schema"
)

// Limit has the queries of store pass the gate.
func Limit(store Store, gate *limits.Gate) Store { return gatedLogs{Store: store, gate: gate} }

type gatedLogs struct {
	Store
	gate *limits.Gate
}

func (l gatedLogs) SearchLogs(ctx context.Context, s LogSearch) (LogPage, error) {
	return limits.Through(ctx, l.gate, func() (LogPage, error) { return l.Store.SearchLogs(ctx, s) })
}

func (l gatedLogs) Log(ctx context.Context, at schema.Millis, seq uint64) (schema.Event, error) {
	return limits.Through(ctx, l.gate, func() (schema.Event, error) { return l.Store.Log(ctx, at, seq) })
}

func (l gatedLogs) AggregateLogs(ctx context.Context, a LogAggregation) ([]LogBucket, error) {
	return limits.Through(ctx, l.gate, func() ([]LogBucket, error) { return l.Store.AggregateLogs(ctx, a) })
}

func (l gatedLogs) ExplainLogs(ctx context.Context, s LogSearch) (LogExplanation, error) {
	return limits.Through(ctx, l.gate, func() (LogExplanation, error) { return l.Store.ExplainLogs(ctx, s) })
}
