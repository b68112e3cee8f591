package clickhouse

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/scheduler"
	"nightjar/schema"
)

type windows struct{ conn driver.Conn }

const matchColumns = "key, rule_key, toUnixTimestamp64Milli(at) AS ms, seq, label, group, values, number, tags"

// Append stores matches. The table collapses equal ones in time, and Load
// leaves them out until then.
func (w windows) Append(ctx context.Context, matches []scheduler.StoredMatch) error {
	return insert(ctx, w.conn, schema.Matches, len(matches), func(i int) []any {
		m := &matches[i]
		var number *float64
		if m.HasNumber {
			number = &m.Number
		}
		return []any{m.Key, m.RuleKey, m.At.Time(), m.Seq, uint8(m.Label), notNil(m.Group), notNil(m.Values), number, notNil(m.Tags)}
	})
}

// Load reads the matches of each span.
func (w windows) Load(ctx context.Context, spans []scheduler.Span) (map[uint64][]scheduler.StoredMatch, error) {
	out := map[uint64][]scheduler.StoredMatch{}
	err := inChunks(spans, func(spans []scheduler.Span) error { return w.load(ctx, spans, out) })
	return out, err
}

func (w windows) load(ctx context.Context, spans []scheduler.Span, out map[uint64][]scheduler.StoredMatch) error {
	keys, froms := spansOf(spans)
	params := server.Params{}.Uints("keys", keys).Ints("froms", froms).Int("earliest", slices.Min(froms))
	rows, err := w.conn.Query(params.Context(ctx), `
		SELECT `+matchColumns+`
		FROM matches
		WHERE key IN {keys:Array(UInt64)} AND at >= fromUnixTimestamp64Milli({earliest:Int64})
		  AND toUnixTimestamp64Milli(at) >= transform(key, {keys:Array(UInt64)}, {froms:Array(Int64)}, toInt64(0))
		ORDER BY key, at, seq, label, group`)
	if err != nil {
		return err
	}
	return eachMatch(rows, func(m scheduler.StoredMatch) {
		if list := out[m.Key]; len(list) == 0 || !same(&list[len(list)-1], &m) {
			out[m.Key] = append(list, m)
		}
	})
}

// eachMatch reads rows of matchColumns.
func eachMatch(rows driver.Rows, use func(scheduler.StoredMatch)) error {
	defer rows.Close()
	for rows.Next() {
		var m scheduler.StoredMatch
		var at int64
		var label uint8
		var number *float64
		if err := rows.Scan(&m.Key, &m.RuleKey, &at, &m.Seq, &label, &m.Group, &m.Values, &number, &m.Tags); err != nil {
			return err
		}
		m.At, m.Label = schema.Millis(at), int(label)
		if number != nil {
			m.Number, m.HasNumber = *number, true
		}
		use(m)
	}
	return rows.Err()
}

// Recent reads the matches within so long before each rule's newest.
func (w windows) Recent(ctx context.Context, back map[string]time.Duration, limit int) ([]scheduler.StoredMatch, map[string]schema.Millis, error) {
	froms, err := w.recentFroms(ctx, back)
	if err != nil || len(froms) == 0 {
		return nil, froms, err
	}
	keys, moments := momentsOf(froms)
	params := server.Params{}.Strings("rules", keys).Ints("froms", moments).Int("earliest", slices.Min(moments)).Int("limit", int64(limit))
	rows, err := w.conn.Query(params.Context(ctx), `
		SELECT `+matchColumns+` FROM matches
		WHERE at >= fromUnixTimestamp64Milli({earliest:Int64}) AND rule_key IN {rules:Array(String)}
		  AND toUnixTimestamp64Milli(at) >= transform(rule_key, {rules:Array(String)}, {froms:Array(Int64)}, toInt64(0))
		LIMIT {limit:UInt64}`)
	if err != nil {
		return nil, nil, err
	}
	var out []scheduler.StoredMatch
	err = eachMatch(rows, func(m scheduler.StoredMatch) { out = append(out, m) })
	if err == nil && len(out) == limit {
		// Not all fit, and which are missing is not known: none count as held.
		for key := range froms {
			froms[key] = schema.MaxMillis
		}
		out = nil
	}
	return out, froms, err
}

func (w windows) recentFroms(ctx context.Context, back map[string]time.Duration) (map[string]schema.Millis, error) {
	var keys []string
	for key := range back {
		keys = append(keys, key)
	}
	params := server.Params{}.Strings("rules", keys)
	rows, err := w.conn.Query(params.Context(ctx), `
		SELECT rule_key, toUnixTimestamp64Milli(max(at)) FROM matches
		WHERE rule_key IN {rules:Array(String)} GROUP BY rule_key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	froms := map[string]schema.Millis{}
	for rows.Next() {
		var key string
		var newest int64
		if err := rows.Scan(&key, &newest); err != nil {
			return nil, err
		}
		froms[key] = schema.Millis(newest - back[key].Milliseconds())
	}
	return froms, rows.Err()
}

// same tells a match that was stored twice.
func same(a, b *scheduler.StoredMatch) bool {
	return a.Seq == b.Seq && a.Label == b.Label && a.RuleKey == b.RuleKey && slices.Equal(a.Group, b.Group)
}

// Groups lists the full groups of a rule with a match in [from, to).
func (w windows) Groups(ctx context.Context, ruleKey string, from, to schema.Millis) ([][]string, error) {
	params := server.Params{}.String("rule", ruleKey).Int("from", int64(from)).Int("to", int64(to))
	rows, err := w.conn.Query(params.Context(ctx), `
		SELECT DISTINCT group FROM matches
		WHERE rule_key = {rule:String}
		  AND at >= fromUnixTimestamp64Milli({from:Int64}) AND at < fromUnixTimestamp64Milli({to:Int64})`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]string
	for rows.Next() {
		var group []string
		if err := rows.Scan(&group); err != nil {
			return nil, err
		}
		out = append(out, group)
	}
	return out, rows.Err()
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
