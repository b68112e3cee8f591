package clickhouse

import (
	"context"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/api"
)

// progressing is a statement's context, in which the server says how far it is to whoever asks.
func progressing(ctx context.Context, options ...ch.QueryOption) context.Context {
	if reading := api.ReadingOf(ctx); reading != nil {
		options = append(options, ch.WithProgress(func(p *ch.Progress) { reading.Add(p.Rows, p.TotalRows) }))
	}
	return ch.Context(ctx, options...)
}
