package rules

import (
	"context"

	"nightjar/api/limits"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	"nightjar/schema"
)

// LimitPreviews has the queries of store pass the gate.
func LimitPreviews(store Previews, gate *limits.Gate) Previews {
	return gatedPreviews{Previews: store, gate: gate}
}

type gatedPreviews struct {
	Previews
	gate *limits.Gate
}

func (p gatedPreviews) Preview(ctx context.Context, s schema.Suppression, span scheduler.TimeSpan) (*backtest.Preview, error) {
	return limits.Through(ctx, p.gate, func() (*backtest.Preview, error) { return p.Previews.Preview(ctx, s, span) })
}
