package clickhouse

import (
	"context"
	"fmt"
	"slices"

	"nightjar/api/services/rules"
	"nightjar/clickhouse"
	"nightjar/schema"
)

// withheld are the newest versions of the signals that suppressions withhold. Only groups
// of the table that have a withheld version in them are merged.
func (s *Signals) withheld(id string, p clickhouse.Params) string {
	of, table := "suppression != ''", s.table
	if s.states != nil && s.states.ready.Load() {
		table = schema.SignalStates.Name
	}
	if id != "" {
		of = "suppression = {suppression:String}"
		p.String("suppression", id)
	}
	if table == schema.SignalStates.Name { // which merges few rows anyway
		return table + " FINAL WHERE " + of + " AND reason = {withheld:String}"
	}
	return table + " FINAL PREWHERE key IN (SELECT key FROM " + table + " WHERE " + of + ") WHERE " + of +
		" AND reason = {withheld:String}"
}

// CountHidden implements rules.Hidden.
func (s *Signals) CountHidden(ctx context.Context, id string, bounds []schema.Millis) (map[string]rules.HiddenCount, error) {
	starts := []int64{int64(schema.MinMillis)} // what is before them all
	for _, at := range bounds {
		starts = append(starts, int64(at))
	}
	p := clickhouse.Params{}.String("withheld", schema.ReasonSuppressed).Ints("bounds", starts)
	rows, err := s.query(ctx, `SELECT toString(suppression), roundDown(toUnixTimestamp64Milli(timestamp), {bounds:Array(Int64)}) AS stretch,
			count(), toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(last_seen))
		FROM `+s.withheld(id, p)+` GROUP BY suppression, stretch`, p)
	if err != nil {
		return nil, fmt.Errorf("count hidden signals: %w", connError(ctx, err))
	}
	defer rows.Close()
	out := map[string]rules.HiddenCount{}
	for rows.Next() {
		var of string
		var stretch, first, last int64
		var n uint64
		if err := rows.Scan(&of, &stretch, &n, &first, &last); err != nil {
			return nil, fmt.Errorf("scan hidden signals: %w", err)
		}
		c, seen := out[of]
		if !seen {
			c = rules.HiddenCount{First: schema.Millis(first), PerStretch: make([]uint64, max(0, len(bounds)-1))}
		}
		c.Total += n
		c.First, c.Last = min(c.First, schema.Millis(first)), max(c.Last, schema.Millis(last))
		if i := slices.Index(bounds, schema.Millis(stretch)); i >= 0 && i < len(c.PerStretch) {
			c.PerStretch[i] += n
		}
		out[of] = c
	}
	return out, connError(ctx, rows.Err())
}
