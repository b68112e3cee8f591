package api

import "context"

// limitSQL has the queries of store pass the gate.
func limitSQL(store SQL, gate *gate) SQL { return gatedSQL{SQL: store, gate: gate} }

type gatedSQL struct {
	SQL
	gate *gate
}

func (q gatedSQL) QuerySQL(ctx context.Context, query string, params map[string]any, limit int) (SQLResult, error) {
	return through(ctx, q.gate, func() (SQLResult, error) { return q.SQL.QuerySQL(ctx, query, params, limit) })
}
