package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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
	sink, events := filled(t, conn)
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

// filled has 200 events of four people, in days of arrival.
func filled(t *testing.T, conn driver.Conn) (*intake.Sink, []schema.Event) {
	t.Helper()
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
	return sink, events
}

// TestADeletionOutlastsAServerThatSaysNothing for longer than others wait for it.
func TestADeletionOutlastsAServerThatSaysNothing(t *testing.T) {
	options := testenv.Options(t)
	sink, _ := filled(t, testenv.Open(t, options))
	impatient := *options
	impatient.ReadTimeout = time.Microsecond
	e := Events{Conn: testenv.Open(t, &impatient), Catalogue: sink.Catalogue(), Swap: &sync.Mutex{}}
	q, err := search.Parse("@usr.email:x")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := e.Delete(t.Context(), q, 0, schema.MaxMillis); n != 50 || err != nil {
		t.Errorf("%d deleted: %v", n, err)
	}
}

// failing is a server that fails while it writes days anew.
type failing struct{ driver.Conn }

func (f failing) Exec(ctx context.Context, sql string, args ...any) error {
	return f.Conn.Exec(ctx, strings.Replace(sql, "WHERE seq IN", "WHERE throwIf(seq > 0) = 0 AND seq IN", 1), args...)
}

// TestADeletionThatFailedIsDoneAgain by whoever asked for it, and not by the server.
func TestADeletionThatFailedIsDoneAgain(t *testing.T) {
	conn := testenv.ClickHouse(t)
	sink, _ := filled(t, conn)
	e := Events{Conn: failing{conn}, Catalogue: sink.Catalogue(), Swap: &sync.Mutex{}}
	q, err := search.Parse("@usr.email:x")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := e.Delete(t.Context(), q, 0, schema.MaxMillis); n != 0 || err == nil || !strings.Contains(err.Error(), "throwIf") {
		t.Errorf("%d deleted: %v", n, err)
	}
	var left uint64
	if err := conn.QueryRow(t.Context(), "SELECT (SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done) + (SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {name:String})", ch.Named("name", found)).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d things are left behind: %v", left, err)
	}
	e.Conn = conn
	if n, err := e.Delete(t.Context(), q, 0, schema.MaxMillis); n != 50 || err != nil {
		t.Errorf("again: %d deleted: %v", n, err)
	}
}
