package compiler

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	store "nightjar/ingest/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"
)

// world is a table of events on a real server, and the same events in memory.
type world struct {
	conn   driver.Conn
	events []schema.Event
	sink   *store.Sink
	again  *schema.Catalogue // what another engine finds in the same table
	calls  atomic.Int64      // of functions, by the server
}

// newWorld stores the events and numbers them from 1.
func newWorld(t testing.TB, events []schema.Event) *world {
	t.Helper()
	w := &world{conn: testenv.ClickHouse(t)}
	for _, table := range []schema.Table{schema.Events, schema.AttributeShapes} {
		if err := w.conn.Exec(t.Context(), table.CreateSQL()); err != nil {
			t.Fatal(err)
		}
	}
	w.sink = store.New(w.conn)
	w.sink.LimitNewPaths(15, 25) // so that some are in column rest
	if err := w.sink.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.add(t, events)
	return w
}

func (w *world) add(t testing.TB, events []schema.Event) {
	t.Helper()
	for i := range events {
		events[i].Seq = uint64(len(w.events) + i + 1)
	}
	if err := w.sink.Insert(t.Context(), fmt.Sprintf("world %d", len(w.events)), events); err != nil {
		t.Fatal(err)
	}
	w.events = append(w.events, events...)
	// Nothing was kept of what this one loads: it is found in the events.
	if err := w.conn.Exec(t.Context(), "TRUNCATE TABLE "+schema.AttributeShapes.Name); err != nil {
		t.Fatal(err)
	}
	again := store.New(w.conn)
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.again = again.Catalogue()
}

func (w *world) try(t testing.TB, q *Query, p *Params) ([]uint64, error) {
	sql, err := q.SQL(p)
	if err != nil {
		return nil, err
	}
	return w.seqs(t, "SELECT seq FROM events WHERE "+sql+" ORDER BY seq", p)
}

func (w *world) seqs(t testing.TB, statement string, p *Params) ([]uint64, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	rows, err := w.conn.Query(ch.Context(ctx, ch.WithParameters(ch.Parameters(p.Map())), ch.WithSettings(StatementSettings), ch.WithProfileEvents(w.count)), statement)
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
func (w *world) count(events []ch.ProfileEvent) {
	for _, e := range events {
		if e.Name == "FunctionExecute" {
			w.calls.Add(e.Value)
		}
	}
}

// recall answers the query in memory.
func (w *world) recall(q *Query) []uint64 {
	var out []uint64
	match := q.Matcher()
	for i := range w.events {
		if match(&w.events[i]) {
			out = append(out, w.events[i].Seq)
		}
	}
	return out
}

// agree fails the test where the two readers differ: knowing nothing of the
// stored forms, what was kept of them, and what is found in the table.
func (w *world) agree(t testing.TB, q *Query) {
	t.Helper()
	want := w.recall(q)
	w.compare(t, q, want, &Params{})
	kept, found := &Params{Shapes: w.sink.Catalogue().Shapes}, &Params{Shapes: w.again.Shapes}
	w.compare(t, q, want, kept)
	ofKept, _ := q.SQL(&Params{Shapes: kept.Shapes})
	if ofFound, _ := q.SQL(&Params{Shapes: found.Shapes}); ofFound != ofKept {
		w.compare(t, q, want, found)
	}
}

func (w *world) compare(t testing.TB, q *Query, want []uint64, p *Params) {
	t.Helper()
	got, err := w.try(t, q, p)
	if err != nil {
		t.Fatalf("%s: %v", clip(q.String()), clip(err.Error()))
	}
	if slices.Equal(got, want) {
		return
	}
	sql, _ := q.SQL(p)
	for i := range w.events {
		e := &w.events[i]
		inSQL, inMemory := slices.Contains(got, e.Seq), slices.Contains(want, e.Seq)
		if inSQL != inMemory {
			t.Fatalf("%s (%q)\nevent %d: SQL says %t, memory says %t\nmessage %q tags %q source %q\nraw %s\nprojection %s\nsql %s\nparams %q",
				q, q, e.Seq, inSQL, inMemory, e.Message, e.Tags, e.Source, e.JSON, e.Attributes.Projection(), sql, p.Map())
		}
	}
}

func TestConformanceInSQL(t *testing.T) {
	var cases []searchCase
	var events []schema.Event
	for _, c := range searchCases(t) {
		if c.Expect == "matches" || c.Expect == "no_match" {
			cases = append(cases, c)
			events = append(events, c.event(t))
		}
	}
	w := newWorld(t, events)
	for i, c := range cases {
		q, err := ParseQuery(c.Query)
		if err != nil {
			t.Errorf("%q: %v", c.Query, err)
			continue
		}
		w.agree(t, q)
		got := "no_match"
		if slices.Contains(w.recall(q), uint64(i+1)) { // what SQL found, too
			got = "matches"
		}
		if got != c.Expect && c.Tier != "optional" {
			t.Errorf("%q on %s: got %s, want %s", c.Query, c.Event, got, c.Expect)
		}
	}
	t.Logf("%d queries, each on %d events, through both readers", len(cases), len(events))
}

// TestManyTermsAreReadAlike asks both readers for lists so long that they are looked
// for in other ways than a few are.
func TestManyTermsAreReadAlike(t *testing.T) {
	g := newGenerator(171)
	w := newWorld(t, g.events(400))
	for _, form := range []func(p Pattern, f schema.Field) Node{
		func(p Pattern, _ schema.Field) Node { return Words{Pattern: p} },
		func(p Pattern, _ schema.Field) Node { return Words{Pattern: p, Everywhere: true} },
		func(p Pattern, f schema.Field) Node { return Like{Field: f, Pattern: "*" + p + "*"} },
		func(p Pattern, f schema.Field) Node { return Like{Field: f, Pattern: p + "?*"} },
		func(p Pattern, f schema.Field) Node { return Equals{Field: f, Value: string(p)} },
	} {
		for range 4 {
			list, f := Disjunction{}, g.field()
			for i := range 90 {
				p := literalPattern(g.text())
				if i%3 == 0 {
					p = Pattern(fmt.Sprintf("no%dthing", i))
				}
				list.Nodes = append(list.Nodes, form(p, f))
			}
			w.agree(t, &Query{Root: list})
			w.agree(t, &Query{Root: Negation{Node: list}})
		}
	}
}
