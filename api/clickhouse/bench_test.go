package clickhouse_test

import (
	"fmt"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/events"
	"nightjar/compiler/search"
	intake "nightjar/ingest/clickhouse"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

// benchEvents is how many events BenchmarkSearch searches, over thirty days.
const benchEvents = 2_000_000

// fillEvents makes events on the server, of eight sources in turn.
func fillEvents(t testing.TB, conn driver.Conn, n int) {
	t.Helper()
	if err := conn.Exec(t.Context(), schema.Events.CreateSQL()); err != nil {
		t.Fatal(err)
	}
	const part = 250_000
	for at := 0; at < n; at += part {
		sql := fmt.Sprintf(`INSERT INTO events (seq, timestamp, seen, source, service, host, status, message, tags, attributes, raw)
			WITH fromUnixTimestamp64Milli(toInt64(%d + number * %d), 'UTC') AS at, cityHash64(number) AS h,
				concat('{"duration":', toString(h %% 1000), ',"http":{"method":"', ['GET', 'POST', 'PUT'][h %% 3 + 1], '"},"usr":{"id":"u', toString(h %% 5000), '"}}') AS json
			SELECT number + 1, at, at, concat('source', toString(h %% 8)), concat('service', toString(h %% 20)), concat('host', toString(h %% 100)),
				if(h %% 50 = 0, 'error', 'info'), concat('request ', toString(h), if(number %% 100000 = 7, ' needle', ' ok'), ' from 10.0.', toString(h %% 256), '.1 took a while'),
				['env:prod', concat('team:', toString(h %% 5))], json, json
			FROM numbers(%d, %d)`, begin, 30*86_400_000/n, at, min(part, n-at))
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkSearch reads the newest page of searches that match much, little and
// nothing, beside the plain statement over all of the time.
func BenchmarkSearch(b *testing.B) {
	conn := testenv.ClickHouse(b)
	fillEvents(b, conn, benchEvents)
	if _, err := migrations.Apply(b.Context(), conn, schema.Tables); err != nil {
		b.Fatal(err)
	}
	sink := intake.New(conn)
	if err := sink.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	logs := adapter.NewLogs(conn, adapter.LogsConfig{Catalogue: sink.Catalogue()})
	end := begin + 31*86_400_000
	for _, text := range []string{"", "source:source3", "status:error", "took", "needle", "absentword", "@usr.id:u77", "@duration:>990 service:service7"} {
		query, err := search.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		asked := events.LogSearch{Query: query, From: begin - 1, To: end, Limit: 10}
		b.Run("walk/"+text, func(b *testing.B) {
			for b.Loop() {
				if _, err := logs.SearchLogs(b.Context(), asked); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("plain/"+text, func(b *testing.B) {
			e, err := logs.ExplainLogs(b.Context(), asked)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				plain(b, conn, e)
			}
		})
	}
}

func plain(b *testing.B, conn driver.Conn, e events.LogExplanation) {
	rows, err := conn.Query(ch.Context(b.Context(), ch.WithParameters(e.Params)), e.SQL)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
	}
	if err := rows.Close(); err != nil {
		b.Fatal(err)
	}
}
