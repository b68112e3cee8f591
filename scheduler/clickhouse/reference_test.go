package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/migrations"
	"nightjar/scheduler/reference"
	"nightjar/schema"
	"nightjar/testenv"
)

// faulty is a store that fails now and then: before an effect, or after it.
type faulty struct {
	*References
	rand *rand.Rand
	rate float64
}

var errFault = errors.New("injected fault")

func (f *faulty) fail() error {
	if f.rand.Float64() < f.rate {
		return errFault
	}
	return nil
}

func (f *faulty) Commit(ctx context.Context, o reference.Object) error {
	if err := f.fail(); err != nil {
		return err
	}
	return errors.Join(f.References.Commit(ctx, o), f.fail())
}

func (f *faulty) Append(ctx context.Context, table string, v reference.Version, changes []reference.Change) error {
	if err := f.fail(); err != nil {
		return err
	}
	return errors.Join(f.References.Append(ctx, table, v, changes), f.fail())
}

func (f *faulty) Merge(ctx context.Context, s reference.Snapshot, upload uint64, values int, v reference.Version) (reference.Merged, error) {
	if err := f.fail(); err != nil {
		return reference.Merged{}, err
	}
	m, err := f.References.Merge(ctx, s, upload, values, v)
	return m, errors.Join(err, f.fail())
}

// Changes fails halfway.
func (f *faulty) Changes(ctx context.Context, s reference.Snapshot, v reference.Version, use func(reference.Change) error) error {
	return f.References.Changes(ctx, s, v, func(c reference.Change) error {
		if err := f.fail(); err != nil {
			return err
		}
		return use(c)
	})
}

func (f *faulty) Cells(ctx context.Context, s reference.Snapshot, field int, isKey bool, use func(reference.Cell) error) error {
	return errors.Join(f.References.Cells(ctx, s, field, isKey, use), f.fail())
}

// model is a table as its users think of it: its rows at every moment.
type model struct {
	rows map[string][2]string // by key: the key itself and another field
	past []era
}

type era struct {
	from schema.Millis
	rows map[string][2]string
}

// world is tables over a real server, and what is to be found in them.
type world struct {
	t      *testing.T
	store  *faulty
	tables *reference.Tables
	id     string
	clock  schema.Millis
	model  model
}

var fields = []reference.Field{{Name: "key", Type: reference.String}, {Name: "other", Type: reference.String, Match: reference.Prefix}}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: &faulty{New(conn).References(), rand.New(rand.NewPCG(seed, 1)), 0}, clock: 1_000_000_000_000}
	w.model.rows = map[string][2]string{}
	w.open()
	table, err := w.tables.Create(t.Context(), reference.Table{Name: "t", Source: "LOCAL_FILE", Fields: fields, Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	w.id = table.ID
	return w
}

// open is a restart.
func (w *world) open() {
	w.t.Helper()
	w.tables = reference.New(w.store, func() schema.Millis { w.clock += 10; return w.clock })
	if err := w.tables.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// do makes a change. A fault on the way leaves all of it or nothing: which of
// them, the table says. Then it is tried again, or it is not.
func (w *world) do(rows map[string][2]string, change func() error) {
	w.t.Helper()
	before := w.get().UpdatedAt
	for {
		err := change()
		if err == nil {
			w.remember(rows)
			return
		}
		if !errors.Is(err, errFault) {
			w.t.Fatal(err)
		}
		if w.store.rand.IntN(3) == 0 {
			w.open()
		}
		w.load()
		if w.get().UpdatedAt != before {
			w.remember(rows)
			return
		}
		if w.store.rand.IntN(2) == 0 {
			return
		}
	}
}

func (w *world) get() reference.Table {
	w.t.Helper()
	table, err := w.tables.Get(w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return table
}

// load tries until there is no fault.
func (w *world) load() {
	for w.tables.Load(w.t.Context(), columns, 0) != nil {
		continue
	}
}

func (w *world) remember(rows map[string][2]string) {
	if maps.Equal(rows, w.model.rows) {
		return
	}
	w.model.rows = rows
	w.model.past = append(w.model.past, era{w.get().UpdatedAt, maps.Clone(rows)})
}

func (w *world) step() {
	r := w.store.rand
	rows := maps.Clone(w.model.rows)
	key := func() string { return fmt.Sprintf("k%d", r.IntN(8)) }
	other := func() string { return []string{"", "a", "ab", "b"}[r.IntN(4)] }
	switch r.IntN(4) {
	case 0: // a file
		clear(rows)
		text := strings.Builder{}
		text.WriteString("other,key\n")
		for range r.IntN(10) {
			row := [2]string{key(), other()}
			rows[row[0]] = row
			fmt.Fprintf(&text, "%s,%s\n", row[1], row[0])
		}
		w.do(rows, func() error {
			file, err := reference.NewCSV(strings.NewReader(text.String()), reference.CSVOptions{})
			if err != nil {
				w.t.Fatal(err)
			}
			_, err = w.tables.Import(w.t.Context(), w.id, file, "")
			return err
		})
	case 1, 2:
		var changes []reference.Row
		for range 1 + r.IntN(3) {
			row := [2]string{key(), other()}
			rows[row[0]] = row
			changes = append(changes, reference.Row{ID: row[0], Values: map[string]string{"other": row[1]}})
		}
		w.do(rows, func() error { return w.tables.Upsert(w.t.Context(), w.id, changes) })
	case 3:
		gone := []string{key(), key()}
		delete(rows, gone[0])
		delete(rows, gone[1])
		w.do(rows, func() error { return w.tables.DeleteRows(w.t.Context(), w.id, slices.Clone(gone)) })
	}
}

var columns = []compiler.TableColumn{{Table: "t", Column: "key"}, {Table: "t", Column: "other"}}

// check compares what rules and users see with the model.
func (w *world) check() {
	w.t.Helper()
	w.load()
	for i, e := range w.model.past {
		moments := []schema.Millis{e.from}
		if i+1 < len(w.model.past) {
			moments = append(moments, w.model.past[i+1].from-1)
		} else {
			moments = append(moments, w.clock+1000)
		}
		if i == 0 {
			moments = append(moments, 0) // the first counts for all before
		}
		for _, at := range moments {
			w.checkAt(e.rows, at)
		}
	}
	var listed []string
	for token := ""; ; {
		rows, next, err := w.tables.ListRows(w.t.Context(), w.id, 3, token)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range rows {
			listed = append(listed, r.ID+"="+r.Values["other"])
		}
		if token = next; token == "" {
			break
		}
	}
	var want []string
	for _, key := range slices.Sorted(maps.Keys(w.model.rows)) {
		want = append(want, key+"="+w.model.rows[key][1])
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		w.t.Fatalf("rows (-want +got):\n%s", diff)
	}
	if n := w.get().Rows; n != int64(len(want)) {
		w.t.Fatalf("the table says it has %d rows, want %d", n, len(want))
	}
}

func (w *world) checkAt(rows map[string][2]string, at schema.Millis) {
	w.t.Helper()
	for n := range 8 {
		key := fmt.Sprintf("k%d", n)
		if _, want := rows[key]; w.tables.Has("t", "key", key, at) != want {
			w.t.Fatalf("at %d the table has %s: %v, want %v", at, key, !want, want)
		}
	}
	for _, value := range []string{"a", "abc", "b", "c"} {
		want := false
		for _, row := range rows {
			want = want || row[1] != "" && strings.HasPrefix(value, row[1])
		}
		if got := w.tables.Has("t", "other", value, at); got != want {
			w.t.Fatalf("at %d the table has a prefix of %s: %v, want %v", at, value, got, want)
		}
	}
}

func TestTablesAreAtEveryMomentWhatWasPutIntoThem(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed)
			w.store.rate = float64(seed%2) * 0.2
			for n := range 30 {
				w.step()
				if n%5 == 4 {
					w.check()
				}
			}
			w.store.rate = 0
			w.open()
			w.check()
		})
	}
}

func TestAChangeIsSeenByWhatArrivesAfterIt(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, schema.Tables); err != nil {
		t.Fatal(err)
	}
	now := func() schema.Millis { return schema.MillisOf(time.Now()) }
	tables := reference.New(New(conn).References(), now)
	table, err := tables.Create(t.Context(), reference.Table{Name: "t", Fields: fields, Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Int64
	failed := make(chan error, 1)
	go func() {
		for n := range int64(50) {
			row := []reference.Row{{ID: fmt.Sprint("k", n+1)}}
			if err := tables.Upsert(t.Context(), table.ID, row); err != nil {
				failed <- err
				return
			}
			done.Store(n + 1)
		}
		close(failed)
	}()
	for finished := false; !finished; {
		select {
		case err, open := <-failed:
			if finished = true; open {
				t.Fatal(err)
			}
		default:
		}
		n := done.Load()
		time.Sleep(2 * time.Millisecond)
		at := now()
		if err := tables.Load(t.Context(), columns[:1], at); err != nil {
			t.Fatal(err)
		}
		if key := fmt.Sprint("k", n); n > 0 && !tables.Has("t", "key", key, at) {
			t.Fatalf("%s was put into the table before, and is not seen", key)
		}
	}
	if n := done.Load(); n != 50 {
		t.Errorf("%d changes were made, want 50", n)
	}
}
