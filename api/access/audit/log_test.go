package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"nightjar/schema"
)

// table is a Store that fails when it is told to, before or after it did what it was
// asked to do.
type table struct {
	mu     sync.Mutex
	rows   []Row
	before error
	after  error
}

func (t *table) Last(context.Context) (Row, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		return Row{}, t.before
	}
	return slices.MaxFunc(t.rows, func(a, b Row) int { return int(a.Seq) - int(b.Seq) }), t.before
}

// fail has the table take nothing.
func (t *table) fail(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before = why
}

func (t *table) Insert(_ context.Context, rows []Row) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil {
		return t.before
	}
	t.rows = append(t.rows, rows...)
	return t.after
}

func (t *table) Rows(_ context.Context, from uint64, show func(Row) error) error {
	t.mu.Lock()
	rows := slices.Clone(t.rows)
	t.mu.Unlock()
	slices.SortStableFunc(rows, func(a, b Row) int { return int(a.Seq) - int(b.Seq) })
	for _, r := range rows {
		if r.Seq >= from {
			if err := show(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table) List(context.Context, Query) ([]Row, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.rows), nil
}

// intake takes events, and knows batches that it had.
type intake struct {
	mu      sync.Mutex
	batches map[string]bool
	events  []schema.Event
	fail    error // after it took them
}

func (i *intake) submit(_ context.Context, id string, events []schema.Event) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.batches[id] {
		i.batches[id] = true
		i.events = append(i.events, events...)
	}
	return i.fail
}

// world is a Log over a table and an intake that outlive it.
type world struct {
	t      testing.TB
	dir    string
	table  *table
	intake *intake
	max    int64
}

func newWorld(t testing.TB) *world {
	return &world{t: t, dir: t.TempDir(), table: &table{}, intake: &intake{batches: map[string]bool{}}}
}

// open opens the log; carried is what carries nothing until it is called.
func (w *world) open() *Log {
	w.t.Helper()
	l, err := Open(w.t.Context(), Deps{Dir: w.dir, Store: w.table, Submit: w.intake.submit, Events: []string{"change"}, MaxBytes: w.max, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) write(l *Log, n int) {
	w.t.Helper()
	for i := range n {
		if err := l.Write(Entry{Kind: "change", Action: "RuleService/CreateRule", Outcome: Begun, Caller: "somebody", Object: fmt.Sprint("rule ", i)}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// carried carries all that there is.
func (w *world) carried(l *Log) {
	w.t.Helper()
	for {
		n, err := l.step(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (w *world) verify(l *Log) Report {
	w.t.Helper()
	r, err := l.Verify(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// TestAListHasWhatWasNotedBeforeIt notes and lists at once, again and again, while entries
// are carried; and lists where the table takes none.
func TestAListHasWhatWasNotedBeforeIt(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	listed := func(ctx context.Context) int {
		t.Helper()
		rows, err := l.List(ctx, Query{})
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	for n := range 100 {
		l.Note(Entry{Kind: "change", Outcome: Done, Object: fmt.Sprint("rule ", n)})
		if got := listed(t.Context()); got != n+1 {
			t.Fatalf("%d of %d entries are listed", got, n+1)
		}
	}
	w.table.fail(errors.New("away"))
	l.Note(Entry{Kind: "change", Outcome: Done, Object: "later"})
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got := listed(impatient); got != 100 {
		t.Errorf("%d entries are listed of a table that takes no more after 100", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestARemovedHeadIsInTheLog; what was cut off with it comes back while it is on disk.
func TestARemovedHeadIsInTheLog(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	w.write(l, 5)
	w.carried(l)
	if err := l.disk.Close(); err != nil {
		t.Fatal(err)
	}
	w.table.rows = w.table.rows[:3]
	if err := os.Remove(l.headFile()); err != nil {
		t.Fatal(err)
	}
	l = w.open()
	l.keep(l.waitingNotes())
	w.carried(l)
	last := w.table.rows[len(w.table.rows)-1]
	if last.Action != "head removed" || last.Detail != "the table ends with row 3, and 5 were written" {
		t.Errorf("the last row: %+v", last)
	}
	if r := w.verify(l); r.Rows != 6 || len(r.Faults)+len(r.Gaps) > 0 {
		t.Errorf("%+v", r)
	}
	if err := l.disk.Close(); err != nil {
		t.Fatal(err)
	}
	if l = w.open(); len(l.notes) != 0 {
		t.Error("it is noted again")
	}
}

// TestNoKeyIsInARow that somebody wrote into a path or a statement.
func TestNoKeyIsInARow(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	key := "njk_" + strings.Repeat("0123456789abcdef", 4)
	if err := l.Write(Entry{Kind: "sql", Action: "GET /foo/" + key, Object: key, Detail: "SELECT '" + key + "', '" + strings.Repeat("x", maxText) + key + "'"}); err != nil {
		t.Fatal(err)
	}
	w.carried(l)
	for _, r := range w.table.rows {
		if text := fmt.Sprint(r); strings.Contains(text, key[:16]) || r.Action != "GET /foo/njk_…" {
			t.Errorf("a key is in %.200s", text)
		}
	}
	if len(w.table.rows) != 1 {
		t.Errorf("%d rows", len(w.table.rows))
	}
}

var errFault = errors.New("the database does not answer")

func TestEveryEntryIsInTheTableAndAnEventOnceThroughFaultsAndKills(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		l := w.open()
		written := 0
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			w.table.before, w.table.after, w.intake.fail = nil, nil, nil
			switch rapid.SampledFrom([]string{"write", "carry", "fail before", "fail after", "fail events", "kill"}).Draw(rt, "what") {
			case "write":
				n := rapid.IntRange(1, 5).Draw(rt, "entries")
				w.write(l, n)
				written += n
			case "fail before":
				w.table.before = errFault
				_, _ = l.step(t.Context())
			case "fail after":
				w.table.after = errFault
				_, _ = l.step(t.Context())
			case "fail events":
				w.intake.fail = errFault
				_, _ = l.step(t.Context())
			case "carry":
				w.carried(l)
			case "kill":
				_ = l.disk.Close()
				l = w.open()
			}
		}
		w.table.before, w.table.after, w.intake.fail = nil, nil, nil
		w.carried(l)
		r := w.verify(l)
		if int(r.Rows) != written || int(r.Last) != written || len(r.Faults)+len(r.Gaps) > 0 {
			rt.Errorf("%d rows of %d, %+v", r.Rows, written, r)
		}
		if len(w.intake.events) != written {
			rt.Errorf("%d events of %d entries", len(w.intake.events), written)
		}
		_ = l.disk.Close()
	})
}

func TestWhateverIsDoneToTheTableIsFound(t *testing.T) {
	for name, tamper := range map[string]func(rows []Row) []Row{
		"a text changed": func(r []Row) []Row { r[3].Caller = "somebody else"; return r },
		"a text changed, with its hash": func(r []Row) []Row {
			r[3].Caller = "somebody else"
			r[3].Hash = r[3].hash()
			return r
		},
		"a row taken out":          func(r []Row) []Row { return slices.Delete(r, 4, 5) },
		"the first taken out":      func(r []Row) []Row { return r[1:] },
		"the end cut off":          func(r []Row) []Row { return r[:6] },
		"everything gone":          func([]Row) []Row { return nil },
		"a row twice":              func(r []Row) []Row { return slices.Insert(r, 5, r[4]) },
		"two rows change places":   func(r []Row) []Row { r[2].Seq, r[3].Seq = r[3].Seq, r[2].Seq; return r },
		"a row put in at the end":  func(r []Row) []Row { return append(r, Row{Seq: 11, Previous: "x", Hash: "y"}) },
		"a text moved to the next": func(r []Row) []Row { r[3].Object, r[3].Detail = "", r[3].Object; return r },
		"the chain made anew": func(r []Row) []Row {
			r[3].Caller = "somebody else"
			for i := 3; i < len(r); i++ {
				r[i] = r[i].Entry.after(r[i-1], r[i].Seq)
			}
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := w.open()
			w.write(l, 10)
			w.carried(l)
			if r := w.verify(l); r.Rows != 10 || len(r.Faults) > 0 {
				t.Fatalf("before: %+v", r)
			}
			w.table.rows = tamper(w.table.rows)
			if r := w.verify(l); len(r.Faults) == 0 {
				t.Error("nothing is found")
			}
			w.write(l, 1) // what comes after is kept, and mends nothing
			w.carried(l)
			if r := w.verify(l); len(r.Faults) == 0 {
				t.Error("nothing is found afterwards")
			}
			if !slices.ContainsFunc(w.table.rows, func(r Row) bool { return r.Seq == 11 && r.Object == "rule 0" }) {
				t.Error("the entry after it is not kept")
			}
			_ = l.disk.Close()
		})
	}
}

func TestAChangeThatCannotBeWrittenIsRefused(t *testing.T) {
	w := newWorld(t)
	w.max = 4 << 10
	l := w.open()
	var err error
	for range 1000 {
		if err = l.Write(Entry{Kind: "change", Action: "x", Detail: "some text"}); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("while nothing is carried: %v", err)
	}
	l.keep([]Entry{{Action: "y"}, {Action: "z", Count: 3}})
	if l.Lost() != 4 {
		t.Errorf("%d are counted as lost", l.Lost())
	}
	_ = l.disk.Close()
}

func TestManyRefusalsAlikeAreOneEntryAMinuteWithTheirNumber(t *testing.T) {
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		l := w.open()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		for range 500 {
			l.Refuse(Entry{Action: "SQLService/Query", Caller: "a key", Address: "192.0.2.1"})
		}
		l.Refuse(Entry{Action: "SQLService/Query", Caller: "another key", Address: "192.0.2.1"})
		time.Sleep(refusalSpan + time.Second)
		for range 3 {
			l.Refuse(Entry{Action: "SQLService/Query", Caller: "a key", Address: "192.0.2.1"})
		}
		time.Sleep(time.Second)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		l = w.open()
		w.carried(l)
		counted, rows := map[string]uint64{}, map[string]int{}
		for _, r := range w.table.rows {
			counted[r.Caller] += r.Count
			rows[r.Caller]++
		}
		if counted["a key"] != 503 || counted["another key"] != 1 || rows["a key"] != eachRefusal+1+3 {
			t.Errorf("counted %v in rows %v", counted, rows)
		}
		_ = l.disk.Close()
	})
}

func TestAnAttackOfManyKindsOfRefusalsTakesNoMoreMemory(t *testing.T) {
	r := newRefusals()
	written := 0
	for i := range 10 * maxRefusals {
		if _, ok := r.add(Entry{Action: fmt.Sprint("call ", i)}); ok {
			written++
		}
	}
	sum := uint64(written)
	for _, e := range r.sums(1) {
		sum += e.Count
	}
	if len(r.alike) > 0 || written != maxRefusals || sum != 10*maxRefusals {
		t.Errorf("%d written, %d in all", written, sum)
	}
}

func TestWhatIsNotUTF8IsHashedAsItIsReadBack(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	if err := l.Write(Entry{Action: "x\xff\x00<&>", Detail: string(make([]byte, 2*maxText))}); err != nil {
		t.Fatal(err)
	}
	w.carried(l)
	if r := w.verify(l); r.Rows != 1 || len(r.Faults) > 0 {
		t.Errorf("%+v", r)
	}
	_ = l.disk.Close()
}
