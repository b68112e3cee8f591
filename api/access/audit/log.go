package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightjar/schema"
	"nightjar/wal"
)

// Store keeps rows. access/clickhouse implements it.
type Store interface {
	// Last is the row with the highest number; the zero Row where there is none.
	Last(ctx context.Context) (Row, error)
	// Insert adds rows, all or none.
	Insert(ctx context.Context, rows []Row) error
	// List shows what a query selects, the newest first.
	List(ctx context.Context, q Query) ([]Row, error)
	// Rows shows rows from one number on, in order.
	Rows(ctx context.Context, from uint64, show func(Row) error) error
}

// Query selects entries to be shown; empty fields select all.
type Query struct {
	// From and To bound the time, From inclusive; a To of 0 is the end of time.
	From, To schema.Millis
	// Caller is an id or a name.
	Caller, Kind, Outcome string
	// Text is in the action, the object or the detail, whatever its case.
	Text string
	// Object is a part of what the call was about.
	Object string
	// Before bounds the numbers of entries; 0: there is no bound.
	Before uint64
	Limit  int
}

// listWait is how long List waits for entries on their way to the table.
const listWait = 5 * time.Second

// List shows entries, the newest first: all that were written or noted before it was called,
// unless the table does not take them for long.
func (l *Log) List(ctx context.Context, q Query) ([]Row, error) {
	l.settle(ctx)
	return l.deps.Store.List(ctx, q)
}

// settle waits until what was written or noted by now is in the table.
func (l *Log) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	kept := make(chan struct{})
	select {
	case l.flush <- kept:
	case <-ctx.Done():
		return
	}
	<-kept
	for last := l.disk.Next() - 1; ; {
		l.mu.Lock()
		there, moved := l.head.Seq >= last, l.moved
		l.mu.Unlock()
		if there {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}

// Deps are what a Log is made of.
type Deps struct {
	// Dir is its folder.
	Dir   string
	Store Store
	// Submit takes in events; a batch whose id it has seen is a no-op. nil: nobody does.
	Submit func(ctx context.Context, batchID string, events []schema.Event) error
	// Events are the kinds of entries that become events.
	Events []string
	// MaxBytes is how much may wait on disk for the table, in bytes; 0: 64 MiB.
	MaxBytes int64
	Now      func() time.Time
	Log      *slog.Logger
}

// Log is the audit log. Its methods may be called from several goroutines.
type Log struct {
	deps  Deps
	disk  *wal.Log
	notes chan Entry
	flush chan chan<- struct{} // asks that all notes so far be kept; closed then
	lost  atomic.Uint64

	refusals refusals

	// unsure: the table may have rows behind the head. Only carry reads and writes it.
	unsure bool

	mu    sync.Mutex
	head  head
	moved chan struct{} // closed when the head is another
}

// head is how far the log on disk has been carried on.
type head struct {
	// Seq and Hash are those of the newest row of the table.
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
	// Told: entries up to this number have become events.
	Told uint64 `json:"told"`
}

// ErrFull says that too much waits for the table.
var ErrFull = errors.New("the audit log takes no more: the database has not taken its entries for long")

// maxNotes is how many entries may wait to be written that nothing waits for.
const maxNotes = 4096

// Open makes a Log. It asks the store for its newest row.
func Open(ctx context.Context, deps Deps) (*Log, error) {
	deps.MaxBytes = cmp.Or(deps.MaxBytes, 64<<20)
	l := &Log{deps: deps, notes: make(chan Entry, maxNotes), flush: make(chan chan<- struct{}), moved: make(chan struct{}), refusals: newRefusals()}
	disk, report, err := wal.Open(wal.Options{Dir: filepath.Join(deps.Dir, "log"), SegmentBytes: 1 << 20, MaxRecord: 8 << 20})
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	l.disk = disk
	written := disk.Next() - 1
	isKnown, err := l.resume(ctx)
	if err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	if !isKnown && written > 0 {
		l.noteMissingHead(written)
	}
	if !report.Clean() {
		deps.Log.Error("entries of the audit log were lost", "found", report.String())
		l.lost.Add(report.LostEntries)
		l.Note(Entry{Kind: "audit", Action: "entries lost", Outcome: Failed, Detail: report.String(), Count: report.LostEntries})
	}
	return l, nil
}

// noteMissingHead says in the log that its head is gone, with which rows at the end of the
// table could be taken out. Entries up to written had been on disk.
func (l *Log) noteMissingHead(written uint64) {
	text := fmt.Sprintf("the table ends with row %d, and %d were written", l.head.Seq, written)
	l.deps.Log.Error("the file that says how far the audit log is was removed", "file", l.headFile(), "found", text)
	l.Note(Entry{Kind: "audit", Action: "head removed", Outcome: Failed, Detail: text})
}

// resume finds out how far the log was carried on; isKnown: the folder says so.
func (l *Log) resume(ctx context.Context) (isKnown bool, err error) {
	text, err := os.ReadFile(l.headFile())
	switch {
	case err == nil:
		l.unsure, isKnown = true, true
		if err := json.Unmarshal(text, &l.head); err != nil {
			return false, fmt.Errorf("open the audit log: %s: %w", l.headFile(), err)
		}
	case errors.Is(err, os.ErrNotExist): // a new folder, perhaps with a restored table
		last, err := l.deps.Store.Last(ctx)
		if err != nil {
			return false, fmt.Errorf("open the audit log: %w", err)
		}
		// Remembered at once: what is found behind it at a later start is this log's own.
		if err := l.save(head{Seq: last.Seq, Hash: last.Hash, Told: last.Seq}); err != nil {
			return false, err
		}
		l.unsure = true
	default:
		return false, fmt.Errorf("open the audit log: %w", err)
	}
	l.disk.SkipTo(l.head.Seq + 1)
	return isKnown, nil
}

func (l *Log) headFile() string { return filepath.Join(l.deps.Dir, "head") }

// Write keeps an entry: it is on disk when the error is nil.
func (l *Log) Write(e Entry) error {
	if e.At == 0 {
		e.At = schema.MillisOf(l.deps.Now())
	}
	return l.append([]Entry{e})
}

func (l *Log) append(entries []Entry) error {
	if l.disk.Size() > l.deps.MaxBytes {
		return ErrFull
	}
	var text bytes.Buffer
	for _, e := range entries {
		line, _ := json.Marshal(e.clean()) // texts and numbers: never fails
		text.Write(append(line, '\n'))
	}
	if _, err := l.disk.Append(text.Bytes(), len(entries)); err != nil {
		return fmt.Errorf("write to the audit log: %w", err)
	}
	return nil
}

// Note keeps an entry that nobody waits for. One that can't be kept is counted.
func (l *Log) Note(e Entry) {
	if e.At == 0 {
		e.At = schema.MillisOf(l.deps.Now())
	}
	select {
	case l.notes <- e:
	default:
		l.lost.Add(max(e.Count, 1))
	}
}

// Refuse notes a refusal; many alike are put together.
func (l *Log) Refuse(e Entry) {
	e.Kind, e.Outcome = Refusal, Refused
	e.At = schema.MillisOf(l.deps.Now())
	if one, ok := l.refusals.add(e); ok {
		l.Note(one)
	}
}

// Lost counts the entries that could not be kept.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// Waiting is how many entries are on disk and not yet in the table.
func (l *Log) Waiting() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.disk.Next() - 1 - min(l.head.Seq, l.disk.Next()-1)
}

// Run carries entries to where they belong until the context ends, and keeps what was
// noted by then.
func (l *Log) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() { defer close(done); l.carry(ctx) }()
	l.keepNotes(ctx)
	<-done
	return l.disk.Close()
}

// keepNotes writes what was noted, as much at a time as there is.
func (l *Log) keepNotes(ctx context.Context) {
	summary := time.NewTicker(refusalSpan)
	defer summary.Stop()
	for ctx.Err() == nil {
		select {
		case e := <-l.notes:
			l.keep(append([]Entry{e}, l.waitingNotes()...))
		case kept := <-l.flush:
			for notes := l.waitingNotes(); len(notes) > 0; notes = l.waitingNotes() {
				l.keep(notes)
			}
			close(kept)
		case <-summary.C:
			l.keep(l.refusals.sums(schema.MillisOf(l.deps.Now())))
		case <-ctx.Done():
		}
	}
	l.keep(append(l.waitingNotes(), l.refusals.sums(schema.MillisOf(l.deps.Now()))...))
}

// maxKept is how many notes are written as one record.
const maxKept = 256

func (l *Log) waitingNotes() (out []Entry) {
	for len(out) < maxKept-1 {
		select {
		case e := <-l.notes:
			out = append(out, e)
		default:
			return out
		}
	}
	return out
}

func (l *Log) keep(entries []Entry) {
	if len(entries) == 0 {
		return
	}
	if err := l.append(entries); err != nil {
		for _, e := range entries {
			l.lost.Add(max(e.Count, 1))
		}
		l.deps.Log.Error("entries of the audit log could not be kept", "entries", len(entries), "error", err)
	}
}

var (
	lostDesc    = prometheus.NewDesc("nightjar_audit_lost_total", "Entries of the audit log that could not be kept.", nil, nil)
	waitingDesc = prometheus.NewDesc("nightjar_audit_waiting", "Entries of the audit log that are not yet in its table.", nil, nil)
)

// Describe implements prometheus.Collector.
func (l *Log) Describe(ch chan<- *prometheus.Desc) { ch <- lostDesc; ch <- waitingDesc }

// Collect implements prometheus.Collector.
func (l *Log) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(lostDesc, prometheus.CounterValue, float64(l.Lost()))
	ch <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(l.Waiting()))
}
