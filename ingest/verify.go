package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"nightjar/schema"
	"nightjar/wal"
)

// Verifier is a Sink that can say what it lacks.
type Verifier interface {
	// Verify looks at everything that is stored. A part that can't be read is put
	// aside, so that the rest can, and named.
	Verify(ctx context.Context) (broken []BrokenPart, err error)
	// Missing are the arrivals that are not stored, from the lowest that is up to
	// through, in their order.
	Missing(ctx context.Context, through uint64) ([]Span, error)
	// Deleted are the arrivals in the span that somebody had deleted, in their order.
	Deleted(ctx context.Context, in Span) ([]Span, error)
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

// How often the numbers are compared, also at every start, and everything is read,
// also after a process that did not end by itself.
const (
	missingEvery = time.Hour
	verifyEvery  = 24 * time.Hour
)

// verifiedFile holds what was compared. What was missing at the first time was there
// before anybody looked: numbers that were never given, or events that nobody can say
// anything of. A day that is gone as a whole was let go of; one that begins later than
// it did has lost its beginning.
const verifiedFile = "verified"

// compared is what the file holds.
type compared struct {
	// Through is up to where the numbers were compared, Days where the days of
	// arrival began.
	Through uint64
	Days    map[string]uint64
	// Read is when everything was read last, and Clean that nothing went wrong since:
	// the process ended by itself.
	Read  schema.Millis
	Clean bool
}

// verifier looks now and then for events that were stored and are gone.
type verifier struct {
	in    *Intake
	sink  Verifier
	path  string
	first bool // nobody has looked before
	compared
}

// verify runs one, if the sink can say what it lacks.
func (in *Intake) verify(ctx context.Context) {
	sink, ok := in.deps.Sink.(Verifier)
	if !ok || in.awaitReady(ctx) != nil {
		return
	}
	v := &verifier{in: in, sink: sink, path: filepath.Join(in.deps.Dir, verifiedFile)}
	if err := v.open(); err != nil {
		in.deps.Log.Error("cannot look for missing events", "error", err)
		return
	}
	v.run(ctx)
	v.Clean = true
	v.save()
}

// open reads the file. Until the process has ended by itself, it has not.
func (v *verifier) open() error {
	text, err := os.ReadFile(v.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		v.first = true
		return nil
	case err != nil:
		return fmt.Errorf("read what was compared: %w", err)
	}
	if json.Unmarshal(text, &v.compared) != nil {
		v.compared, v.first = compared{}, true // it is begun anew, as if nobody had looked
		return nil
	}
	if !v.Clean {
		v.Read = 0
	}
	v.Clean = false
	v.save()
	return nil
}

func (v *verifier) save() {
	if v.first {
		return // there is nothing to say yet
	}
	text, err := json.Marshal(v.compared)
	if err == nil {
		err = wal.ReplaceFile(v.path, text)
	}
	if err != nil {
		v.in.deps.Log.Warn("cannot note what was compared; it is compared again", "error", err)
	}
}

func (v *verifier) run(ctx context.Context) {
	for {
		wait := missingEvery
		err := v.compare(ctx)
		if err == nil && v.due() && v.readAll(ctx) {
			err = v.compare(ctx) // what was put aside is missing now
		}
		if err != nil {
			v.in.deps.Log.Debug("cannot look for missing events now", "error", err)
			wait = time.Minute
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// due reports whether everything is to be read again.
func (v *verifier) due() bool {
	now := schema.MillisOf(v.in.deps.Now())
	return now < v.Read || now >= v.Read.Add(verifyEvery)
}

// readAll has the store read everything once, and tells what it could not read; it
// reports whether there was such.
func (v *verifier) readAll(ctx context.Context) (broken bool) {
	parts, err := v.sink.Verify(ctx)
	for _, b := range parts {
		v.in.metrics.brokenParts.Inc()
		v.in.deps.Log.Error("a part of the stored events cannot be read and was put aside; the events in it are lost, unless it can be mended",
			"part", b.Name, "events", b.Rows, "reason", b.Reason)
	}
	switch {
	case err == nil:
		v.Read = schema.MillisOf(v.in.deps.Now())
		v.save()
	case ctx.Err() == nil:
		v.in.deps.Log.Warn("cannot check what is stored now; it is tried again", "error", err)
	}
	return len(parts) > 0
}

// compare looks which arrivals are not stored that should be.
func (v *verifier) compare(ctx context.Context) error {
	v.in.mu.Lock()
	through := v.in.stored
	v.in.mu.Unlock()
	missing, err := v.sink.Missing(ctx, through)
	if err != nil {
		return err
	}
	days, err := v.sink.Firsts(ctx)
	if err != nil {
		return err
	}
	for day, was := range v.Days {
		if now, there := days[day]; there && now > was {
			missing = append(missing, Span{was, now - 1})
			days[day] = was
		}
	}
	if lowest := lowestOf(days, through+1); !v.first && len(v.Days) == 0 && lowest > v.Through+1 {
		missing = append(missing, Span{v.Through + 1, lowest - 1}) // of the first day
	}
	if missing, err = v.kept(ctx, v.in.unexplained(missing)); err != nil {
		return err
	}
	for _, m := range missing {
		if v.first {
			v.in.losses.skip(m.First, m.Last)
			continue
		}
		v.in.losses.add(Loss{First: m.First, Last: m.Last, Reason: "they were stored, and are in the table no more: a part of it is damaged, detached or gone"})
	}
	v.Through, v.Days, v.first = through, days, false
	v.save()
	return nil
}

// kept are the arrivals of those that nobody had deleted.
func (v *verifier) kept(ctx context.Context, missing []Span) ([]Span, error) {
	var out []Span
	for _, m := range missing {
		deleted, err := v.sink.Deleted(ctx, m)
		if err != nil {
			return nil, err
		}
		rest := []Span{m}
		for _, d := range deleted {
			rest = without(rest, d)
		}
		out = append(out, rest...)
	}
	return out, nil
}

func lowestOf(firsts map[string]uint64, otherwise uint64) uint64 {
	for _, first := range firsts {
		otherwise = min(otherwise, first)
	}
	return otherwise
}

// unexplained are the arrivals that are neither set aside nor refused for good.
func (in *Intake) unexplained(missing []Span) []Span {
	for _, known := range append(in.aside.spans(), in.dead.spans()...) {
		missing = without(missing, known)
	}
	return missing
}

// without cuts a range out of others.
func without(spans []Span, cut Span) []Span {
	var out []Span
	for _, s := range spans {
		if cut.Last < s.First || cut.First > s.Last {
			out = append(out, s)
			continue
		}
		if s.First < cut.First {
			out = append(out, Span{s.First, cut.First - 1})
		}
		if s.Last > cut.Last {
			out = append(out, Span{cut.Last + 1, s.Last})
		}
	}
	return out
}
