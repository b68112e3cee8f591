package api

import (
	"context"

	"nightjar/scheduler"
	"nightjar/schema"
)

// limitPreviews has the queries of store pass the gate.
func limitPreviews(store Previews, gate *gate) Previews {
	return gatedPreviews{Previews: store, gate: gate}
}

type gatedPreviews struct {
	Previews
	gate *gate
}

func (p gatedPreviews) Preview(ctx context.Context, s schema.Suppression, span scheduler.TimeSpan) (*scheduler.Preview, error) {
	return through(ctx, p.gate, func() (*scheduler.Preview, error) { return p.Previews.Preview(ctx, s, span) })
}
