package clickhouse

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/migrations"
	"nightjar/scheduler/reference"
	"nightjar/schema"
	"nightjar/testenv"
)

// BenchmarkReferenceTable tells, once, how long the steps in the life of a large
// table take. NIGHTJAR_REFERENCE_ROWS says how large; the default is a million.
func BenchmarkReferenceTable(b *testing.B) {
	rows := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("NIGHTJAR_REFERENCE_ROWS")); err == nil {
		rows = n
	}
	conn := testenv.ClickHouse(b)
	if _, err := migrations.Apply(b.Context(), conn, schema.Tables); err != nil {
		b.Fatal(err)
	}
	now := func() schema.Millis { return schema.MillisOf(time.Now()) }
	open := func() *reference.Tables {
		tables := reference.New(New(conn).References(), now)
		if err := tables.Open(b.Context()); err != nil {
			b.Fatal(err)
		}
		return tables
	}
	tables := open()
	table, err := tables.Create(b.Context(), reference.Table{
		Name: "t", Fields: []reference.Field{{Name: "ip", Type: reference.String}, {Name: "score", Type: reference.Int32}}, Key: "ip",
	})
	if err != nil {
		b.Fatal(err)
	}
	columns := []compiler.TableColumn{{Table: "t", Column: "ip"}}
	step := func(name string, do func() error) {
		b.Helper()
		began := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), name+"-s")
	}
	load := func() error { return tables.Load(b.Context(), columns, now()) }
	fill := func(changed int) func() error {
		return func() error {
			file, err := reference.NewCSV(scores(rows, changed), reference.CSVOptions{})
			if err != nil {
				return err
			}
			_, err = tables.Import(b.Context(), table.ID, file, "")
			return err
		}
	}
	for b.Loop() {
		step("import", fill(0))
		before := heap()
		step("load", load)
		b.ReportMetric(float64(heap()-before)/float64(rows), "B/row")
		step("upsert-one", func() error {
			return tables.Upsert(b.Context(), table.ID, []reference.Row{{ID: "192.0.2.1", Values: map[string]string{"score": "1"}}})
		})
		if !tables.Has("t", "ip", "192.0.2.1", now()+1) {
			b.Fatal("the row is not seen")
		}
		step("import-1%-changed", fill(rows/100))
		if tables.Has("t", "ip", "192.0.2.1", now()+1) {
			b.Fatal("the row is still seen")
		}
		tables = open()
		step("load-after-restart", load)
	}
}

// scores is a file of addresses with scores, the first of which are others.
func scores(rows, changed int) io.Reader {
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(w, 1<<16)
		fmt.Fprintln(out, "ip,score")
		for n := range rows {
			address := uint32(n) * 2654435761
			if n < changed {
				address = ^address
			}
			fmt.Fprintf(out, "%d.%d.%d.%d,%d\n", address>>24, address>>16&255, address>>8&255, address&255, n%10)
		}
		w.CloseWithError(out.Flush())
	}()
	return r
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
