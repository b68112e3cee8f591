package reparse_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/compiler/search"
	ingestclickhouse "nightjar/ingest/clickhouse"
	"nightjar/ingest/reparse"
	"nightjar/schema"
	"nightjar/testenv"
)

const day = "20260501"

// world is a table of events that is read again.
type world struct {
	*reparse.Events
	t    *testing.T
	conn driver.Conn
	sink *ingestclickhouse.Sink
	// held is done once while the intake is held, and before that what came meanwhile.
	came, held func()
}

// Hold implements reparse.Intake.
func (w *world) Hold(ctx context.Context, do func(context.Context) error) error {
	for _, f := range []*func(){&w.came, &w.held} {
		if *f != nil {
			(*f)()
			*f = nil
		}
	}
	return do(ctx)
}

func newWorld(t *testing.T) *world {
	conn := testenv.ClickHouse(t)
	for _, table := range []schema.Table{schema.Events, schema.AttributeShapes} {
		if err := conn.Exec(t.Context(), table.CreateSQL()); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, conn: conn, sink: ingestclickhouse.New(conn)}
	if err := w.sink.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Events = &reparse.Events{Conn: conn, Sink: w.sink, Intake: w, Log: slog.New(slog.DiscardHandler), Read: func(old *schema.Event) (schema.Event, error) {
		e := *old
		e.Attributes, _ = schema.ParseAttributes(fmt.Sprintf(`{"again":%d,"way":{"n%d":1}}`, old.Seq, old.Seq))
		return e, nil
	}}
	return w
}

// store stores events of these numbers, each with a path of its own.
func (w *world) store(source string, from, to uint64) {
	w.t.Helper()
	at := schema.MillisOf(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	var events []schema.Event
	for seq := from; seq < to; seq++ {
		a, err := schema.ParseAttributes(fmt.Sprintf(`{"n":%d,"p":{"q%d":true}}`, seq, seq))
		if err != nil {
			w.t.Fatal(err)
		}
		events = append(events, schema.Event{Seq: seq, At: at, Seen: at, Source: source, Message: "m", Attributes: a})
	}
	if err := w.sink.Insert(w.t.Context(), fmt.Sprint(source, from), events); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rewrite(query string) (reparse.Counts, error) {
	w.t.Helper()
	q, err := search.Parse(query)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Rewrite(w.t.Context(), day, q, schema.MinMillis, schema.MaxMillis)
}

// expect says how many events there are, each once, and how many were read again.
func (w *world) expect(events, again uint64) {
	w.t.Helper()
	var rows, distinct, made, left uint64
	if err := w.conn.QueryRow(w.t.Context(), "SELECT count(), uniqExact(seq), countIf(raw LIKE '%again%') FROM events").Scan(&rows, &distinct, &made); err != nil {
		w.t.Fatal(err)
	}
	if err := w.conn.QueryRow(w.t.Context(), "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%reparse%'").Scan(&left); err != nil {
		w.t.Fatal(err)
	}
	if rows != events || distinct != events || made != again || left != 0 {
		w.t.Errorf("%d events of %d numbers, %d read again, %d tables left; want %d, %d, none", rows, distinct, made, left, events, again)
	}
}

// TestADayIsReadAgainWhileEventsLand has events that arrive in the day meanwhile, with
// higher numbers and with lower ones, as of blocks that were set aside.
func TestADayIsReadAgainWhileEventsLand(t *testing.T) {
	w := newWorld(t)
	w.store("a", 100, 1500) // more paths than one insert holds
	w.store("b", 5_000_000, 5_000_100)
	w.came = func() { w.store("a", 1, 50); w.store("b", 2_000_000, 2_000_003); w.store("a", 9_000_000, 9_000_010) }
	if counts, err := w.rewrite("source:a"); err != nil || counts.Read != 1400 || counts.Changed != 1400 {
		t.Fatalf("%+v, %v", counts, err)
	}
	w.expect(1400+100+49+3+10, 1400)
	if counts, err := w.rewrite("source:none"); err != nil || counts.Read != 0 {
		t.Fatalf("%+v, %v", counts, err)
	}
	w.expect(1562, 1400)
	if counts, err := w.rewrite("*"); err != nil || counts.Read != 1562 {
		t.Fatalf("%+v, %v", counts, err)
	}
	w.expect(1562, 1562)
}

// TestADayThatRetentionTakesMeanwhileStaysAway drops it while it is read.
func TestADayThatRetentionTakesMeanwhileStaysAway(t *testing.T) {
	w := newWorld(t)
	w.store("a", 1, 100)
	w.held = func() {
		if err := w.conn.Exec(context.Background(), "ALTER TABLE events DROP PARTITION ID '"+day+"'"); err != nil {
			t.Error(err)
		}
	}
	if counts, err := w.rewrite("*"); err != nil || counts.Read != 0 {
		t.Fatalf("%+v, %v", counts, err)
	}
	w.expect(0, 0)
}

// TestAnEventThatCannotBeReadStaysAsItWas, and a day whose insert fails does.
func TestAnEventThatCannotBeReadStaysAsItWas(t *testing.T) {
	w := newWorld(t)
	w.store("a", 1, 10)
	read := w.Read
	w.Read = func(old *schema.Event) (schema.Event, error) {
		if old.Seq == 5 {
			return *old, fmt.Errorf("no")
		}
		return read(old)
	}
	if counts, err := w.rewrite("*"); err != nil || counts.Read != 9 || counts.Changed != 8 || counts.Failed != 1 {
		t.Fatalf("%+v, %v", counts, err)
	}
	w.expect(9, 8)
	ctx, cancel := context.WithCancel(t.Context())
	w.held = cancel // killed at the last moment
	q, _ := search.Parse("*")
	if _, err := w.Rewrite(ctx, day, q, schema.MinMillis, schema.MaxMillis); err == nil || !strings.Contains(err.Error(), "cancel") {
		t.Errorf("cut short it ends with %v", err)
	}
	w.expect(9, 8)
}
