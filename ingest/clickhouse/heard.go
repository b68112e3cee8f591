package clickhouse

import (
	"context"
	"fmt"
	"time"

	"nightjar/ingest"
	"nightjar/schema"
)

// maxHeardRead bounds the sources that are read; the latest are.
const maxHeardRead = 5000

// Heard are the sources of which something arrived within a day, the latest first. It reads
// two narrow columns of that day.
func (s *Sink) Heard(ctx context.Context, now time.Time) ([]ingest.Heard, error) {
	rows, err := s.conn.Query(ctx, fmt.Sprintf(`SELECT source, toUnixTimestamp64Milli(max(seen)) AS last FROM %s
		WHERE seen >= fromUnixTimestamp64Milli(%d) GROUP BY source ORDER BY last DESC LIMIT %d`,
		schema.Events.Name, now.Add(-24*time.Hour).UnixMilli(), maxHeardRead))
	if err != nil {
		return nil, fmt.Errorf("find sources: %w", err)
	}
	defer rows.Close()
	var out []ingest.Heard
	for rows.Next() {
		var h ingest.Heard
		var last int64
		if err := rows.Scan(&h.Source, &last); err != nil {
			return nil, fmt.Errorf("scan source: %w", err)
		}
		h.Last = schema.Millis(last)
		out = append(out, h)
	}
	return out, rows.Err()
}
