package clickhouse_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"nightjar/ingest/clickhouse"
	"nightjar/schema"
)

// TestTheFirstAndLastArrivalsAreThoseOfAllEvents compares what the index on arrivals says with
// what every row says: of days with merged parts and with others, which have no index, while
// first and last events are deleted, with whole days among them.
func TestTheFirstAndLastArrivalsAreThoseOfAllEvents(t *testing.T) {
	conn := table(t)
	sink, random := clickhouse.New(conn), rand.New(rand.NewPCG(21, 22))
	seq, deleted := uint64(0), false
	const days = 4
	compare := func() {
		t.Helper()
		var last uint64
		want := map[string]uint64{}
		if err := conn.QueryRow(t.Context(), "SELECT max(seq) FROM events").Scan(&last); err != nil {
			t.Fatal(err)
		}
		if got, err := sink.LastSeq(t.Context()); err != nil || got != last {
			t.Errorf("the last is %d, %v; want %d", got, err, last)
		}
		rows, err := conn.Query(t.Context(), "SELECT _partition_id, min(seq) FROM events GROUP BY _partition_id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var day string
			var first uint64
			if err := rows.Scan(&day, &first); err != nil {
				t.Fatal(err)
			}
			want[day] = first
		}
		if missing, err := sink.Missing(t.Context(), last); err != nil || len(missing) > 0 && !deleted {
			t.Errorf("before anything is deleted %v are missing, %v", missing, err)
		}
		if got, err := sink.Firsts(t.Context()); err != nil || !maps.Equal(got, want) {
			t.Errorf("days begin at %v, %v; want %v", got, err, want)
		}
	}
	compare() // of nothing
	for block := range 6 {
		var events []schema.Event
		for range 40 {
			seq++
			e := event(t, seq, "m", `{}`)
			e.Source, e.Seen = fmt.Sprint("s", random.IntN(3)), e.Seen+schema.Millis(random.IntN(days))*86_400_000
			events = append(events, e)
		}
		if err := sink.Insert(t.Context(), fmt.Sprint("block ", block), events); err != nil {
			t.Fatal(err)
		}
		if block == 3 {
			if err := conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"); err != nil {
				t.Fatal(err)
			}
		}
		compare()
	}
	deleted = true
	for _, where := range []string{"seq > 230 OR seq < 7", "seq = 230", "toDate(seen) = (SELECT min(toDate(seen)) FROM events)"} {
		if err := conn.Exec(t.Context(), "DELETE FROM events WHERE "+where); err != nil {
			t.Fatal(err)
		}
		compare()
	}
}
