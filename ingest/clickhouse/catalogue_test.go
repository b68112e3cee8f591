package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/ingest/clickhouse"
	"nightjar/schema"
)

// oddAttributes has every form, at typed and other paths, and strange names.
var oddAttributes = []string{
	`{"one":"x","int":1,"float":0.5,"bool":true,"null":null,"deep":{"er":{"still":"x"}}}`,
	`{"one":2,"many":["x","y"],"ints":[1,2],"floats":[0.5,1.5],"bools":[true,false],"mixed":[1,"x",true,0.5]}`,
	`{"usr":{"id":"one"},"evt":{"name":["a","b"]},"http":{"method":5}}`,
	`{"":"empty","a..b":1,".":2,"x%many":3,"x%mixed":[1,"2"],"k é":4,"a.":5,"usr.name":["p","q"],"we` + "`" + `ird\"":6}`,
	`{"objects":[{"a":1,"b":"x"},{"a":"2"},{"c":[1.5,"z"]}]}`,
}

func oddEvents(t testing.TB) []schema.Event {
	var events []schema.Event
	for i, a := range oddAttributes {
		events = append(events, event(t, uint64(i+1), "m", a))
	}
	return events
}

// formsOf is what a catalogue should hold, by the plainest way there is.
func formsOf(events []schema.Event) map[string]schema.Shapes {
	want := map[string]schema.Shapes{}
	for i := range events {
		events[i].Attributes.Shapes(func(path string, s schema.Shapes) {
			want[path] |= s
			for i := range len(path) {
				if path[i] == '.' {
					want[path[:i]] |= schema.Below
				}
			}
		})
	}
	return want
}

func compareCatalogue(t *testing.T, c *schema.Catalogue, want map[string]schema.Shapes) {
	t.Helper()
	if !c.IsComplete() {
		t.Error("not complete")
	}
	for path, s := range want {
		if got := c.Shapes(path); got != s {
			t.Errorf("%q has the forms %b, want %b", path, got, s)
		}
	}
	if c.Len() != len(want) {
		t.Errorf("%d paths, want %d", c.Len(), len(want))
	}
	if got := c.Shapes("never stored"); got != 0 {
		t.Errorf("a path that was never stored has forms %b", got)
	}
}

func TestCatalogueHasTheFormsOfWhatWasInserted(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	if got := sink.Catalogue().Shapes("a"); got != schema.AllShapes {
		t.Errorf("before it was loaded, the catalogue says %b of a path", got)
	}
	if err := sink.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := oddEvents(t)
	if err := sink.Insert(t.Context(), "t", events); err != nil {
		t.Fatal(err)
	}
	compareCatalogue(t, sink.Catalogue(), formsOf(events))
	version := sink.Catalogue().Version()
	if err := sink.Insert(t.Context(), "u", events); err != nil {
		t.Fatal(err)
	}
	if got := sink.Catalogue().Version(); got != version {
		t.Errorf("nothing new, and yet version %d became %d", version, got)
	}
}

// TestCatalogueFindsWhatOthersStored loads one where nothing was kept, as after
// an older version has written, and one where all was.
func TestCatalogueFindsWhatOthersStored(t *testing.T) {
	conn := table(t)
	events := oddEvents(t)
	if err := clickhouse.New(conn).Insert(t.Context(), "t", events); err != nil {
		t.Fatal(err)
	}
	want := formsOf(events)
	kept := clickhouse.New(conn)
	if err := kept.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, s := range want {
		if _, typed := schema.Typed(path); s&schema.ManyMixed != 0 && !typed {
			want[path] |= schema.ManyStrings // how texts of mixed leaves look to the server
		}
	}
	compareCatalogue(t, kept.Catalogue(), want)

	for _, forget := range []string{
		"TRUNCATE TABLE attribute_shapes",
		"INSERT INTO events (seq, attributes) VALUES (100, '{\"written.by\":\"another\"}')", // beyond the mark
	} {
		if err := conn.Exec(t.Context(), forget); err != nil {
			t.Fatal(err)
		}
		found := clickhouse.New(conn)
		if err := found.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		compareCatalogue(t, found.Catalogue(), want)
		want["written.by"], want["written"] = schema.OneString, schema.Below
	}
	last := clickhouse.New(conn)
	if err := last.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	compareCatalogue(t, last.Catalogue(), want)
}

// brokenFor refuses statements about one table.
type brokenFor struct {
	driver.Conn
	table string
}

func (b brokenFor) PrepareBatch(ctx context.Context, sql string, o ...driver.PrepareBatchOption) (driver.Batch, error) {
	if strings.HasPrefix(sql, "INSERT INTO "+b.table+" ") {
		return nil, errors.New("broken")
	}
	return b.Conn.PrepareBatch(ctx, sql, o...)
}

// TestNoEventIsStoredBeforeItsForms holds the order that the contract needs.
func TestNoEventIsStoredBeforeItsForms(t *testing.T) {
	conn := table(t)
	events := oddEvents(t)
	sink := clickhouse.New(brokenFor{conn, "attribute_shapes"})
	if err := sink.Insert(t.Context(), "t", events); err == nil {
		t.Error("inserted without its forms")
	}
	if rows, _, _ := count(t, conn); rows != 0 {
		t.Errorf("%d events are stored, and their forms are not", rows)
	}
	sink = clickhouse.New(brokenFor{conn, "events"})
	if err := sink.Insert(t.Context(), "t", events); err == nil {
		t.Error("inserted through a broken connection")
	}
	again := clickhouse.New(conn)
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	compareCatalogue(t, again.Catalogue(), formsOf(events))
}

// flood is an event of so many new keys.
func flood(t testing.TB, seq uint64, from, n int) schema.Event {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"k%d":%d`, from+i, from+i)
	}
	return event(t, seq, "m", "{"+strings.Join(members, ",")+"}")
}

// TestNewKeysBeyondTheBoundsAreInOneColumn holds what a sender of ever new keys
// makes of the table and the catalogue, and that each of the keys is known to be
// where it is.
func TestNewKeysBeyondTheBoundsAreInOneColumn(t *testing.T) {
	conn := table(t)
	sink := clickhouse.New(conn)
	sink.LimitNewPaths(100, 150)
	if err := sink.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if err := sink.Insert(t.Context(), fmt.Sprint(i), []schema.Event{flood(t, uint64(i+1), i*5000, 5000)}); err != nil {
			t.Fatal(err)
		}
	}
	other := event(t, 7, "m", `{"k29000":"x","mine":1,"mine.too":{"deep":2}}`)
	other.Source = "another"
	if err := sink.Insert(t.Context(), "another", []schema.Event{other}); err != nil {
		t.Fatal(err)
	}
	var columns, rest uint64
	if err := conn.QueryRow(t.Context(), "SELECT length(arrayFilter(p -> startsWith(p, 'k'), groupUniqArrayArray(JSONAllPaths(attributes)))), sum(length(rest)) FROM events").Scan(&columns, &rest); err != nil {
		t.Fatal(err)
	}
	if columns != 151 || rest != 30_000-150 {
		t.Errorf("%d keys have columns and %d values are in the rest, want 151 and %d", columns, rest, 30_000-150)
	}
	again := clickhouse.New(conn)
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := conn.Exec(t.Context(), "TRUNCATE TABLE "+schema.AttributeShapes.Name); err != nil {
		t.Fatal(err)
	}
	looked := clickhouse.New(conn)
	if err := looked.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*schema.Catalogue{"kept": sink.Catalogue(), "loaded": again.Catalogue(), "looked up": looked.Catalogue()} {
		if !c.Beyond() || c.Overflowed() || c.Len() > schema.MaxCataloguedPaths {
			t.Errorf("%s: %d paths, beyond %t, overflowed %t", name, c.Len(), c.Beyond(), c.Overflowed())
		}
		for path, want := range map[string]schema.Shapes{
			"k29000": schema.InRest | schema.OneString, "k28999": schema.InRest, "mine": schema.OneInt | schema.Below,
			"mine.too.deep": schema.OneInt, "mine.too": schema.Below,
		} {
			if got := c.Shapes(path); got&want != want || got&^(want|schema.InRest) != 0 {
				t.Errorf("%s: %s has the forms %b, want %b", name, path, got, want)
			}
		}
		for i := range 30_000 {
			if c.Shapes(fmt.Sprint("k", i)) == 0 {
				t.Fatalf("%s: k%d is known nowhere", name, i)
			}
		}
	}
	long := strings.Repeat("x", schema.MaxCataloguedBytes+1)
	if got := sink.Catalogue().Shapes(long); got != schema.AllShapes {
		t.Errorf("a long path has the forms %b", got)
	}
}
