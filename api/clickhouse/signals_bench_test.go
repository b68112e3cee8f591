package clickhouse_test

import (
	"fmt"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	adapter "nightjar/api/clickhouse"
	"nightjar/api/services/signals"
	"nightjar/schema"
	"nightjar/testenv"
)

// benchSignals is how many signals BenchmarkSignals lists. A tenth of them have an
// older version beside the newest.
const benchSignals = 1_000_000

func fillSignals(b *testing.B, conn driver.Conn) {
	b.Helper()
	if err := conn.Exec(b.Context(), schema.Signals.CreateSQL()); err != nil {
		b.Fatal(err)
	}
	insert := func(version, from, rows int) {
		sql := fmt.Sprintf(`INSERT INTO signals (id, version, key, rule_key, rule_id, timestamp, first_seen, last_seen, state, source, service, host, status, message, tags, attributes, raw)
			WITH cityHash64(number) AS h, fromUnixTimestamp64Milli(toInt64(%d + number * 1000), 'UTC') AS at,
				concat('{"title":"SSH brute force","status":"high","usr":{"id":"u', toString(h %% 5000), '"},"nightjar":{"case":0,"group":["10.0.', toString(h %% 256), '.1"],"events":', toString(h %% 100),
					',"state":"', if(h %% 10 = 0, 'archived', 'open'), '","severity":"high"},"workflow":{"triage":{"state":"', if(h %% 10 = 0, 'archived', 'open'), '"},"rule":{"id":"r', toString(h %% 300), '","name":"SSH brute force"}}}') AS json
			SELECT toString(cityHash64('id', number)), %d, h, concat('r', toString(h %% 300)), concat('r', toString(h %% 300)), at, at, at, 'open', 'nightjar', concat('service', toString(h %% 20)),
				concat('host', toString(h %% 100)), ['info', 'low', 'medium', 'high', 'critical'][h %% 5 + 1], 'Ten failures from one address within five minutes', ['env:prod', concat('team:', toString(h %% 5))], json,
				concat(substring(json, 1, length(json) - 1), ',"samples":["', repeat('sample event ', 60), '"]}')
			FROM numbers(%d, %d)`, begin, version, from, rows)
		if err := conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	const part = 250_000
	for at := 0; at < benchSignals; at += part {
		insert(1, at, part)
	}
	insert(2, benchSignals/2, benchSignals/10)
}

// BenchmarkSignals reads pages of a million signals, and one of them by its id.
func BenchmarkSignals(b *testing.B) {
	conn := testenv.ClickHouse(b)
	fillSignals(b, conn)
	store := adapter.NewSignals(conn)
	for name, asked := range map[string]signals.Search{
		"newest":          {Limit: 10},
		"oldest":          {Limit: 10, Ascending: true},
		"newest 1000":     {Limit: 1000},
		"status":          {Query: "status:critical host:host7", Limit: 10},
		"attribute":       {Query: "@usr.id:u77", Limit: 10},
		"archived":        {Query: "@nightjar.state:archived", Limit: 10},
		"rule":            {Query: "@workflow.rule.id:r7", Limit: 10},
		"nothing matches": {Query: "@usr.id:nobody", Limit: 10},
		"an hour":         {From: new(begin + 3_600_000*100), To: new(begin + 3_600_000*101), Limit: 10},
	} {
		b.Run(name, func(b *testing.B) {
			var cpu int64 // the server's, in microseconds
			ctx := ch.Context(b.Context(), ch.WithProfileEvents(func(events []ch.ProfileEvent) {
				for _, e := range events {
					if e.Name == "UserTimeMicroseconds" || e.Name == "SystemTimeMicroseconds" {
						cpu += e.Value
					}
				}
			}))
			for b.Loop() {
				if _, err := store.SearchSignals(ctx, asked); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu)/1000/float64(b.N), "server-cpu-ms/op")
		})
	}
	page, err := store.SearchSignals(b.Context(), signals.Search{Limit: 1})
	if err != nil || len(page.Signals) != 1 {
		b.Fatal(page, err)
	}
	b.Run("by id", func(b *testing.B) {
		for b.Loop() {
			if _, err := store.Signal(b.Context(), page.Signals[0].ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSignalsOfRules counts a million signals by rule and day.
func BenchmarkSignalsOfRules(b *testing.B) {
	conn := testenv.ClickHouse(b)
	fillSignals(b, conn)
	states := adapter.NewStates(conn)
	if err := states.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	store := adapter.NewSignals(conn).By(states)
	first := begin + benchSignals*1000 - 30*86_400_000
	first -= first % 86_400_000
	var days []schema.Millis
	for i := range schema.Millis(31) {
		days = append(days, first+i*86_400_000)
	}
	for b.Loop() {
		if _, err := store.SignalsOfRules(b.Context(), days); err != nil {
			b.Fatal(err)
		}
	}
}
