package clickhouse_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/ingest/clickhouse"
	"nightjar/schema"
	"nightjar/testenv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func table(t testing.TB) driver.Conn {
	t.Helper()
	conn := testenv.ClickHouse(t)
	for _, table := range []schema.Table{schema.Events, schema.AttributeShapes} {
		if err := conn.Exec(t.Context(), table.CreateSQL()); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

func event(t testing.TB, seq uint64, message, attributes string) schema.Event {
	t.Helper()
	a, err := schema.ParseAttributes(attributes)
	if err != nil {
		t.Fatal(err)
	}
	return schema.Event{
		Seq: seq, At: schema.MillisOf(now), Seen: schema.MillisOf(now).Add(time.Second),
		Source: "src", Service: "svc", Host: "h", Status: "info", Message: message,
		Tags: []string{"env:test", "word"}, Attributes: a,
	}
}

func count(t testing.TB, conn driver.Conn) (rows, distinct, last uint64) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), "SELECT count(), uniqExact(seq), max(seq) FROM events").Scan(&rows, &distinct, &last); err != nil {
		t.Fatal(err)
	}
	return rows, distinct, last
}

func TestRowComesBackAsItWas(t *testing.T) {
	conn := table(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	attributes := []string{
		`{}`,
		`{"usr":{"name":"Zoë \"q\" \\ \n"},"network":{"client":{"ip":"::1","port":22}},"n":9223372036854775807,"f":0.1,"g":1e300,"b":true,"z":null}`,
		`{"a":[1,"x",{"b":2}],"a.b":"dotted","":"empty key","deep":{"a":{"b":[[1],[2]]}}}`,
		`{"same":1}`, `{"same":"text"}`, `{"same":{"now":"object"}}`, `{"same":[1.5,"mixed",true]}`,
		`{"evt":{"name":["many","values"]}}`,
	}
	var events []schema.Event
	for i, a := range attributes {
		events = append(events, event(t, uint64(i+1), string(all), a))
	}
	if err := clickhouse.New(conn).Insert(t.Context(), "t", events); err != nil {
		t.Fatal(err)
	}
	for _, want := range events {
		var got schema.Event
		var at, seen time.Time
		row := conn.QueryRow(t.Context(), "SELECT timestamp, seen, source, service, host, status, message, tags, raw FROM events WHERE seq = ?", want.Seq)
		if err := row.Scan(&at, &seen, &got.Source, &got.Service, &got.Host, &got.Status, &got.Message, &got.Tags, &got.JSON); err != nil {
			t.Fatal(err)
		}
		if schema.MillisOf(at) != want.At || schema.MillisOf(seen) != want.Seen || got.Source != want.Source || got.Service != want.Service ||
			got.Host != want.Host || got.Status != want.Status || got.Message != want.Message || !slices.Equal(got.Tags, want.Tags) || got.JSON != want.JSON {
			t.Errorf("event %d came back as %+v, want %+v", want.Seq, got, want)
		}
	}
	var port int64
	var name string
	if err := conn.QueryRow(t.Context(), "SELECT attributes.network.client.port.:Int64, assumeNotNull(attributes.usr.name) FROM events WHERE seq = 2").Scan(&port, &name); err != nil {
		t.Fatal(err)
	}
	if port != 22 || name != "Zoë \"q\" \\ \n" {
		t.Errorf("searched: port %d, name %q", port, name)
	}
}

func TestOneTokenIsOneBlockHoweverLarge(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	var events []schema.Event
	for i := range 150_000 { // the server's own blocks have 65,409 rows
		events = append(events, event(t, uint64(i+1), "m", `{"k":1}`))
	}
	for range 3 {
		if err := sink.Insert(t.Context(), "big", events); err != nil {
			t.Fatal(err)
		}
	}
	rows, distinct, last := count(t, conn)
	if rows != 150_000 || distinct != rows || last != rows {
		t.Fatalf("%d rows, %d distinct, last %d", rows, distinct, last)
	}
	var parts uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND level = 0").Scan(&parts); err != nil {
		t.Fatal(err)
	}
	if parts != 1 {
		t.Fatalf("one insert made %d parts", parts)
	}
}

func TestTheTokenTellsBlocksApartNotTheirRows(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	for _, token := range []string{"a", "b", "a"} {
		if err := sink.Insert(t.Context(), token, []schema.Event{event(t, 1, "m", `{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if rows, _, _ := count(t, conn); rows != 2 {
		t.Fatalf("%d rows under two tokens", rows)
	}
}

func TestDeduplicationCoversABlockOverTwoDays(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	two := []schema.Event{event(t, 1, "m", `{}`), event(t, 2, "m", `{}`)}
	two[1].Seen = two[1].Seen.Add(24 * time.Hour) // the drainer never does this
	for range 2 {
		if err := sink.Insert(t.Context(), "days", two); err != nil {
			t.Fatal(err)
		}
	}
	if rows, distinct, _ := count(t, conn); rows != 2 || distinct != 2 {
		t.Fatalf("a block over two days: %d rows, %d distinct", rows, distinct)
	}
}

func TestConcurrentRetryOfOneBlockStoresItOnce(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	var events []schema.Event
	for i := range 20_000 {
		events = append(events, event(t, uint64(i+1), "m", `{"k":1}`))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := sink.Insert(t.Context(), "same", events); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if rows, _, _ := count(t, conn); rows != 20_000 {
		t.Fatalf("%d rows", rows)
	}
}

func start(t *testing.T, dir string, sink ingest.Sink) (in *ingest.Intake, stop func()) {
	t.Helper()
	in, err := ingest.New(ingest.Deps{Dir: dir, Sink: sink, Config: ingest.Config{BlockEvents: 700, Linger: 5 * time.Millisecond, SegmentBytes: 100_000}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	return in, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func awaitStored(t testing.TB, in *ingest.Intake, seq uint64) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		changed := in.StoredChanged()
		if in.Stored() >= seq {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("stored %d after a minute, want %d", in.Stored(), seq)
		}
	}
}

// TestEveryAcknowledgedEventIsStoredOnce sends from several writers while the
// intake is restarted, resends each batch, and looks at what is in ClickHouse.
func TestEveryAcknowledgedEventIsStoredOnce(t *testing.T) {
	conn := table(t)
	dir := t.TempDir()
	sent := 0
	for round := range 4 {
		in, stop := start(t, dir, clickhouse.New(conn))
		defer stop()
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 25 {
					id := fmt.Sprintf("%d-%d-%d", round, w, i)
					for n := range 2 {
						events := make([]schema.Event, 0, 100)
						for k := range 100 {
							events = append(events, event(t, 0, fmt.Sprintf("%s-%d", id, k), `{"k":1}`))
						}
						r, err := in.Submit(t.Context(), ingest.Batch{ID: id, Events: events})
						if err != nil || r.Duplicate != (n == 1) {
							t.Errorf("submit %s: %+v, %v", id, r, err)
						}
					}
				}
			})
		}
		wg.Wait()
		sent += 4 * 25 * 100
		if round == 3 {
			awaitStored(t, in, in.Acknowledged())
		}
		stop()
	}
	rows, distinct, last := count(t, conn)
	var messages uint64
	if err := conn.QueryRow(t.Context(), "SELECT uniqExact(message) FROM events").Scan(&messages); err != nil {
		t.Fatal(err)
	}
	if int(rows) != sent || int(distinct) != sent || int(last) != sent || int(messages) != sent {
		t.Fatalf("sent %d; %d rows, %d arrival numbers, %d messages, last %d", sent, rows, distinct, messages, last)
	}
}

// TestServerKilledInTheMiddleLosesAndDoublesNothing kills the server, more than
// once, while events go in.
func TestServerKilledInTheMiddleLosesAndDoublesNothing(t *testing.T) {
	conn := table(t)
	server := testenv.Server(t)
	in, stop := start(t, t.TempDir(), clickhouse.New(conn))
	defer stop()
	sent, killed := 0, 0
	var before uint64
	for i := range 120 {
		if i%40 == 20 {
			awaitStored(t, in, before+1) // it is back from the last time
			before = in.Stored()
			for syscall.Kill(server.Pid(), syscall.SIGKILL) != nil {
				time.Sleep(10 * time.Millisecond) // it is being started again
			}
			killed++
		}
		events := make([]schema.Event, 0, 200)
		for k := range 200 {
			events = append(events, event(t, 0, fmt.Sprintf("%d-%d", i, k), `{"k":1}`))
		}
		if _, err := in.Submit(t.Context(), ingest.Batch{ID: fmt.Sprint(i), Events: events}); err != nil {
			t.Fatal(err)
		}
		sent += len(events)
		time.Sleep(5 * time.Millisecond)
	}
	awaitStored(t, in, uint64(sent))
	rows, distinct, last := count(t, conn)
	if int(rows) != sent || int(distinct) != sent || int(last) != sent {
		t.Fatalf("sent %d; %d rows, %d arrival numbers, last %d", sent, rows, distinct, last)
	}
	t.Logf("%d events, server killed %d times", sent, killed)
}

func BenchmarkInsert(b *testing.B) {
	conn := table(b)
	sink := clickhouse.New(conn)
	events := make([]schema.Event, 0, 10_000)
	for i := range 10_000 {
		events = append(events, event(b, uint64(i+1), benchMessage, benchAttributes))
	}
	b.SetBytes(int64(len(events) * (len(benchMessage) + len(benchAttributes))))
	b.ResetTimer()
	for i := range b.N {
		if err := sink.Insert(b.Context(), fmt.Sprint("bench", i), events); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "events/s")
}

const (
	benchMessage    = "POST /api/v1/login 401 failed for user-4711 from 203.0.113.7 in 12 ms"
	benchAttributes = `{"evt":{"name":"authentication","outcome":"failure"},"usr":{"id":"user-4711","email":"user-4711@example.com"},"network":{"client":{"ip":"203.0.113.7","port":51234,"geo":{"cc":"DE","city":"Berlin","lat":52.5,"lon":13.4}}},"http":{"method":"POST","path":"/api/v1/login","code":401,"ua":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},"req":"0f8fad5b-d9cb-469f-a165-70867728950e"}`
)
