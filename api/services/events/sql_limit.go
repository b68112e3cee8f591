package events

import (
	"context"

	"nightjar/api/limits"
)

// LimitSQL has the queries of store pass the gate.
func LimitSQL(store SQL, gate *limits.Gate) SQL { return gatedSQL{SQL: store, gate: gate} }

type gatedSQL struct {
	SQL
	gate *limits.Gate
}

func (q gatedSQL) QuerySQL(ctx context.Context, query string, params map[string]any, limit int) (SQLResult, error) {
	return limits.Through(ctx, q.gate, func() (SQLResult, error) { return q.SQL.QuerySQL(ctx, query, params, limit) })
}
