package clickhouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/ingest/clickhouse"
	"nightjar/schema"
)

// randomAttributes has any kind of value at few paths, so that a path has all
// forms in one block, and gaps.
func randomAttributes(r *rand.Rand) string {
	paths := []string{"a", "a.b", "usr.id", "evt.name", "evt.outcome", "http.method", "", "k é", "x%many", "a.b.c", "n"}
	scalar := func() string {
		return []string{`""`, `"x"`, `"true"`, `"5"`, `5`, `-1`, `9223372036854775807`, `-9223372036854775808`, `9223372036854775808`, `0.5`, `1e300`, `1e-7`, `1e21`, `9007199254740993`, `-0.0`, `0.1`,
			`true`, `false`, `null`, `"2020-01-01"`, `"é\u0000\"\\"`, `"` + strings.Repeat("long ", r.IntN(60)) + `"`}[r.IntN(22)]
	}
	var members []string
	for range r.IntN(6) {
		value := scalar()
		if r.IntN(3) == 0 {
			elements := make([]string, r.IntN(4))
			for i := range elements {
				elements[i] = scalar()
			}
			value = "[" + strings.Join(elements, ",") + "]"
		}
		members = append(members, schema.QuoteJSON(paths[r.IntN(len(paths))])+":"+value)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// stored are the attributes as the server has them: values, types, and what is
// NULL.
func stored(t *testing.T, conn driver.Conn) []string {
	t.Helper()
	var nulls []string
	for _, p := range schema.TypedPaths {
		nulls = append(nulls, "attributes.`"+p.Path+"` IS NULL")
	}
	rows, err := conn.Query(t.Context(), "SELECT toJSONString(attributes) || toString(JSONAllPathsWithTypes(attributes)) || toString(["+strings.Join(nulls, ", ")+"]) FROM events ORDER BY seq")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// asText inserts the projection of each event by itself: where rows come
// together, the server makes the types of one depend on those before it.
func asText(t *testing.T, conn driver.Conn, events []schema.Event) {
	t.Helper()
	settings := ch.Settings{"precise_float_parsing": 1}
	for name, value := range schema.ProjectionSettings {
		settings[name] = value
	}
	ctx := ch.Context(t.Context(), ch.WithSettings(settings))
	if err := conn.Exec(ctx, "SYSTEM STOP MERGES events"); err != nil { // they take longer than the rest
		t.Fatal(err)
	}
	for _, e := range events {
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO events (seq, attributes)")
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append(e.Seq, e.Projection()); err != nil {
			t.Fatal(err)
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAttributesAreStoredAsTheirProjection(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var paths []string
	for i := range 1200 { // more than have a column of their own
		paths = append(paths, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	events := append(oddEvents(t), event(t, 0, "m", `{}`), event(t, 0, "m", "{"+strings.Join(paths, ",")+"}"), event(t, 0, "m", `{"k1199":"x"}`))
	for range 150 {
		events = append(events, event(t, 0, "m", randomAttributes(r)))
	}
	for i := range events {
		events[i].Seq = uint64(i + 1)
	}
	conn := table(t)
	if err := clickhouse.New(conn).Insert(t.Context(), "t", events); err != nil {
		t.Fatal(err)
	}
	got := stored(t, conn)
	conn = table(t)
	asText(t, conn, events)
	want := stored(t, conn)
	if len(got) != len(events) || len(want) != len(events) {
		t.Fatalf("%d events, stored %d and %d", len(events), len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s is stored as\n%s\nwant\n%s", events[i].JSON, got[i], want[i])
		}
	}
}

// TestDictionariesOfAnySize goes around the sizes where keys get wider.
func TestDictionariesOfAnySize(t *testing.T) {
	for _, words := range []int{1, 254, 255, 256, 65_534, 65_535, 65_536, 70_000} {
		conn := table(t)
		events := make([]schema.Event, words)
		for i := range events {
			events[i] = event(t, uint64(i+1), "m", fmt.Sprintf(`{"evt":{"name":"%d"}}`, i))
		}
		if err := clickhouse.New(conn).Insert(t.Context(), "t", events); err != nil {
			t.Fatal(err)
		}
		var right uint64
		if err := conn.QueryRow(t.Context(), "SELECT countIf(attributes.evt.name = toString(seq - 1)) FROM events").Scan(&right); err != nil {
			t.Fatal(err)
		}
		if int(right) != words {
			t.Errorf("of %d words, %d came back", words, right)
		}
	}
}

// TestABlockThatWasCutIsSettled holds that of a block that had to be cut, what is
// stored is its beginning, and is known.
func TestABlockThatWasCutIsSettled(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	events := make([]schema.Event, 17_000)
	const paths = 2000
	if paths*len(events) <= clickhouse.MaxCells {
		t.Fatal("the block is not large enough")
	}
	for i := range events {
		events[i] = event(t, uint64(i+1), "m", fmt.Sprintf(`{"k%d":1}`, i%paths))
	}
	last := uint64(len(events))
	settled := func() uint64 {
		through, err := sink.Settle(t.Context(), "t", 1, last)
		if err != nil {
			t.Fatal(err)
		}
		return through
	}
	if got := settled(); got != 0 {
		t.Errorf("of a block that was never sent, all up to %d is said to be there", got)
	}
	if err := sink.Insert(t.Context(), "t 1/2", events[:last/2]); err != nil { // as if the second had failed
		t.Fatal(err)
	}
	if got := settled(); got != last/2 {
		t.Errorf("half is stored, and %d is settled", got)
	}
	if err := sink.Insert(t.Context(), "rest", events[last/2:]); err != nil {
		t.Fatal(err)
	}
	if err := sink.Insert(t.Context(), "again", events); err == nil { // cut in two
		if rows, distinct, _ := count(t, conn); rows != 2*last || distinct != last {
			t.Errorf("%d rows, %d distinct", rows, distinct)
		}
	}
	if stored, err := sink.Present(t.Context(), 16_990, 17_100); err != nil || len(stored) != 11 || !stored[17_000] {
		t.Errorf("stored: %v, %v", stored, err)
	}
}

// TestAnInsertThatIsUnderWayIsEnded gives up on inserts while the server works on
// them: once settled, none of them stores anything any more.
func TestAnInsertThatIsUnderWayIsEnded(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	for round := range 6 {
		events := make([]schema.Event, 20_000)
		first := uint64(round*len(events) + 1)
		for i := range events {
			events[i] = event(t, first+uint64(i), strings.Repeat("x", 200), `{"a":1,"b":"x"}`)
		}
		token := fmt.Sprint("round ", round)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+15*round)*time.Millisecond)
		_ = sink.Insert(ctx, token, events)
		cancel()
		last := events[len(events)-1].Seq
		through, err := sink.Settle(t.Context(), token, first, last)
		if err != nil {
			t.Fatal(err)
		}
		if through != first-1 && through != last {
			t.Errorf("a block is there up to %d of %d", through, last)
		}
		time.Sleep(200 * time.Millisecond)
		if again, _ := sink.Settle(t.Context(), token, first, last); again != through {
			t.Errorf("up to %d was there, and %d a moment later", through, again)
		}
	}
}
