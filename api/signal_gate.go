package api

import "context"

// limitSignals has the queries of store pass the gate.
func limitSignals(store Signals, gate *gate) Signals { return gatedSignals{Signals: store, gate: gate} }

type gatedSignals struct {
	Signals
	gate *gate
}

func (s gatedSignals) SearchSignals(ctx context.Context, search SignalSearch) (SignalPage, error) {
	return through(ctx, s.gate, func() (SignalPage, error) { return s.Signals.SearchSignals(ctx, search) })
}
