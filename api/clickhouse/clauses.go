package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/facets"
	"nightjar/compiler/search"
)

// maxHeld bounds the combinations of parts that are told apart; an answer with as many is
// partial.
const maxHeld = 100_000

// Clauses implements facets.Store: one read, in which every part is asked of every event.
func (f *Facets) Clauses(ctx context.Context, q facets.ClausesQuestion) (facets.HeldCounts, error) {
	var out facets.HeldCounts
	partial, err := f.run(ctx, q.Selection, func(c *counting) (string, error) { return c.heldSQL(q.Parts) }, func(rows driver.Rows) error {
		out.Events = map[facets.Held]uint64{} // of a statement that is run again
		for rows.Next() {
			var held uint32
			var n uint64
			if err := rows.Scan(&held, &n); err != nil {
				return fmt.Errorf("scan clauses: %w", err)
			}
			out.Events[facets.Held(held)] = n
		}
		return rows.Err()
	})
	if err != nil {
		return facets.HeldCounts{}, fmt.Errorf("count by clause: %w", searchError(ctx, err))
	}
	out.Partial = partial || len(out.Events) == maxHeld
	return out, nil
}

// heldSQL counts events by which parts hold: a bit for each.
func (c *counting) heldSQL(parts []*search.Query) (string, error) {
	bits := make([]string, len(parts))
	for i, part := range parts {
		sql, err := part.SQL(c.p)
		if err != nil {
			return "", queryError(err)
		}
		bits[i] = fmt.Sprintf("bitShiftLeft(toUInt32(%s), %d)", sql, i)
	}
	sql := fmt.Sprintf("SELECT toUInt32(%s) AS held, count() FROM %s WHERE %s GROUP BY held ORDER BY count() DESC LIMIT %d", strings.Join(bits, " + "), c.table, c.where, maxHeld)
	if len(sql) > search.MaxSQLLength {
		return "", queryError(fmt.Errorf("the query is too large to be counted by clause: it makes %d bytes of SQL, at most %d are allowed", len(sql), search.MaxSQLLength))
	}
	return sql, nil
}
