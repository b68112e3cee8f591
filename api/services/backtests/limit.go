package backtests

import (
	"context"

	"nightjar/api/limits"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	"nightjar/schema"
)

// Limit has the queries of store pass the gate.
func Limit(store Runner, gate *limits.Gate) Runner {
	return gatedBacktests{Runner: store, gate: gate}
}

type gatedBacktests struct {
	Runner
	gate *limits.Gate
}

func (b gatedBacktests) Backtest(ctx context.Context, r schema.Rule, span scheduler.TimeSpan, progress func(float64)) (found *backtest.Found, warnings []string, err error) {
	leave, err := b.gate.Enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	return b.Runner.Backtest(ctx, r, span, progress)
}
