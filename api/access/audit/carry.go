package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"nightjar/wal"
)

// maxCarried is how many entries are carried at a time, about.
const maxCarried = 1000

// carry takes entries from the log on disk to the table, and makes events of them. What
// fails is done again: rows that are there are left out, and events have an id.
func (l *Log) carry(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = 10 * time.Second
	for ctx.Err() == nil {
		grown := l.disk.Grown()
		n, err := l.step(ctx)
		wait := time.Duration(0)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.deps.Log.Warn("the audit log waits on disk", "error", err)
			wait = pause.NextBackOff()
		case n > 0:
			pause.Reset()
			continue
		}
		if wait > 0 {
			grown = nil
		}
		select {
		case <-grown:
		case <-after(wait):
		case <-ctx.Done():
		}
	}
}

// after is a pause; none where it is 0.
func after(d time.Duration) <-chan time.Time {
	if d == 0 {
		return nil
	}
	return time.After(d)
}

// record is a record of the log on disk, read.
type record struct {
	first   uint64
	entries []Entry
}

func (r record) last() uint64 { return r.first + uint64(len(r.entries)) - 1 }

// step carries some records, and says how many.
func (l *Log) step(ctx context.Context) (int, error) {
	l.mu.Lock()
	now := l.head
	l.mu.Unlock()
	records, err := l.read(min(now.Seq, now.Told) + 1)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	next, err := l.store(ctx, now, records)
	if err == nil {
		next.Told, err = l.tell(ctx, next.Told, records)
	}
	if next != now {
		if saveErr := l.save(next); err == nil {
			err = saveErr
		}
	}
	if err != nil {
		return 0, err
	}
	return len(records), l.disk.Release(min(next.Seq, next.Told))
}

// read are the records from a number on.
func (l *Log) read(from uint64) (out []record, err error) {
	r := l.disk.ReadFrom(from)
	defer r.Close()
	for n := 0; n < maxCarried; {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		one, err := parse(rec)
		if err != nil {
			return nil, err
		}
		n += len(one.entries)
		out = append(out, one)
	}
	return out, nil
}

func parse(rec wal.Record) (record, error) {
	out := record{first: rec.First}
	for line := range bytes.Lines(rec.Payload) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return out, fmt.Errorf("entry %d of the audit log: %w", rec.First, err)
		}
		out.entries = append(out.entries, e)
	}
	return out, nil
}

// store puts into the table what is not there. The rows follow from where the table was
// known to end, so that after a failure, when nobody knows whether the last ones are there,
// they are looked for as they are. What else is there is not trusted: rows that somebody
// put in must not stand for ours.
func (l *Log) store(ctx context.Context, now head, records []record) (head, error) {
	var rows []Row
	last := Row{Seq: now.Seq, Hash: now.Hash}
	for _, rec := range records {
		for i, e := range rec.entries {
			if seq := rec.first + uint64(i); seq > last.Seq {
				last = e.after(last, seq)
				rows = append(rows, last)
			}
		}
	}
	if l.unsure && len(rows) > 0 {
		there := map[string]bool{}
		err := l.deps.Store.Rows(ctx, rows[0].Seq, func(r Row) error {
			there[r.Hash] = r.Hash == r.hash()
			return nil
		})
		if err != nil {
			return now, err
		}
		rows = slices.DeleteFunc(rows, func(r Row) bool { return there[r.Hash] })
	}
	l.unsure = true
	if len(rows) > 0 {
		if err := l.deps.Store.Insert(ctx, rows); err != nil {
			return now, err
		}
	}
	now.Seq, now.Hash = last.Seq, last.Hash
	return now, nil
}

// tell makes events of records that were not told, and returns through which number.
func (l *Log) tell(ctx context.Context, told uint64, records []record) (uint64, error) {
	for _, rec := range records {
		if rec.last() <= told {
			continue
		}
		if all := l.events(rec); len(all) > 0 {
			if err := l.deps.Submit(ctx, fmt.Sprint("nightjar-audit-", l.disk.ID(), "-", rec.first), all); err != nil {
				return told, fmt.Errorf("make events of the audit log: %w", err)
			}
		}
		told = rec.last()
	}
	return told, nil
}

func (l *Log) save(next head) error {
	text, _ := json.Marshal(next) // numbers and a text: never fails
	if err := wal.ReplaceFile(l.headFile(), text); err != nil {
		return fmt.Errorf("note how far the audit log is: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head, l.unsure = next, false
	close(l.moved)
	l.moved = make(chan struct{})
	return nil
}
