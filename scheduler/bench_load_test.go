package scheduler_test

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/migrations"
	"nightjar/scheduler"
	"nightjar/scheduler/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"
)

// BenchmarkLoadTenMillionKnownValues reads, after a restart, 10 million values of
// 100,000 groups from ClickHouse.
func BenchmarkLoadTenMillionKnownValues(b *testing.B) {
	conn := testenv.ClickHouse(b)
	if _, err := migrations.Apply(b.Context(), conn, schema.Tables); err != nil {
		b.Fatal(err)
	}
	for _, fill := range []string{
		`INSERT INTO known_values SELECT 'r', reinterpretAsFixedString(reinterpretAsUUID(sipHash128(number))),
			fromUnixTimestamp64Milli(1700000000000 + toInt64(number)), fromUnixTimestamp64Milli(1700000000000 + toInt64(number * 2)), false, 1
			FROM numbers(10_000_000)`,
		`INSERT INTO known_groups SELECT 'r', reinterpretAsFixedString(reinterpretAsUUID(sipHash128('g', number))), [1700000000000 + toInt64(number)], [number], 1
			FROM numbers(100_000)`,
	} {
		if err := conn.Exec(b.Context(), fill); err != nil {
			b.Fatal(err)
		}
	}
	plan := &compiler.BoundPlan{Plan: &compiler.Plan{Novelty: &compiler.Novelty{Forget: 28 * 24 * time.Hour, First: 1}}, Key: "r"}
	for b.Loop() {
		deps := clickhouse.New(conn).Deps()
		deps.Log, deps.Lateness = slog.Default(), 24*time.Hour
		s, err := scheduler.New(deps)
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		peak, done := watchHeap()
		began := time.Now()
		held, err := scheduler.LoadKnown(b.Context(), s, plan)
		if err != nil || held != 10_100_000 {
			b.Fatalf("%d values and groups are held: %v", held, err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s")
		close(done)
		b.ReportMetric(float64(<-peak)/(1<<20), "peak-MiB")
		runtime.KeepAlive(s)
	}
}

// watchHeap finds the most memory that the heap has of the system until done.
func watchHeap() (peak chan uint64, done chan struct{}) {
	peak, done = make(chan uint64), make(chan struct{})
	go func() {
		most := uint64(0)
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapSys-m.HeapReleased)
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return peak, done
}
