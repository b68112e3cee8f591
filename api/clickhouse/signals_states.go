package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nightjar/api/services/signals"
	"nightjar/schema"
)

// sortedByStates are the columns of states that signals are sorted by before their time.
var sortedByStates = map[signals.Order]string{
	signals.BySeverity: "severity_rank",
	signals.ByLastSeen: "last_seen",
	signals.ByEvents:   "events",
}

// ofStates finds the first signals by their states, one more than the page has where others
// follow. brief has them read with what lists show of them.
//
// States lie side by side with their earlier versions, so that FINAL costs little where few
// changed lately. To sort by ids, which are long and mostly decide nothing, takes as long as
// everything else: they are asked only where they decide what is on the page.
func (s *Signals) ofStates(ctx context.Context, f *filter, asked signals.Search) ([]row, error) {
	found, err := s.readStates(ctx, f.statesSQL(asked, ""), f, asked)
	if n := asked.Limit; err == nil && len(found) > n && found[n].at == found[n-1].at && found[n].value == found[n-1].value {
		found, err = s.readStates(ctx, f.statesSQL(asked, "id"), f, asked)
	}
	return found, err
}

// statesSQL reads the first rows; last is a column that decides between those of one time.
func (f *filter) statesSQL(asked signals.Search, last string) string {
	columns := "key, id, version, timestamp, " + valueSQL(f.table, f.by) + " AS value"
	if asked.Brief {
		columns += ", message, status, service, host, tags, brief"
	}
	direction := map[bool]string{true: " ASC", false: " DESC"}[f.ascending]
	var order []string
	if f.by != signals.ByTime {
		order = append(order, sortedByStates[f.by]+direction)
	}
	order = append(order, "timestamp"+direction)
	if last != "" {
		order = append(order, last+direction)
	}
	return fmt.Sprintf("SELECT %s FROM %s FINAL WHERE %s ORDER BY %s LIMIT %d", columns, f.table, f.where, strings.Join(order, ", "), asked.Limit+1)
}

// readStates reads rows in their order.
func (s *Signals) readStates(ctx context.Context, sql string, f *filter, asked signals.Search) ([]row, error) {
	rows, err := s.query(ctx, sql, f.params)
	if err != nil {
		return nil, connError(ctx, err)
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		var r row
		var at time.Time
		targets := []any{&r.key, &r.id, &r.version, &at, &r.value}
		if found := &r.signal; asked.Brief {
			targets = append(targets, &found.Message, &found.Status, &found.Service, &found.Host, &found.Tags, &found.Attributes)
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("scan the state of a signal: %w", err)
		}
		r.at = schema.MillisOf(at)
		r.signal.ID, r.signal.At = r.id, r.at
		out = append(out, r)
	}
	f.sortRows(out)
	return out, connError(ctx, rows.Err())
}
