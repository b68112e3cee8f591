package api

import (
	"context"

	"nightjar/scheduler"
	"nightjar/schema"
)

// limitBacktests has the queries of store pass the gate.
func limitBacktests(store Backtests, gate *gate) Backtests {
	return gatedBacktests{Backtests: store, gate: gate}
}

type gatedBacktests struct {
	Backtests
	gate *gate
}

func (b gatedBacktests) Backtest(ctx context.Context, r schema.Rule, span scheduler.TimeSpan) (found *scheduler.Backtest, warnings []string, err error) {
	leave, err := b.gate.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	return b.Backtests.Backtest(ctx, r, span)
}
