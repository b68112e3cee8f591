package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api/services/facets"
	"nightjar/compiler/search"
	"nightjar/schema"
)

// GroupFields implements facets.Store. A signal that is about each value is found by its
// states, and only these few are read.
func (f *Facets) GroupFields(ctx context.Context, s facets.Selection, values []string) (map[string]string, error) {
	group := facets.Field{Field: search.SignalField("@nightjar.group")}
	out := map[string]string{}
	_, err := f.runBy(ctx, s, []facets.Field{group}, func(c *counting) (string, error) {
		list, _ := c.values(group.Field)
		asked := c.p.Strings(values)
		return fmt.Sprintf(`SELECT raw FROM %[1]s WHERE (key, id) IN (
				SELECT any((key, id)) FROM (
					SELECT key, id, arrayJoin(arrayIntersect(%[2]s, %[3]s)) AS v FROM %[4]s%[5]s WHERE %[6]s AND hasAny(%[2]s, %[3]s)) GROUP BY v)`,
			schema.Signals.Name, list, asked, c.table, c.final, c.where), nil
	}, func(rows driver.Rows) error { return scanGroupFields(rows, out) })
	if err != nil {
		return nil, fmt.Errorf("find the fields of groups: %w", searchError(ctx, err))
	}
	return out, nil
}

func scanGroupFields(rows driver.Rows, out map[string]string) error {
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return fmt.Errorf("scan a group: %w", err)
		}
		var doc schema.SignalDocument
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return fmt.Errorf("read a signal: %w", err)
		}
		of := &doc.Nightjar
		for i, value := range of.Group {
			if i < len(of.GroupBy) && out[value] == "" {
				out[value] = of.GroupBy[i]
			}
		}
	}
	return rows.Err()
}
