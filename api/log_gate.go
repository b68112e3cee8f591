package api

import (
	"context"

	"nightjar/schema"
)

// limitLogs has the queries of store pass the gate.
func limitLogs(store Logs, gate *gate) Logs { return gatedLogs{Logs: store, gate: gate} }

type gatedLogs struct {
	Logs
	gate *gate
}

func (l gatedLogs) SearchLogs(ctx context.Context, s LogSearch) (LogPage, error) {
	return through(ctx, l.gate, func() (LogPage, error) { return l.Logs.SearchLogs(ctx, s) })
}

func (l gatedLogs) Log(ctx context.Context, at schema.Millis, seq uint64) (schema.Event, error) {
	return through(ctx, l.gate, func() (schema.Event, error) { return l.Logs.Log(ctx, at, seq) })
}

func (l gatedLogs) AggregateLogs(ctx context.Context, a LogAggregation) ([]LogBucket, error) {
	return through(ctx, l.gate, func() ([]LogBucket, error) { return l.Logs.AggregateLogs(ctx, a) })
}

func (l gatedLogs) ExplainLogs(ctx context.Context, s LogSearch) (LogExplanation, error) {
	return through(ctx, l.gate, func() (LogExplanation, error) { return l.Logs.ExplainLogs(ctx, s) })
}
