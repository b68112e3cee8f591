package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"nightjar/schema"
	"nightjar/wal"
)

// asides are the blocks that were too much for the sink. Each is a file of its own,
// so that the log is let go of behind it, until it is in the sink and what reads
// arrivals in order has seen it late.
type asides struct {
	in  *Intake
	dir string

	mu     sync.Mutex
	blocks []*asideBlock
	grown  chan struct{} // has room for one: there is a new block
}

// asideBlock is one of them.
type asideBlock struct {
	asideHead
	path  string
	bytes int64

	landed bool // all of it is in the sink
	tries  int
	// retryAt is by the engine's clock, which a test moves; backoff waits by the machine's.
	retryAt time.Time
	// piece is how many events are sent at a time, deadline how long they may take.
	piece    int
	deadline time.Duration
}

// asideHead is what the file says of the block.
type asideHead struct {
	First, Last uint64
	Events      int
	Seen        schema.Millis // arrival of the first event
	Since       schema.Millis
	Reason      string
}

const (
	asideSuffix  = ".events"
	landedSuffix = ".stored"
	mostDeadline = 10 * time.Minute
)

// openAsides finds the blocks that an earlier process left. Of a block that the
// checkpoint has not passed, the events are still in the log.
func openAsides(in *Intake, dir string, m *checkpoint) (*asides, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open blocks set aside: %w", err)
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open blocks set aside: %w", err)
	}
	a := &asides{in: in, dir: dir, grown: make(chan struct{}, 1)}
	for _, name := range names {
		path := filepath.Join(dir, name.Name())
		landed := strings.HasSuffix(path, landedSuffix)
		if !landed && !strings.HasSuffix(path, asideSuffix) {
			continue // cut short, or set aside itself
		}
		b, err := readAsideHead(path)
		switch {
		case err != nil:
			if e := os.Rename(path, path+".damaged"); e != nil {
				return nil, fmt.Errorf("open blocks set aside: %w", errors.Join(err, e))
			}
			in.damagedAside(path, err)
			continue
		case m.found && b.First > m.state.Stored:
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("open blocks set aside: %w", err)
			}
			continue
		}
		b.landed = landed
		a.add(b)
	}
	return a, nil
}

// damagedAside says that a block that was set aside can't be read.
func (in *Intake) damagedAside(path string, err error) {
	var first, last uint64
	_, _ = fmt.Sscanf(filepath.Base(path), asideName, &first, &last) // 0: the name tells nothing
	in.metrics.setAside.Inc()
	in.deps.Log.Error("a block of events that was set aside cannot be read", "file", path+".damaged", "error", err)
	if first > 0 && last >= first && last-first < 1<<30 {
		in.losses.add(Loss{First: first, Last: last, Reason: "the file of a block that was set aside is damaged"})
	}
}

const asideName = "%020d-%020d"

func (a *asides) add(b *asideBlock) {
	b.piece, b.deadline = max(1, b.Events/4), 2*a.in.config.Insert
	b.retryAt = a.in.deps.Now().Add(a.in.config.RetryAside)
	if !b.landed {
		a.in.backlog.Add(b.bytes)
	}
	a.mu.Lock()
	a.blocks = append(a.blocks, b)
	slices.SortFunc(a.blocks, func(x, y *asideBlock) int { return int(x.First) - int(y.First) })
	a.mu.Unlock()
	select {
	case a.grown <- struct{}{}:
	default:
	}
}

// put makes a block durable here.
func (a *asides) put(events []schema.Event, reason error) error {
	head := asideHead{
		First: events[0].Seq, Last: events[len(events)-1].Seq, Events: len(events), Seen: events[0].Seen,
		Since: schema.MillisOf(a.in.deps.Now()), Reason: reason.Error(),
	}
	path := filepath.Join(a.dir, fmt.Sprintf(asideName, head.First, head.Last)+asideSuffix)
	size, err := writeAside(path, head, events)
	if err != nil {
		return fmt.Errorf("set a block aside: %w", err)
	}
	a.in.metrics.blocksAside.Inc()
	a.add(&asideBlock{asideHead: head, path: path, bytes: size})
	return nil
}

// run tries the blocks again until it is told to stop.
func (a *asides) run(ctx context.Context) {
	select {
	case <-a.in.ready: // the sink has said how far it is
	case <-ctx.Done():
		return
	}
	for {
		b, wait := a.next()
		if b != nil {
			a.retry(ctx, b)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-a.grown:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next is the block that is due, or how long until one is.
func (a *asides) next() (*asideBlock, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, wait := a.in.deps.Now(), time.Minute
	for _, b := range a.blocks {
		if b.landed {
			continue
		}
		if !now.Before(b.retryAt) {
			return b, 0
		}
		wait = min(wait, b.retryAt.Sub(now))
	}
	return nil, max(wait, time.Millisecond)
}

// retry brings a block into the sink in pieces, as far as it goes. It looks which of
// the events are there first, so that pieces may differ from time to time.
func (a *asides) retry(ctx context.Context, b *asideBlock) {
	err := a.land(ctx, b)
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, errDamagedAside) {
		a.giveUp(ctx, b, err)
		return
	}
	if err == nil {
		err = a.landed(b)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.tries++; err == nil {
		a.in.deps.Log.Info("a block of events that was set aside is stored; it is evaluated now", "first", b.First, "last", b.Last, "events", b.Events, "attempts", b.tries)
		return
	}
	if errors.Is(err, ErrTooMuch) {
		b.piece, b.deadline = max(1, b.piece/4), min(2*b.deadline, mostDeadline)
	}
	b.Reason = err.Error()
	after := min(a.in.config.RetryAside<<min(b.tries, 8), 10*time.Minute)
	b.retryAt = a.in.deps.Now().Add(after)
	a.in.metrics.insertErrors.Inc()
	a.in.deps.Log.Warn("a block of events that was set aside is not stored yet", "first", b.First, "last", b.Last, "attempt", b.tries, "again in", after, "error", err)
}

// giveUp forgets a block whose file cannot be read: what of it is not in the sink is
// lost.
func (a *asides) giveUp(ctx context.Context, b *asideBlock, reason error) {
	there, err := a.in.deps.Sink.Present(ctx, b.First, b.Last)
	if err == nil {
		err = os.Rename(b.path, b.path+".damaged")
	}
	a.mu.Lock()
	if err != nil {
		b.tries++
		b.retryAt = a.in.deps.Now().Add(time.Minute)
		a.mu.Unlock()
		return
	}
	a.blocks = slices.DeleteFunc(a.blocks, func(c *asideBlock) bool { return b == c })
	a.mu.Unlock()
	a.in.backlog.Add(-b.bytes)
	a.in.metrics.setAside.Inc()
	a.in.deps.Log.Error("a block of events that was set aside cannot be read", "file", b.path+".damaged", "error", reason)
	for first := b.First; first <= b.Last; first++ {
		last := first
		for ; last <= b.Last && !there[last] && !a.in.dead.has(last); last++ {
		}
		if last > first {
			a.in.losses.add(Loss{First: first, Last: last - 1, Since: b.Seen, Reason: "the file of a block that was set aside is damaged"})
		}
		first = last
	}
}

func (a *asides) land(ctx context.Context, b *asideBlock) error {
	events, err := readAside(b.path)
	if err != nil {
		return err
	}
	token := fmt.Sprintf("aside-%s-%d", a.in.log.ID(), b.First)
	sink := a.in.deps.Sink
	look, cancel := context.WithTimeout(ctx, 2*settling)
	defer cancel()
	if _, err := sink.Settle(look, token, b.First, b.Last); err != nil {
		return err
	}
	there, err := sink.Present(look, b.First, b.Last)
	if err != nil {
		return err
	}
	events = slices.DeleteFunc(events, func(e schema.Event) bool { return there[e.Seq] || a.in.dead.has(e.Seq) })
	for len(events) > 0 {
		piece := pieceOf(events, b.piece)
		if err := a.insert(ctx, b, token, piece); err != nil {
			return err
		}
		events = events[len(piece):]
	}
	return nil
}

// pieceOf is the first so many events, of one day: they go into one partition.
func pieceOf(events []schema.Event, n int) []schema.Event {
	n = min(n, len(events))
	for i := range n {
		if dayOf(&events[i]) != dayOf(&events[0]) {
			return events[:i]
		}
	}
	return events[:n]
}

func (a *asides) insert(ctx context.Context, b *asideBlock, token string, piece []schema.Event) error {
	select {
	case a.in.landing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-a.in.landing }()
	try, cancel := context.WithTimeout(ctx, b.deadline)
	defer cancel()
	err := a.in.insert(try, fmt.Sprintf("%s %d-%d", token, piece[0].Seq, piece[len(piece)-1].Seq), piece, true)
	switch {
	case err == nil:
		a.in.metrics.stored.Add(float64(len(piece)))
		return nil
	case errors.Is(err, ErrRejected) && len(piece) == 1:
		a.in.metrics.deadLettered.Inc()
		return a.in.dead.put(&piece[0], err)
	case errors.Is(err, ErrRejected), try.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%w: %w", ErrTooMuch, err)
	}
	return err
}

// landed notes that all of a block is stored: what is left of it waits to be
// evaluated.
func (a *asides) landed(b *asideBlock) error {
	path := strings.TrimSuffix(b.path, asideSuffix) + landedSuffix
	if err := os.Rename(b.path, path); err != nil {
		return fmt.Errorf("note that a block is stored: %w", err)
	}
	if err := wal.SyncDir(a.dir); err != nil {
		return err
	}
	a.mu.Lock()
	b.path, b.landed = path, true
	a.mu.Unlock()
	a.in.backlog.Add(-b.bytes)
	a.in.notify()
	return nil
}

// evaluated forgets a block that landed.
func (a *asides) evaluated(first uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.blocks {
		if b.First == first && b.landed {
			if err := os.Remove(b.path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("forget a block that was set aside: %w", err)
			}
			a.blocks = slices.DeleteFunc(a.blocks, func(c *asideBlock) bool { return b == c })
			return nil
		}
	}
	return nil
}

// spans are the arrivals in blocks that wait.
func (a *asides) spans() []Span {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Span, len(a.blocks))
	for i, b := range a.blocks {
		out[i] = Span{b.First, b.Last}
	}
	return out
}
