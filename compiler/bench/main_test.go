// Package bench compares the SQL of searches with SQL written by hand, and the
// choices that the table of events could have made with each other. README.md
// has what was measured.
package bench

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/clickhouse"
	"nightjar/compiler/search"
	store "nightjar/ingest/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"
)

var (
	flagEvents  = flag.Int("events", 20_000, "how many events to compare on")
	flagDays    = flag.Int("days", 2, "how many days the events are spread over")
	flagRepeats = flag.Int("repeats", 1, "how often to run each statement; with more than 1 the bounds count")
	flagQuery   = flag.String("query", "", "only queries whose text contains this")
	flagKeep    = flag.String("keep", "", "a folder for the server's data; a full one is used as it is")
	flagSet     = flag.String("set", "", "settings of every statement, as a=1,b=0")
	flagWide    = flag.Int("wide", 0, "how many wide events to store")
	flagInstead = flag.String("instead", "", "what to write otherwise in CREATE TABLE events, as old=>new, separated by ;")
)

// world is a table full of events.
type world struct {
	conn driver.Conn
	pid  int // of the server
	sink *store.Sink
}

func newWorld(t testing.TB, events int) *world {
	t.Helper()
	w := &world{}
	if *flagKeep != "" {
		w.open(t, *flagKeep)
	} else {
		w.conn, w.pid = testenv.ClickHouse(t), testenv.Server(t).Pid()
	}
	w.exec(t, createEvents(t))
	w.exec(t, schema.AttributeShapes.CreateSQL())
	w.sink = store.New(w.conn)
	if err := w.sink.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var have uint64
	if w.row(t, "SELECT count() FROM events", &have); have == 0 {
		w.fill(t, events)
	}
	if events >= 1_000_000 {
		w.settle(t)
	}
	return w
}

// open starts a server on a folder that stays.
func (w *world) open(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	release, err := clickhouse.LockDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	server, err := clickhouse.StartEmbedded(context.WithoutCancel(t.Context()), clickhouse.EmbeddedConfig{DataDir: dir, MemoryRatio: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		release()
	})
	w.conn, w.pid = testenv.Open(t, server.Options(clickhouse.Admin)), server.Pid()
}

func (w *world) exec(t testing.TB, sql string) {
	t.Helper()
	if err := w.conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// fill inserts while the next block is made.
func (w *world) fill(t testing.TB, events int) {
	t.Helper()
	started := time.Now()
	blocks := make(chan []schema.Event, 1)
	var making sync.WaitGroup
	making.Go(func() {
		defer close(blocks)
		g := newGenerator(1, events)
		for {
			b := g.block(50_000)
			if len(b) == 0 {
				return
			}
			blocks <- b
		}
	})
	for b := range blocks {
		if err := w.sink.Insert(t.Context(), fmt.Sprint("bench ", b[0].Seq), b); err != nil {
			t.Error(err)
			break
		}
	}
	for range blocks { // let the maker end
	}
	making.Wait()
	if t.Failed() {
		t.FailNow()
	}
	took := time.Since(started)
	var bytes, raw, parts uint64
	w.row(t, "SELECT sum(data_compressed_bytes), sum(data_uncompressed_bytes), count() FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active", &bytes, &raw, &parts)
	t.Logf("%d events in %.0fs, %.0f bytes an event (%.0f before compression), %d parts", events, took.Seconds(),
		float64(bytes)/float64(events), float64(raw)/float64(events), parts)
}

// settle waits until the merges are done.
func (w *world) settle(t testing.TB) {
	t.Helper()
	for quiet := 0; quiet < 3; time.Sleep(500 * time.Millisecond) {
		var merges uint64
		w.row(t, "SELECT count() FROM system.merges", &merges)
		if quiet++; merges > 0 {
			quiet = 0
		}
	}
}

func (w *world) row(t testing.TB, sql string, into ...any) {
	t.Helper()
	if err := w.conn.QueryRow(t.Context(), sql).Scan(into...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// cost is what a statement took, in milliseconds: of the server's processors,
// planning included, and by the clock.
type cost struct{ cpu, wall float64 }

// run reads a statement to its end.
func (w *world) run(t testing.TB, sql string, params map[string]string) (cost, uint64) {
	t.Helper()
	settings := ch.Settings{"max_threads": 1, "use_query_condition_cache": 0}
	maps.Copy(settings, search.StatementSettings)
	for pair := range strings.SplitSeq(*flagSet, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			settings[name] = value
		}
	}
	ctx := ch.Context(t.Context(), ch.WithParameters(params), ch.WithSettings(settings))
	before, started := threadsCPU(t, w.pid), time.Now()
	rows, err := w.conn.Query(ctx, sql)
	if err != nil {
		t.Fatalf("%s\n%q: %v", sql, params, err)
	}
	defer rows.Close()
	var n uint64
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return cost{threadsCPU(t, w.pid) - before, float64(time.Since(started).Microseconds()) / 1e3}, n
}

// threadsCPU is what the threads of a process that live have used, in
// milliseconds. (The counters that a query reports leave out its planning.)
func threadsCPU(t testing.TB, pid int) float64 {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("the threads of process %d: %v", pid, err)
	}
	total := 0.0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // it has just ended
		}
		ns, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseFloat(ns, 64)
		if err != nil {
			t.Fatal(err)
		}
		total += n / 1e6
	}
	return total
}

func median(values []float64) float64 {
	s := slices.Clone(values)
	slices.Sort(s)
	return s[len(s)/2]
}

// ask runs a statement of one row.
func (w *world) ask(t testing.TB, sql string, params map[string]string, into ...any) {
	t.Helper()
	ctx := ch.Context(t.Context(), ch.WithParameters(params))
	if err := w.conn.QueryRow(ctx, sql).Scan(into...); err != nil {
		t.Fatalf("%s\n%q: %v", sql, params, err)
	}
}

// createEvents is the declared table, or what -instead makes of it.
func createEvents(t testing.TB) string {
	t.Helper()
	sql := schema.Events.CreateSQL()
	for change := range strings.SplitSeq(*flagInstead, ";") {
		before, after, ok := strings.Cut(change, "=>")
		if !ok {
			continue
		}
		if !strings.Contains(sql, before) {
			t.Fatalf("-instead: no %q in %s", before, sql)
		}
		sql = strings.ReplaceAll(sql, before, after)
	}
	return sql
}
