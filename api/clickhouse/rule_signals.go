package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nightjar/api/services/authoring"
	"nightjar/clickhouse"
	"nightjar/schema"
)

// SignalsOfRules implements authoring.Counts. It reads narrow columns once for all rules, of
// the table of states where that is ready.
func (s *Signals) SignalsOfRules(ctx context.Context, days []schema.Millis) (map[string]authoring.RuleSignals, error) {
	table := s.table
	if s.states != nil && s.states.ready.Load() {
		table = schema.SignalStates.Name
	}
	rows, err := s.query(ctx, `SELECT rule_id, toStartOfDay(timestamp, 'UTC') AS day, count() FROM (
			SELECT rule_id, if(timestamp < fromUnixTimestamp64Milli({first:Int64}), toDateTime64(0, 3, 'UTC'), timestamp) AS timestamp
			FROM `+table+` FINAL WHERE `+standing+`)
		GROUP BY rule_id, day`, clickhouse.Params{}.Int("first", int64(days[0])))
	if err != nil {
		return nil, connError(ctx, err)
	}
	defer rows.Close()
	out := map[string]authoring.RuleSignals{}
	for rows.Next() {
		var id string
		var at time.Time
		var n uint64
		if err := rows.Scan(&id, &at, &n); err != nil {
			return nil, fmt.Errorf("scan a count of signals: %w", err)
		}
		of := out[id]
		if of.ByDay == nil {
			of.ByDay = make([]uint64, len(days))
		}
		of.All += n
		if moment := schema.MillisOf(at); moment >= days[0] {
			i, found := slices.BinarySearch(days, moment)
			if !found {
				i-- // the clock of who asks is behind: the last day goes on
			}
			of.ByDay[i] += n
		}
		out[id] = of
	}
	return out, connError(ctx, rows.Err())
}
