package clickhouse

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	server "nightjar/clickhouse"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

type models struct{ conn driver.Conn }

// LoadModels reads the newest models of a rule.
func (m models) LoadModels(ctx context.Context, ruleKey string) ([]detect.SeriesModel, schema.Millis, error) {
	ctx = server.Params{}.String("rule", ruleKey).Uint("all", schema.AllSeries).Context(ctx)
	through := int64(schema.MinMillis)
	rows, err := m.conn.Query(ctx, `
		SELECT label, group, toUnixTimestamp64Milli(through), state FROM models FINAL WHERE rule_key = {rule:String}`)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var out []detect.SeriesModel
	for rows.Next() {
		var label uint8
		var at int64
		var group []string
		var state string
		if err := rows.Scan(&label, &group, &at, &state); err != nil {
			return nil, 0, err
		}
		if label == schema.AllSeries {
			through = at
			continue
		}
		out = append(out, detect.SeriesModel{Label: int(label), Group: group, Through: schema.Millis(at), State: []byte(state)})
	}
	return out, schema.Millis(through), rows.Err()
}

// SaveModels appends models, and then the moment through which all series have
// one, where that is not 0.
func (m models) SaveModels(ctx context.Context, ruleKey string, list []detect.SeriesModel, through schema.Millis) error {
	version := uint64(time.Now().UnixNano())
	if len(list) > 0 {
		err := insert(ctx, m.conn, schema.Models, len(list), func(i int) []any {
			s := &list[i]
			return []any{ruleKey, uint8(s.Label), notNil(s.Group), s.Through.Time(), string(s.State), version}
		})
		if err != nil {
			return err
		}
	}
	if through == 0 {
		return nil
	}
	return insert(ctx, m.conn, schema.Models, 1, func(int) []any {
		return []any{ruleKey, uint8(schema.AllSeries), []string{}, through.Time(), "", version}
	})
}

// Buckets reads a rule's matches from a moment on, of arrivals up to through but
// some.
func (m models) Buckets(ctx context.Context, ruleKey string, width time.Duration, from schema.Millis, through uint64, except []uint64, use func(detect.BucketMatches)) error {
	params := server.Params{}.String("rule", ruleKey).Int("width", width.Milliseconds()).Int("from", int64(max(from, schema.MinMillis))).Uint("through", through).Uints("except", except)
	rows, err := m.conn.Query(params.Context(ctx), `
		SELECT label, group, toInt64(floor(toUnixTimestamp64Milli(at) / {width:Int64})) AS bucket,
			count(), groupUniqArrayArray(values), groupArray(number)
		FROM matches FINAL
		WHERE rule_key = {rule:String} AND at >= fromUnixTimestamp64Milli({from:Int64}) AND seq <= {through:UInt64}
			AND seq NOT IN {except:Array(UInt64)}
		GROUP BY label, group, bucket`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var label uint8
		var b detect.BucketMatches
		if err := rows.Scan(&label, &b.Group, &b.Bucket, &b.Count, &b.Tuples, &b.Numbers); err != nil {
			return err
		}
		b.Label = int(label)
		use(b)
	}
	return rows.Err()
}
