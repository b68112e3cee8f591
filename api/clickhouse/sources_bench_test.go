package clickhouse_test

import (
	"testing"
	"time"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/facets"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

// BenchmarkSources counts a million events by source, as the page of sources asks every ten
// seconds: all of them within the day that is counted.
func BenchmarkSources(b *testing.B) {
	conn := testenv.ClickHouse(b)
	fillEvents(b, conn, 1_000_000)
	if _, err := migrations.Apply(b.Context(), conn, schema.Tables); err != nil {
		b.Fatal(err)
	}
	var first time.Time
	if err := conn.QueryRow(b.Context(), "SELECT min(seen) FROM events").Scan(&first); err != nil {
		b.Fatal(err)
	}
	start := schema.MillisOf(first)
	q := facets.SourcesQuestion{
		Known: start - 7*24*hour, Hour: start, Start: start, Width: int64(hour / 2), Stretches: 48, Limit: 1000,
		Unread: parse(b, "-@nightjar.pipelines:*"), Failed: parse(b, "@nightjar.pipeline_errors:*"),
	}
	store := adapter.NewFacets(adapter.NewLogs(conn, adapter.LogsConfig{}), conn)
	for b.Loop() {
		if got, err := store.Sources(b.Context(), q); err != nil || got.Total != 1_000_000 {
			b.Fatal(got.Total, err)
		}
	}
}
