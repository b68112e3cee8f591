package clickhouse_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

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
	for i := range 1500 { // more than have a column of their own
		paths = append(paths, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	events := append(oddEvents(t), event(t, 0, "m", `{}`), event(t, 0, "m", "{"+strings.Join(paths, ",")+"}"), event(t, 0, "m", `{"k1499":"x"}`))
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

// TestBlockOfTooManyPathsIsCutAlike holds that a retry of a block that had to be
// cut stores nothing again, even when only one piece had been stored.
func TestBlockOfTooManyPathsIsCutAlike(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	events := make([]schema.Event, 4200)
	if 2*len(events)*len(events) <= clickhouse.MaxCells {
		t.Fatal("the block is not large enough")
	}
	for i := range events {
		events[i] = event(t, uint64(i+1), "m", fmt.Sprintf(`{"k%d":1,"l%d":1}`, i, i))
	}
	if err := sink.Insert(t.Context(), "t 1/2", events[:len(events)/2]); err != nil { // as if the second had failed
		t.Fatal(err)
	}
	for range 2 {
		if err := sink.Insert(t.Context(), "t", events); err != nil {
			t.Fatal(err)
		}
	}
	if rows, distinct, _ := count(t, conn); rows != 4200 || distinct != 4200 {
		t.Errorf("%d rows, %d distinct", rows, distinct)
	}
	if err := conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"); err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{0, 700, 2099, 2100, 2500, 4199} {
		var found []uint64
		if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT groupArray(seq) FROM events WHERE attributes.k%d IS NOT NULL", k)).Scan(&found); err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 || found[0] != uint64(k+1) {
			t.Errorf("k%d is in the events %v, want %d", k, found, k+1)
		}
	}
}
