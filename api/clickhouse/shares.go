package clickhouse

import (
	"context"
	"fmt"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/facets"
	"nightjar/compiler/search"
)

// maxShareSources bounds the sources that are told apart, those with most events first.
const maxShareSources = 1000

// Shares implements facets.Store. It is a hint: what takes more than two seconds is an error.
func (f *Facets) Shares(ctx context.Context, q facets.SharesQuestion) (out []facets.SourceShares, err error) {
	ctx, cancel := context.WithTimeout(ctx, hintTime)
	defer cancel()
	everything, err := search.Parse("*")
	if err != nil {
		return nil, err
	}
	err = f.logs.compiled(func(p *search.Params) error {
		c, err := newCounting(p, facets.Selection{Of: facets.Events, Query: everything, From: q.From, To: q.To}, "events")
		if err != nil {
			return err
		}
		columns := make([]string, len(q.Fields))
		for i, field := range q.Fields {
			has, err := search.Having(field).SQL(p)
			if err != nil {
				return queryError(err)
			}
			columns[i] = "countIf(" + has + ")"
		}
		sql := fmt.Sprintf("SELECT source, count() AS n, [%s] FROM %s WHERE %s GROUP BY source ORDER BY n DESC, source LIMIT %d", strings.Join(columns, ", "), c.table, c.where, maxShareSources)
		rows, err := f.logs.conn.Query(progressing(ctx, ch.WithParameters(p.Map()), ch.WithSettings(ch.Settings{
			"max_execution_time": hintTime.Seconds(), "timeout_overflow_mode": "throw", "readonly": 2,
		})), sql)
		if err != nil {
			return err
		}
		defer rows.Close()
		out, err = scanShares(rows)
		return err
	})
	return out, err
}

func scanShares(rows driver.Rows) (out []facets.SourceShares, err error) {
	for rows.Next() {
		var s facets.SourceShares
		if err := rows.Scan(&s.Source, &s.Events, &s.Having); err != nil {
			return nil, fmt.Errorf("scan share: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
