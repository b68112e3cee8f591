package searchtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/compiler/search"
	store "nightjar/ingest/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"
)

// World is a table of events on a real server, and the same events in memory.
type World struct {
	Conn   driver.Conn
	Events []schema.Event
	Sink   *store.Sink
	Again  *schema.Catalogue // what another engine finds in the same table
	Calls  atomic.Int64      // of functions, by the server
}

// NewWorld stores the events and numbers them from 1.
func NewWorld(t testing.TB, events []schema.Event) *World {
	t.Helper()
	w := &World{Conn: testenv.ClickHouse(t)}
	for _, table := range []schema.Table{schema.Events, schema.AttributeShapes} {
		if err := w.Conn.Exec(t.Context(), table.CreateSQL()); err != nil {
			t.Fatal(err)
		}
	}
	w.Sink = store.New(w.Conn)
	w.Sink.LimitNewPaths(15, 25) // so that some are in column rest
	if err := w.Sink.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Add(t, events)
	return w
}

func (w *World) Add(t testing.TB, events []schema.Event) {
	t.Helper()
	for i := range events {
		events[i].Seq = uint64(len(w.Events) + i + 1)
	}
	if err := w.Sink.Insert(t.Context(), fmt.Sprintf("world %d", len(w.Events)), events); err != nil {
		t.Fatal(err)
	}
	w.Events = append(w.Events, events...)
	// Nothing was kept of what this one loads: it is found in the events.
	if err := w.Conn.Exec(t.Context(), "TRUNCATE TABLE "+schema.AttributeShapes.Name); err != nil {
		t.Fatal(err)
	}
	again := store.New(w.Conn)
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Again = again.Catalogue()
}

func (w *World) Try(t testing.TB, q *search.Query, p *search.Params) ([]uint64, error) {
	sql, err := q.SQL(p)
	if err != nil {
		return nil, err
	}
	return w.Seqs(t, "SELECT seq FROM events WHERE "+sql+" ORDER BY seq", p)
}

func (w *World) Seqs(t testing.TB, statement string, p *search.Params) ([]uint64, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	rows, err := w.Conn.Query(ch.Context(ctx, ch.WithParameters(ch.Parameters(p.Map())), ch.WithSettings(search.StatementSettings), ch.WithProfileEvents(w.count)), statement)
	if err != nil {
		return nil, fmt.Errorf("run %s\nwith %q: %w", statement, p.Map(), err)
	}
	defer rows.Close()
	var out []uint64
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		out = append(out, seq)
	}
	return out, rows.Err()
}

// count adds up what the server says of its work: each function that it called for a
// block of events.
func (w *World) count(events []ch.ProfileEvent) {
	for _, e := range events {
		if e.Name == "FunctionExecute" {
			w.Calls.Add(e.Value)
		}
	}
}

// Recall answers the query in memory.
func (w *World) Recall(q *search.Query) []uint64 {
	var out []uint64
	match := q.Matcher()
	for i := range w.Events {
		if match(&w.Events[i]) {
			out = append(out, w.Events[i].Seq)
		}
	}
	return out
}

// Agree fails the test where the two readers differ: knowing nothing of the
// stored forms, what was kept of them, and what is found in the table.
func (w *World) Agree(t testing.TB, q *search.Query) {
	t.Helper()
	want := w.Recall(q)
	w.Compare(t, q, want, &search.Params{})
	kept, found := &search.Params{Shapes: w.Sink.Catalogue().Shapes}, &search.Params{Shapes: w.Again.Shapes}
	w.Compare(t, q, want, kept)
	ofKept, _ := q.SQL(&search.Params{Shapes: kept.Shapes})
	if ofFound, _ := q.SQL(&search.Params{Shapes: found.Shapes}); ofFound != ofKept {
		w.Compare(t, q, want, found)
	}
}

func (w *World) Compare(t testing.TB, q *search.Query, want []uint64, p *search.Params) {
	t.Helper()
	got, err := w.Try(t, q, p)
	if err != nil {
		t.Fatalf("%.200s: %.2000v", q, err)
	}
	if slices.Equal(got, want) {
		return
	}
	sql, _ := q.SQL(p)
	for i := range w.Events {
		e := &w.Events[i]
		inSQL, inMemory := slices.Contains(got, e.Seq), slices.Contains(want, e.Seq)
		if inSQL != inMemory {
			t.Fatalf("%s (%q)\nevent %d: SQL says %t, memory says %t\nmessage %q tags %q source %q\nraw %s\nprojection %s\nsql %s\nparams %q",
				q, q, e.Seq, inSQL, inMemory, e.Message, e.Tags, e.Source, e.JSON, e.Attributes.Projection(), sql, p.Map())
		}
	}
}

// Fields are all fields of the events, and some odd ones.
func Fields(events []schema.Event) []schema.Field {
	seen := map[schema.Field]bool{{Kind: schema.FieldTag, Name: "a:b"}: true, {Kind: schema.FieldTag, Name: "absent"}: true, {Kind: schema.FieldAttribute, Name: "absent`.x"}: true}
	for _, name := range []string{"source", "service", "host", "status", "message", "timestamp", "tags"} {
		seen[schema.ParseField(name)] = true
	}
	for _, e := range events {
		for _, l := range e.Leaves {
			seen[schema.Field{Kind: schema.FieldAttribute, Name: l.Path}] = true
		}
		for _, t := range e.Tags {
			for i := range len(t) {
				if t[i] == ':' {
					seen[schema.Field{Kind: schema.FieldTag, Name: t[:i]}] = true
				}
			}
		}
	}
	var out []schema.Field
	for f := range seen {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b schema.Field) int { return len(a.Name) - len(b.Name) })
	return out[:min(len(out), 150)]
}

// CompareValues fails the test where SQL has other values or numbers of a field than
// memory.
func (w *World) CompareValues(t *testing.T, f schema.Field, p *search.Params) {
	t.Helper()
	sql := "SELECT seq, " + search.ValuesSQL(f, p) + ", " + search.NumbersSQL(f, p) + " FROM events ORDER BY seq"
	rows, err := w.Conn.Query(ch.Context(t.Context(), ch.WithParameters(p.Map())), sql)
	if err != nil {
		t.Fatalf("%s: %v\n%s", f, err, sql)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var seq uint64
		var texts []string
		var numbers []float64
		if err := rows.Scan(&seq, &texts, &numbers); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		e := &w.Events[seq-1]
		slices.Sort(texts)
		if want := e.Values(f); !slices.Equal(texts, want) {
			t.Fatalf("%s of %s: SQL has %q, memory %q", f, e.JSON, texts, want)
		}
		if want := NumbersOf(e, f); !slices.Equal(numbers, want) {
			t.Fatalf("%s of %s: SQL has %v, memory %v", f, e.JSON, numbers, want)
		}
	}
	if err := rows.Err(); err != nil || n != len(w.Events) {
		t.Fatalf("%s: %d rows, %v", f, n, err)
	}
}

// NumbersOf are the numbers among the values of a field, each as often as it is there.
func NumbersOf(e *schema.Event, f schema.Field) []float64 {
	var out []float64
	if f.Kind != schema.FieldAttribute {
		return nil
	}
	for _, l := range e.Lookup(f.Name) {
		if n, ok := l.Number(); ok && !math.IsNaN(n) {
			out = append(out, n)
		}
	}
	return out
}
