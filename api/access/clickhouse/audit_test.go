package clickhouse

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightjar/api/access/audit"
	"nightjar/migrations"
	"nightjar/schema"
	"nightjar/testenv"
)

// TestTheChainIsWholeAsTheServerKeepsIt writes texts of all kinds, so that a row's hash is
// that of what is read back.
func TestTheChainIsWholeAsTheServerKeepsIt(t *testing.T) {
	conn := testenv.ClickHouse(t)
	if _, err := migrations.Apply(t.Context(), conn, []schema.Table{schema.Audit}); err != nil {
		t.Fatal(err)
	}
	store := Audit{conn}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	var rows []audit.Row
	for i, text := range []string{"plain", string(all), `back\slash 'quote' "double"`, strings.Repeat("ä", 9000), ""} {
		l := open(t, store)
		if err := l.Write(audit.Entry{Kind: "change", Action: "x", Caller: text, Detail: text, Object: text, Outcome: audit.Done}); err != nil {
			t.Fatal(err)
		}
		r := carry(t, l, uint64(i+1))
		if int(r.Rows) != i+1 || len(r.Faults)+len(r.Gaps) > 0 {
			t.Errorf("after %.10q: %+v", text, r)
		}
	}
	if err := store.Rows(t.Context(), 2, func(r audit.Row) error { rows = append(rows, r); return nil }); err != nil || len(rows) != 4 || rows[0].Seq != 2 {
		t.Errorf("%d rows from the second on: %v", len(rows), err)
	}
	last, err := store.Last(t.Context())
	if diff := cmp.Diff(rows[3], last); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, x := range []struct {
		q    audit.Query
		want []uint64
	}{
		{audit.Query{Limit: 2}, []uint64{5, 4}},
		{audit.Query{Limit: 9, Caller: "plain"}, []uint64{1}},
		{audit.Query{Limit: 9, Text: "QUOTE"}, []uint64{3}},
		{audit.Query{Limit: 9, Text: `back\slash`}, []uint64{3}},
		{audit.Query{Limit: 9, Kind: "sql"}, nil},
		{audit.Query{Limit: 9, To: 1}, nil},
		{audit.Query{Limit: 2, Before: 4}, []uint64{3, 2}},
		{audit.Query{Limit: 9, Object: "Double"}, []uint64{3}},
	} {
		found, err := store.List(t.Context(), x.q)
		var seqs []uint64
		for _, r := range found {
			seqs = append(seqs, r.Seq)
		}
		if err != nil || !slices.Equal(seqs, x.want) {
			t.Errorf("%+v: %v, %v, want %v", x.q, seqs, err, x.want)
		}
	}
}

// open opens a log in a folder of its own, as an engine does that was moved.
func open(t *testing.T, store audit.Store) *audit.Log {
	t.Helper()
	l, err := audit.Open(t.Context(), audit.Deps{Dir: t.TempDir(), Store: store, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// carry runs the log until so many rows are in the table.
func carry(t *testing.T, l *audit.Log, rows uint64) audit.Report {
	t.Helper()
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- l.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	for end := time.Now().Add(time.Minute); ; {
		r, err := l.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Rows >= rows || time.Now().After(end) {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
}
