package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// State is what an intake knows beside the events that are in the sink: enough
// for another folder to go on from there.
type State struct {
	// Through: every event up to here is in the sink, but for those of Gaps, and no
	// other.
	Through uint64
	// Next is above every arrival number that was given.
	Next uint64
	// Batches are the remembered ids of those events, by hour of arrival, as
	// files hold them.
	Batches map[int64][]byte
	// Files is how far files were sent, as a file holds it.
	Files []byte
	// DeadLetters are the events that the sink refused, one JSON object a line.
	DeadLetters []byte
	// Losses are what is known to be lost, one JSON object a line; and, since a
	// backup is without them, the blocks that are set aside.
	Losses []byte
}

// Still brings everything that is acknowledged by now into the sink and calls
// snapshot while nothing else goes there. Events are taken in meanwhile; they
// wait in the log. The State is of the moment of the snapshot. The error is a
// NotStoredError while the sink takes nothing.
func (in *Intake) Still(ctx context.Context, snapshot func(context.Context) error) (State, error) {
	if err := in.awaitReady(ctx); err != nil { // before, it is not known how far it is
		return State{}, err
	}
	through := in.Acknowledged()
	for {
		if err := in.awaitStored(ctx, through); err != nil {
			return State{}, err
		}
		if err := pass(ctx, in.carrying); err != nil {
			return State{}, err
		}
		more, err := in.untilWhole()
		if more == 0 && err == nil {
			break
		}
		<-in.carrying
		if err != nil {
			return State{}, err
		}
		through = more
	}
	defer func() { <-in.carrying }()
	if err := pass(ctx, in.landing); err != nil {
		return State{}, err
	}
	defer func() { <-in.landing }()
	for _, g := range in.Gaps() {
		if g.State == GapAside {
			in.deps.Log.Error("a backup is without events that are set aside and not stored, and says that they are lost; make another when they are", "first", g.First, "last", g.Last, "events", g.Events)
		}
	}
	if err := snapshot(ctx); err != nil {
		return State{}, err
	}
	return in.state()
}

// Hold calls do while nothing goes into the sink, and nothing is on its way there: not
// even a block that was begun before the last crash. Events are taken in meanwhile; they
// wait in the log.
func (in *Intake) Hold(ctx context.Context, do func(context.Context) error) error {
	select {
	case <-in.ready: // before, it is not known what was begun
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		changed := in.StoredChanged()
		if err := pass(ctx, in.carrying); err != nil {
			return err
		}
		if m := in.mark.state; m.To == m.Stored {
			break
		}
		<-in.carrying
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-in.carrying }()
	if err := pass(ctx, in.landing); err != nil {
		return err
	}
	defer func() { <-in.landing }()
	return do(ctx)
}

// pass takes a door.
func pass(ctx context.Context, door chan struct{}) error {
	select {
	case door <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilWhole is how far the sink must be for what is in it to be whole batches,
// or 0 when it is so: a block may end within a batch, and one that was begun
// before the last crash may be there or not.
func (in *Intake) untilWhole() (uint64, error) {
	m := in.mark.state
	if m.To != m.Stored {
		return m.To, nil
	}
	r := in.log.ReadFrom(m.Stored + 1)
	defer r.Close()
	rec, err := r.Next()
	switch {
	case errors.Is(err, io.EOF):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("look for the end of a batch: %w", err)
	case rec.First <= m.Stored:
		return rec.Last(), nil
	}
	return 0, nil
}

// NotStoredError says that events are acknowledged and wait on disk, for a sink that
// takes nothing: it is away, or its disk is full.
type NotStoredError struct {
	Acknowledged, Stored uint64 // arrival numbers
}

func (e *NotStoredError) Error() string {
	return fmt.Sprintf("events are acknowledged up to arrival %d and stored up to %d, and ClickHouse takes nothing now (its disk may be full; the engine's log says why): try again when it does", e.Acknowledged, e.Stored)
}

// awaitStored gives up when what carries events into the sink has come no further
// for as long as an insert may take, and fails.
func (in *Intake) awaitStored(ctx context.Context, seq uint64) error {
	for {
		changed := in.StoredChanged()
		if in.Stored() >= seq {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(in.config.Insert):
			if in.failing.Load() {
				return &NotStoredError{seq, in.Stored()}
			}
		case <-ctx.Done():
			return fmt.Errorf("wait until event %d is stored (now %d): %w", seq, in.Stored(), ctx.Err())
		}
	}
}

// state is read while nothing goes into the sink.
func (in *Intake) state() (State, error) {
	s := State{Through: in.mark.state.Stored}
	var err error
	if s.DeadLetters, err = os.ReadFile(in.dead.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return State{}, fmt.Errorf("read dead letters: %w", err)
	}
	if s.Losses, err = in.losses.content(in.Gaps()); err != nil {
		return State{}, err
	}
	// What is remembered first, then what the log holds beyond: an id that was
	// remembered is in the log, and is found there.
	hours, files := in.batches.copy(), in.batches.positions.all()
	beyond, err := in.batchesAfter(s.Through)
	if err != nil {
		return State{}, err
	}
	s.Batches = map[int64][]byte{}
	for hour, keys := range hours {
		for key := range keys {
			if !beyond[key] {
				s.Batches[hour] = appendEntry(s.Batches[hour], key)
			}
		}
	}
	s.Files = encoded(files, beyond)
	s.Next = in.log.Next()
	return s, nil
}

// batchesAfter are the ids of the batches in the log behind this number.
func (in *Intake) batchesAfter(seq uint64) (map[batchKey]bool, error) {
	out := map[batchKey]bool{}
	r := in.log.ReadFrom(seq + 1)
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read batch ids: %w", err)
		}
		if id, _, err := batchIDOf(rec.Payload); err == nil && id != "" {
			out[keyOf(id)] = true
			if b, ok := parseFileBatch(id); ok {
				out[endOf(b)] = true
			}
		}
	}
}

// Seed makes the folder of an intake that goes on from a State.
func Seed(dir string, s State) error {
	in, err := New(Deps{Dir: dir, Now: time.Now})
	if err != nil {
		return err
	}
	defer in.Close()
	if !in.log.Fresh() {
		return fmt.Errorf("seed intake: %s is in use", dir)
	}
	in.log.SkipTo(s.Next)
	if err := in.log.Begin(); err != nil {
		return fmt.Errorf("seed intake: %w", err)
	}
	for hour, content := range s.Batches {
		if err := os.WriteFile(in.batches.path(hour), content, 0o600); err != nil {
			return fmt.Errorf("seed intake: %w", err)
		}
	}
	if err := os.WriteFile(in.batches.positions.path, s.Files, 0o600); err != nil {
		return fmt.Errorf("seed intake: %w", err)
	}
	for path, content := range map[string][]byte{in.dead.file.Name(): s.DeadLetters, in.losses.file.Name(): s.Losses} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("seed intake: %w", err)
		}
	}
	// Nothing waits: whatever had a number below Next is in the sink, or gone.
	if err := in.mark.save(mark{s.Next - 1, s.Next - 1}); err != nil {
		return fmt.Errorf("seed intake: %w", err)
	}
	return nil
}
