package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Verifier is a Sink that can say what it lacks.
type Verifier interface {
	// Verify looks at everything that is stored. A part that can't be read is put
	// aside, so that the rest can, and named.
	Verify(ctx context.Context) (broken []BrokenPart, err error)
	// Missing are the arrivals that are not stored, from the lowest that is up to
	// through, in their order.
	Missing(ctx context.Context, through uint64) ([]Span, error)
	// Firsts are the lowest arrivals of what is let go of together, by its name: of
	// the days of arrival.
	Firsts(ctx context.Context) (map[string]uint64, error)
}

// Span is a range of arrival numbers, both ends included.
type Span struct{ First, Last uint64 }

// BrokenPart is a part of the store that could not be read.
type BrokenPart struct {
	Name   string
	Rows   uint64
	Reason string
}

// How often the numbers are compared, and everything is read: at the start, and
// then so often.
const (
	missingEvery = time.Hour
	verifyEvery  = 24 * time.Hour
)

// verifiedFile says that the numbers have been compared before, and where the days
// began. What was missing at the first time was there before anybody looked: numbers
// that were never given, or events that nobody can say anything of. A day that is gone
// as a whole was let go of; one that begins later than it did has lost its beginning.
const verifiedFile = "verified"

// verify looks now and then for events that were stored and are gone.
func (in *Intake) verify(ctx context.Context) {
	sink, ok := in.deps.Sink.(Verifier)
	if !ok || in.awaitReady(ctx) != nil {
		return
	}
	for read := (time.Time{}); ; {
		if now := time.Now(); now.Sub(read) >= verifyEvery {
			if in.readAll(ctx, sink) {
				read = now
			}
		}
		wait := missingEvery
		if err := in.compareNumbers(ctx, sink); err != nil {
			in.deps.Log.Debug("cannot look for missing events now", "error", err)
			wait = time.Minute
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// readAll has the store read everything once, and tells what it could not read.
func (in *Intake) readAll(ctx context.Context, sink Verifier) bool {
	broken, err := sink.Verify(ctx)
	for _, b := range broken {
		in.metrics.brokenParts.Inc()
		in.deps.Log.Error("a part of the stored events cannot be read and was put aside; the events in it are lost, unless it can be mended",
			"part", b.Name, "events", b.Rows, "reason", b.Reason)
	}
	if err != nil && ctx.Err() == nil {
		in.deps.Log.Warn("cannot check what is stored now; it is tried again", "error", err)
	}
	return err == nil
}

// compareNumbers looks which arrivals are not stored that should be.
func (in *Intake) compareNumbers(ctx context.Context, sink Verifier) error {
	in.mu.Lock()
	through := in.stored
	in.mu.Unlock()
	missing, err := sink.Missing(ctx, through)
	if err != nil {
		return err
	}
	firsts, err := sink.Firsts(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(in.deps.Dir, verifiedFile)
	before, first, err := readFirsts(path)
	if err != nil {
		return err
	}
	for day, was := range before.Days {
		if now, there := firsts[day]; there && now > was {
			missing = append(missing, Span{was, now - 1})
			firsts[day] = was
		}
	}
	if lowest := lowestOf(firsts, through+1); !first && len(before.Days) == 0 && lowest > before.Through+1 {
		missing = append(missing, Span{before.Through + 1, lowest - 1}) // of the first day
	}
	for _, m := range in.unexplained(missing) {
		if first {
			in.losses.skip(m.First, m.Last)
			continue
		}
		in.losses.add(Loss{First: m.First, Last: m.Last, Reason: "they were stored, and are in the table no more: a part of it is damaged, detached or gone"})
	}
	return writeFirsts(path, compared{through, firsts})
}

// compared is what the file holds: up to where the numbers were compared, and where
// the days began.
type compared struct {
	Through uint64
	Days    map[string]uint64
}

func lowestOf(firsts map[string]uint64, otherwise uint64) uint64 {
	for _, first := range firsts {
		otherwise = min(otherwise, first)
	}
	return otherwise
}

// readFirsts reads the file; first: there is none yet.
func readFirsts(path string) (before compared, first bool, err error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return before, true, nil
	case err != nil:
		return before, false, fmt.Errorf("read where days begin: %w", err)
	}
	if json.Unmarshal(text, &before) != nil {
		return compared{}, true, nil // it is begun anew, as if nobody had looked
	}
	return before, false, nil
}

func writeFirsts(path string, now compared) error {
	text, err := json.Marshal(now)
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("note where days begin: %w", err)
	}
	return nil
}

// unexplained are the arrivals that are neither set aside nor refused for good.
func (in *Intake) unexplained(missing []Span) []Span {
	for _, known := range append(in.aside.spans(), in.dead.spans()...) {
		var rest []Span
		for _, m := range missing {
			if known.Last < m.First || known.First > m.Last {
				rest = append(rest, m)
				continue
			}
			if m.First < known.First {
				rest = append(rest, Span{m.First, known.First - 1})
			}
			if m.Last > known.Last {
				rest = append(rest, Span{known.Last + 1, m.Last})
			}
		}
		missing = rest
	}
	return missing
}
