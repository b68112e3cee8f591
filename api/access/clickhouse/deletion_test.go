package clickhouse

import (
	"fmt"
	"sync"
	"testing"

	"nightjar/compiler/search"
	intake "nightjar/ingest/clickhouse"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

// TestWhatAQueryFindsIsDeletedAndNothingElse deletes from days of arrival that have much
// else, by attributes, words and texts that mean something in SQL.
func TestWhatAQueryFindsIsDeletedAndNothingElse(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, []schema.Table{schema.DeletedEvents, schema.Events, schema.AttributeShapes, schema.Signals}); err != nil {
		t.Fatal(err)
	}
	sink := intake.New(conn)
	var events []schema.Event
	for i := range 200 {
		attributes, err := schema.ParseAttributes(fmt.Sprintf(`{"usr":{"email":%q,"n":%d}}`, []string{"jane@example.org", `o'hara\`, "john@example.org", "x"}[i%4], i))
		if err != nil {
			t.Fatal(err)
		}
		at := schema.Millis(1_800_000_000_000 + i*900_000)
		events = append(events, schema.Event{Seq: uint64(i + 1), At: at, Seen: at, Source: "app", Message: fmt.Sprint("event ", i), Attributes: attributes})
	}
	if err := sink.Insert(t.Context(), "t", events); err != nil {
		t.Fatal(err)
	}
	e := Events{Conn: conn, Catalogue: sink.Catalogue(), Swap: &sync.Mutex{}}
	all := span{to: schema.MaxMillis}
	left := uint64(200)
	for _, x := range []struct {
		query string
		in    span
		want  uint64
	}{
		{"@usr.email:jane@example.org", all, 50},
		{"@usr.email:jane@example.org", all, 0},
		{`@usr.email:"o'hara\\"`, all, 50},
		{"@usr.n:>=100", span{events[150].At, events[160].At}, 6}, // two of every four are left
		{`"'; DROP TABLE events; --"`, all, 0},
	} {
		q, err := search.Parse(x.query)
		if err != nil {
			t.Fatal(err)
		}
		counted, err := e.Count(t.Context(), q, x.in.from, x.in.to)
		if err != nil {
			t.Fatal(err)
		}
		deleted, err := e.Delete(t.Context(), q, x.in.from, x.in.to)
		if err != nil || counted != x.want || deleted != x.want {
			t.Errorf("%s: %d counted, %d deleted, want %d: %v", x.query, counted, deleted, x.want, err)
		}
		if _, err := e.CountSignals(t.Context(), q, x.in.from, x.in.to); err != nil {
			t.Error(err)
		}
		left -= x.want
		var n, inParts uint64
		if err := conn.QueryRow(t.Context(), "SELECT (SELECT count() FROM events), (SELECT sum(rows) FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active)").Scan(&n, &inParts); err != nil {
			t.Fatal(err)
		}
		if n != left || inParts != left {
			t.Errorf("%s: %d events are left and %d rows in parts, want %d", x.query, n, inParts, left)
		}
	}
}

type span struct{ from, to schema.Millis }
