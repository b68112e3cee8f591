package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

type knowledge struct{ conn driver.Conn }

// Load reads all that a rule knows.
func (k knowledge) Load(ctx context.Context, ruleKey string, values func(detect.SeenValue), groups func(detect.SeenGroup)) error {
	ctx = server.Params{}.String("rule", ruleKey).Context(ctx)
	rows, err := k.conn.Query(ctx, `
		SELECT key, toUnixTimestamp64Milli(start), toUnixTimestamp64Milli(end) FROM known_values FINAL
		WHERE rule_key = {rule:String} AND NOT gone`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var start, end int64
		if err := rows.Scan(&key, &start, &end); err != nil {
			return err
		}
		values(detect.SeenValue{Key: keyOf(key), Start: schema.Millis(start), End: schema.Millis(end)})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return k.groups(ctx, groups)
}

func (k knowledge) groups(ctx context.Context, use func(detect.SeenGroup)) error {
	rows, err := k.conn.Query(ctx, `SELECT key, times, seqs FROM known_groups FINAL WHERE rule_key = {rule:String}`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var times []int64
		var seqs []uint64
		if err := rows.Scan(&key, &times, &seqs); err != nil {
			return err
		}
		g := detect.SeenGroup{Key: keyOf(key)}
		for i := range times {
			g.First = append(g.First, detect.Arrival{At: schema.Millis(times[i]), Seq: seqs[i]})
		}
		use(g)
	}
	return rows.Err()
}

func keyOf(s string) (key detect.SeenKey) {
	copy(key[:], s)
	return key
}

// Learn appends what changed. There is one writer, so its clock orders versions.
func (k knowledge) Learn(ctx context.Context, ruleKey string, values []detect.SeenValue, groups []detect.SeenGroup) error {
	version := uint64(time.Now().UnixNano())
	if len(values) > 0 {
		err := insert(ctx, k.conn, schema.KnownValues, len(values), func(i int) []any {
			v := &values[i]
			return []any{ruleKey, string(v.Key[:]), v.Start.Time(), v.End.Time(), v.Gone, version}
		})
		if err != nil {
			return err
		}
	}
	if len(groups) == 0 {
		return nil
	}
	return insert(ctx, k.conn, schema.KnownGroups, len(groups), func(i int) []any {
		g := &groups[i]
		times, seqs := make([]int64, len(g.First)), make([]uint64, len(g.First))
		for n, a := range g.First {
			times[n], seqs[n] = int64(a.At), a.Seq
		}
		return []any{ruleKey, string(g.Key[:]), times, seqs, version}
	})
}
