package migrations

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"nightjar/schema"
	"nightjar/testenv"
)

var update = flag.Bool("update", false, "add the present schema to testdata/states, if it is new")

// states are the schemas that were ever shipped, oldest first.
func states(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/states/*.sql")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d states (%v)", len(files), err)
	}
	return files
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestThePresentSchemaIsTheNewestState fails for a change of schema that nobody
// will be able to start from.
func TestThePresentSchemaIsTheNewestState(t *testing.T) {
	var now []string
	for _, table := range schema.Tables {
		now = append(now, table.CreateSQL())
	}
	text := strings.Join(now, ";\n\n") + ";\n"
	files := states(t)
	newest := read(t, files[len(files)-1])
	if State != len(files) {
		t.Errorf("State is %d, and there are %d states", State, len(files))
	}
	if newest == text {
		return
	}
	next := fmt.Sprintf("testdata/states/%04d.sql", len(files)+1)
	if *update {
		if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("schema.Tables changed: `go test ./migrations -run State -update` writes it to %s, and the other test shows whether earlier states reach it (-newest +present):\n%s",
		next, cmp.Diff(strings.Split(newest, "\n"), strings.Split(text, "\n")))
}

// TestEveryEarlierStateReachesThePresentOne starts from each, with a row in
// every table. From nothing, from the oldest and from the newest but one it is
// cut off after each statement in turn; the way of others is part of these.
func TestEveryEarlierStateReachesThePresentOne(t *testing.T) {
	fresh := testenv.ClickHouse(t)
	if _, err := Apply(t.Context(), fresh, schema.Tables); err != nil {
		t.Fatal(err)
	}
	want := describe(t, fresh)
	cuts, all := 0, append([]string{""}, states(t)...)
	for i, file := range all {
		everyCut := i < 2 || i == len(all)-2
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) {
			for k := 0; ; k++ {
				conn := testenv.ClickHouse(t)
				rows := begin(t, conn, file)
				if !everyCut {
					k = 1000
				}
				_, err := Apply(t.Context(), &failing{Conn: conn, left: k}, schema.Tables)
				if err != nil && !errors.Is(err, errCut) {
					t.Fatalf("cut after %d: %v", k, err)
				}
				if _, err := Apply(t.Context(), conn, schema.Tables); err != nil {
					t.Fatalf("cut after %d, then again: %v", k, err)
				}
				if diff := cmp.Diff(want, describe(t, conn)); diff != "" {
					t.Fatalf("cut after %d (-fresh +migrated):\n%s", k, diff)
				}
				if diff := cmp.Diff(rows, counts(t, conn)); diff != "" {
					t.Fatalf("cut after %d: rows (-before +after):\n%s", k, diff)
				}
				if again, err := Apply(t.Context(), conn, schema.Tables); err != nil || len(again) > 0 {
					t.Fatalf("cut after %d: a further run did %q, %v", k, again, err)
				}
				if err == nil {
					return // it was not cut any more
				}
				cuts++
			}
		})
	}
	if cuts < 2*len(schema.Tables) {
		t.Errorf("only %d cuts were tried", cuts)
	}
}

// begin makes the tables of a state and a row in each.
func begin(t *testing.T, conn driver.Conn, file string) map[string]uint64 {
	t.Helper()
	if file != "" {
		for _, sql := range strings.Split(strings.TrimSuffix(read(t, file), ";\n"), ";\n") {
			if err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(sql), "\n")
			table := strings.Fields(lines[0])[5]
			column := strings.Fields(lines[1])[0]
			if err := conn.Exec(t.Context(), "INSERT INTO "+table+" ("+column+") VALUES ('7')"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return counts(t, conn)
}

// counts are the rows of every table that has some.
func counts(t *testing.T, conn driver.Conn) map[string]uint64 {
	t.Helper()
	out := map[string]uint64{}
	for _, row := range rows(t, conn, "SELECT name, toString(total_rows) FROM system.tables WHERE database = currentDatabase() AND total_rows > 0") {
		out[row] = 1
	}
	return out
}

// describe is all that makes two databases the same to the engine.
func describe(t *testing.T, conn driver.Conn) []string {
	t.Helper()
	out := rows(t, conn, "SELECT table || '.' || name, type || ' at ' || toString(position) FROM system.columns WHERE database = currentDatabase() ORDER BY table, name")
	out = append(out, rows(t, conn, "SELECT table || ' index ' || name, expr || ' ' || type_full || ' ' || toString(granularity) FROM system.data_skipping_indices WHERE database = currentDatabase() ORDER BY table, name")...)
	engines := rows(t, conn, "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() ORDER BY name")
	for _, e := range engines {
		before, settings, _ := strings.Cut(e, " SETTINGS ")
		parts := strings.Split(settings, ", ")
		slices.Sort(parts)
		out = append(out, before+" "+strings.Join(parts, ", "))
	}
	return out
}

func rows(t *testing.T, conn driver.Conn, sql string) []string {
	t.Helper()
	r, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []string
	for r.Next() {
		var name, value string
		if err := r.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		out = append(out, name+": "+value)
	}
	return out
}

var errCut = errors.New("the engine was killed here")

// failing is a connection that is cut after some statements.
type failing struct {
	driver.Conn
	left int
}

func (f *failing) Exec(ctx context.Context, sql string, args ...any) error {
	if f.left == 0 {
		return errCut
	}
	f.left--
	return f.Conn.Exec(ctx, sql, args...)
}
