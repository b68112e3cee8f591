package compiler

import (
	"math"
	"slices"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/schema"
)

// TestValuesInSQLAreThoseInMemory compares the values of every field that the
// generated events have, and of some that none has.
func TestValuesInSQLAreThoseInMemory(t *testing.T) {
	events := newGenerator(11).events(600)
	w := newWorld(t, events)
	fields := valueFields(w.events)
	for _, shapes := range []func(string) schema.Shapes{nil, w.sink.Catalogue().Shapes} {
		for _, f := range fields {
			w.compareValues(t, f, &Params{Shapes: shapes})
		}
	}
	if len(fields) < 40 {
		t.Errorf("only %d fields", len(fields))
	}
}

// valueFields are all fields of the events, and some odd ones.
func valueFields(events []schema.Event) []schema.Field {
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

func (w *world) compareValues(t *testing.T, f schema.Field, p *Params) {
	t.Helper()
	sql := "SELECT seq, " + ValuesSQL(f, p) + ", " + NumbersSQL(f, p) + " FROM events ORDER BY seq"
	rows, err := w.conn.Query(ch.Context(t.Context(), ch.WithParameters(p.Map())), sql)
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
		e := &w.events[seq-1]
		slices.Sort(texts)
		if want := e.Values(f); !slices.Equal(texts, want) {
			t.Fatalf("%s of %s: SQL has %q, memory %q", f, e.JSON, texts, want)
		}
		if want := numbersOf(e, f); !slices.Equal(numbers, want) {
			t.Fatalf("%s of %s: SQL has %v, memory %v", f, e.JSON, numbers, want)
		}
	}
	if err := rows.Err(); err != nil || n != len(w.events) {
		t.Fatalf("%s: %d rows, %v", f, n, err)
	}
}

func numbersOf(e *schema.Event, f schema.Field) []float64 {
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
