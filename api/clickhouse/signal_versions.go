package clickhouse

import (
	"context"
	"fmt"

	"nightjar/api/services/signals"
	"nightjar/clickhouse"
	"nightjar/schema"
)

// maxVersions bounds how many versions of a signal are read: those that were not merged yet.
const maxVersions = 1000

// Versions implements signals.Store.
func (s *Signals) Versions(ctx context.Context, id string) ([]signals.Version, error) {
	params := clickhouse.Params{}.String("id", id).Uint("limit", maxVersions)
	rows, err := s.query(ctx, `SELECT version, toUnixTimestamp64Milli(first_seen), toUnixTimestamp64Milli(last_seen), events, status, state, reason, suppression, triage
		FROM `+s.table+` WHERE id = {id:String} ORDER BY version DESC LIMIT 1 BY version LIMIT {limit:UInt64}`, params)
	if err != nil {
		return nil, fmt.Errorf("read versions of a signal: %w", connError(ctx, err))
	}
	defer rows.Close()
	var out []signals.Version
	for rows.Next() {
		var v signals.Version
		var first, last int64
		var triage string
		if err := rows.Scan(&v.Number, &first, &last, &v.Events, &v.Severity, &v.State, &v.Reason, &v.Suppression, &triage); err != nil {
			return nil, fmt.Errorf("scan version: %w", err)
		}
		v.FirstSeen, v.LastSeen = schema.Millis(first), schema.Millis(last)
		if v.Triage, err = schema.ParseTriage(triage); err != nil {
			return nil, fmt.Errorf("signal %s: %w", id, err)
		}
		out = append(out, v)
	}
	if err := connError(ctx, rows.Err()); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, &schema.NotFoundError{Kind: "signal", ID: id}
	}
	return out, nil
}
