package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/compiler"
	"nightjar/scheduler"
	history "nightjar/scheduler/backtest"
	rulestore "nightjar/scheduler/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"
)

// allStored are the arrivals of a benchmark: everything is there.
type allStored struct{ uint64 }

func (a allStored) Acknowledged() uint64           { return a.uint64 }
func (a allStored) Stored() uint64                 { return a.uint64 }
func (a allStored) StoredChanged() <-chan struct{} { return nil }

// BenchmarkBacktest runs a rule that matches 4 % of the events of a day, beside
// the plain GROUP BY count that is the least anybody must read for it.
// NIGHTJAR_BENCH_EVENTS says how many events there are.
func BenchmarkBacktest(b *testing.B) {
	events := 2_000_000
	if n, err := strconv.Atoi(os.Getenv("NIGHTJAR_BENCH_EVENTS")); err == nil {
		events = n
	}
	conn := testenv.ClickHouse(b)
	if err := conn.Exec(b.Context(), schema.Events.CreateSQL()); err != nil {
		b.Fatal(err)
	}
	// 50,000 addresses; the failures are of the first thousandth part of them more often.
	fill := fmt.Sprintf(`INSERT INTO events (seq, timestamp, seen, source, service, host, status, message, tags, attributes, raw)
		SELECT number + 1, fromUnixTimestamp64Milli(toInt64(1772323200000 + intDiv(number * 86400000, %d))) AS timestamp, timestamp,
			'app' || toString(rand(1) %% 5), 'auth', 'host' || toString(rand(2) %% 100), 'info', 'login of a user', ['env:prod'],
			CAST('{"evt":{"outcome":"' || if(rand(3) %% 25 = 0, 'failure', 'success') || '"},"network":{"client":{"ip":"10.' || toString(rand(4) %% 250) || '.0.' || toString(rand(5) %% 200) || '"}}}', %s) AS attributes, ''
		FROM numbers(%[1]d)`, events, "'"+columnType(schema.Events, "attributes")+"'")
	settings := ch.Settings{}
	for name, value := range schema.ProjectionSettings {
		settings[name] = value
	}
	if err := conn.Exec(ch.Context(b.Context(), ch.WithSettings(settings)), fill); err != nil {
		b.Fatal(err)
	}
	rule := schema.Rule{
		Name: "failures", Queries: []schema.RuleQuery{{Name: "a", Query: "@evt.outcome:failure", Aggregation: "count", GroupByFields: []string{"@network.client.ip"}}},
		Cases:   []schema.RuleCase{{Status: "high", Condition: "a > 3"}},
		Options: schema.RuleOptions{EvaluationWindow: new(int64(300)), KeepAlive: new(int64(3600)), MaxSignalDuration: new(int64(86400))},
	}
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		b.Fatal(err)
	}
	plan := compiled.Bind()
	store := rulestore.New(conn)
	tester := history.New(history.Deps{Scanner: store.Scanner(), Events: store.Deps().Events, Arrivals: allStored{uint64(events)}})
	rate := func(b *testing.B) {
		b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			var groups, failures uint64
			err := conn.QueryRow(b.Context(), `SELECT count(), sum(n) FROM (SELECT attributes.network.client.ip AS ip, count() AS n FROM events
				WHERE attributes.evt.outcome = 'failure' GROUP BY ip)`).Scan(&groups, &failures)
			if err != nil || failures < uint64(events)/30 {
				b.Fatal(groups, failures, err)
			}
		}
		rate(b)
	})
	b.Run("backtest", func(b *testing.B) {
		for b.Loop() {
			found, err := tester.Run(b.Context(), plan, scheduler.TimeSpan{From: 0, To: schema.MaxMillis}, nil)
			if err != nil || found.Matches < events/30 {
				b.Fatal(found, err)
			}
			b.ReportMetric(float64(len(found.Signals)), "signals")
		}
		rate(b)
	})
}

func columnType(table schema.Table, name string) string {
	for _, c := range table.Columns {
		if c.Name == name {
			text, _ := json.Marshal(c.Type)
			return string(text[1 : len(text)-1])
		}
	}
	return ""
}
