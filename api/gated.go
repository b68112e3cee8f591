package api

import (
	"context"

	"nightjar/scheduler"
	"nightjar/schema"
)

// gated puts what people ask of the database behind its gates.
func (g gates) gated(deps Deps) Deps {
	deps.Logs, deps.SQL = gatedLogs{deps.Logs, g.searches}, gatedSQL{deps.SQL, g.searches}
	deps.Signals, deps.JobSignals = gatedSignals{deps.Signals, g.signals}, gatedSignals{deps.JobSignals, g.signals}
	deps.Backtests, deps.Previews = gatedBacktests{deps.Backtests, g.backtests}, gatedPreviews{deps.Previews, g.backtests}
	return deps
}

// What stands behind a gate.
type (
	gatedLogs struct {
		Logs
		gate *gate
	}
	gatedSQL struct {
		SQL
		gate *gate
	}
	gatedSignals struct {
		Signals
		gate *gate
	}
	gatedBacktests struct {
		Backtests
		gate *gate
	}
	gatedPreviews struct {
		Previews
		gate *gate
	}
)

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

func (q gatedSQL) QuerySQL(ctx context.Context, query string, params map[string]any, limit int) (SQLResult, error) {
	return through(ctx, q.gate, func() (SQLResult, error) { return q.SQL.QuerySQL(ctx, query, params, limit) })
}

func (s gatedSignals) SearchSignals(ctx context.Context, search SignalSearch) (SignalPage, error) {
	return through(ctx, s.gate, func() (SignalPage, error) { return s.Signals.SearchSignals(ctx, search) })
}

func (b gatedBacktests) Backtest(ctx context.Context, r schema.Rule, span scheduler.TimeSpan) (found *scheduler.Backtest, warnings []string, err error) {
	leave, err := b.gate.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	return b.Backtests.Backtest(ctx, r, span)
}

func (p gatedPreviews) Preview(ctx context.Context, s schema.Suppression, span scheduler.TimeSpan) (*scheduler.Preview, error) {
	return through(ctx, p.gate, func() (*scheduler.Preview, error) { return p.Previews.Preview(ctx, s, span) })
}
