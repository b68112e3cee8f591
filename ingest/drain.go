package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"nightjar/schema"
	"nightjar/wal"
)

// Run carries the log into the sink until it is told to stop, then frees the
// folder. What is not carried by then is by the next Run.
func (in *Intake) Run(ctx context.Context) error {
	d := &drainer{in: in, limit: in.config.BlockEvents, deadline: in.config.Insert, damaged: in.log.Damaged()}
	retrying, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { in.aside.run(retrying) })
	beside.Go(func() { in.verify(retrying) })
	err := d.run(ctx)
	stop()
	beside.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if d.reader != nil {
		d.reader.Close()
	}
	return errors.Join(err, in.batches.save(), in.Close())
}

// drainer is the state of one Run. Only its goroutine reads or changes it.
type drainer struct {
	in     *Intake
	reader *wal.Reader
	// events are read and not yet stored; ends are the records they are from.
	events []schema.Event
	bytes  int64
	ends   []recordEnd
	// limit is the number of events that a block takes at present: less than
	// the setting while the sink refuses something.
	limit int
	// deadline is how long an insert may take at present: longer than the setting
	// after one took too long. heavy is the end of the block that did; 0: none.
	deadline time.Duration
	heavy    uint64
	// begun: the block that is next was begun by an earlier process.
	begun bool
	// damaged is the log's count of unreadable regions that was told of.
	damaged uint64
}

type recordEnd struct {
	last uint64
	size int64
}

// run returns only with an error; the context's, when it was told to stop.
func (d *drainer) run(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		return err
	}
	for {
		block, err := d.next(ctx)
		if err != nil {
			return err
		}
		if err := d.carry(ctx, block); err != nil {
			return err
		}
	}
}

// carry is store, while nobody holds the intake still.
func (d *drainer) carry(ctx context.Context, block []schema.Event) error {
	select {
	case d.in.carrying <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.in.carrying }()
	return d.store(ctx, block)
}

// start asks the sink how far it is. Numbers go on behind what is stored there,
// whatever happened to this folder; and if the checkpoint is gone, the sink,
// which is filled in order, says where to go on.
func (d *drainer) start(ctx context.Context) error {
	in := d.in
	var last uint64
	err := in.retry(ctx, "ask how far ClickHouse is", func(ctx context.Context) (err error) {
		last, err = in.deps.Sink.LastSeq(ctx)
		return err
	})
	if err != nil {
		return err
	}
	m := in.mark.state
	if !in.mark.found && last > m.Stored {
		m = mark{last, last}
		if err := d.save(ctx, m); err != nil {
			return err
		}
	}
	if m.To > m.Stored && last >= m.To {
		// The last event of a block is stored after all others, so this one is there;
		// the server may have lost the memory of its token in a power cut.
		m = mark{m.To, m.To}
		if err := d.save(ctx, m); err != nil {
			return err
		}
	}
	d.begun = m.To > m.Stored
	in.findLost(m.Stored)
	if skipped, any := in.skip(last); any {
		in.losses.skip(skipped.First, skipped.Last)
		if !in.log.Fresh() {
			in.deps.Log.Error("ClickHouse holds arrival numbers that this intake has not given: was its folder replaced, or another intake writing?", "stored", last, "next", skipped.First)
		}
	}
	if m.To == m.Stored {
		m.Stored = in.beyond(m.Stored)
		in.mark.state = mark{m.Stored, m.Stored}
	}
	for _, r := range in.found {
		if r.last <= m.Stored { // the sink had it already
			in.backlog.Add(-r.size)
		}
	}
	in.found = nil
	in.advance(m.Stored)
	select {
	case <-in.ready:
	default:
		close(in.ready)
	}
	d.reader = in.log.ReadFrom(m.Stored + 1)
	return d.release(ctx)
}

// next reads a block: the one that was begun before, or what has arrived, as
// soon as it is large enough or has waited long enough.
func (d *drainer) next(ctx context.Context) ([]schema.Event, error) {
	m := d.in.mark.state
	var linger <-chan time.Time
	for {
		grown := d.in.log.Grown()
		if err := d.fill(ctx); err != nil {
			return nil, err
		}
		begun := m.To > m.Stored
		if begun && d.in.log.Next() > m.To {
			if block := d.upTo(m.To); len(block) > 0 {
				return block, nil
			}
			// All of it went with a damaged log.
			m = mark{d.in.beyond(m.To), d.in.beyond(m.To)}
			if err := d.save(ctx, m); err != nil {
				return nil, err
			}
			d.in.advance(m.Stored)
			continue
		}
		full := len(d.events) >= d.limit || d.bytes >= d.in.config.BlockBytes
		if len(d.events) > 0 && full {
			return d.cut(), nil
		}
		if len(d.events) > 0 && linger == nil {
			linger = time.After(d.in.config.Linger)
		}
		if len(d.events) == 0 {
			select {
			case <-grown:
				// Read at the end of the linger, all at once: by then Submit has left
				// the events beside the log.
				linger = time.After(d.in.config.Linger)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		select {
		case <-linger:
			if err := d.fill(ctx); err != nil {
				return nil, err
			}
			if len(d.events) > 0 && !begun {
				return d.cut(), nil
			}
			linger = nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fill reads records until there is enough for a block.
func (d *drainer) fill(ctx context.Context) error {
	m := d.in.mark.state
	for {
		enough := len(d.events) >= d.limit || d.bytes >= d.in.config.BlockBytes
		if n := len(d.events); enough && n > 0 && d.events[n-1].Seq >= m.To {
			return nil
		}
		rec, err := d.read(ctx)
		if err != nil {
			return err
		}
		if rec.Count == 0 {
			return nil
		}
		d.missing(rec)
		events, err := d.eventsOf(rec)
		if err != nil {
			// Whole by its checksum and yet not readable: only another version of
			// the program can have written it.
			d.in.deps.Log.Error("a record of the intake log cannot be decoded; its events are lost", "first", rec.First, "events", rec.Count, "error", err)
			d.in.losses.add(Loss{First: rec.First, Last: rec.Last(), Reason: "a record of the intake log cannot be decoded"})
		}
		skip := sort.Search(len(events), func(i int) bool { return events[i].Seq > m.Stored })
		d.events = append(d.events, events[skip:]...)
		d.bytes += rec.Size
		d.ends = append(d.ends, recordEnd{rec.Last(), rec.Size})
	}
}

// read is the next record; Count is 0 when there is none. Detection goes on
// behind a part of the log that stays unreadable.
func (d *drainer) read(ctx context.Context) (rec wal.Record, err error) {
	tries := 0
	err = d.in.retry(ctx, "read the intake log", func(context.Context) error {
		var err error
		rec, err = d.reader.Next()
		switch {
		case err == nil || errors.Is(err, io.EOF):
			return nil
		case tries < d.in.config.ReadTries:
			tries++
			return err
		}
		d.in.deps.Log.Error("the disk does not give back a part of the intake log; going on behind it", "error", err)
		d.in.metrics.damaged.Inc()
		tries = 0
		if e := d.reader.SkipUnreadable(); e != nil {
			return e
		}
		return err
	})
	return rec, err
}

// missing tells of numbers that were skipped because the log is damaged there.
func (d *drainer) missing(rec wal.Record) {
	expected := d.in.mark.state.Stored + 1
	if len(d.ends) > 0 {
		expected = d.ends[len(d.ends)-1].last + 1
	}
	n := d.in.log.Damaged()
	was := d.damaged
	d.damaged = n
	switch {
	case rec.First <= expected:
	case n == was:
		d.in.losses.skip(expected, rec.First-1)
	default:
		d.in.losses.add(Loss{First: expected, Last: rec.First - 1, Reason: "a part of the intake log is damaged"})
	}
}

// eventsOf is what the record holds: as Submit left it, or read from the log.
func (d *drainer) eventsOf(rec wal.Record) ([]schema.Event, error) {
	if events, ok := d.in.handover.take(rec.First, int(rec.Count)); ok {
		return events, nil
	}
	return decodeBatch(rec)
}

func (d *drainer) upTo(seq uint64) []schema.Event {
	n := sort.Search(len(d.events), func(i int) bool { return d.events[i].Seq > seq })
	return d.events[:n]
}

// cut takes a block of what is there. Its events arrived on one day, so that
// they go into one partition and the block is one part, stored whole or not.
func (d *drainer) cut() []schema.Event {
	return pieceOf(d.events, d.limit)
}

// dayOf is the day on which an event arrived: its partition.
func dayOf(e *schema.Event) schema.Millis { return e.Seen / (24 * 60 * 60 * 1000) }

// store brings a block into the sink, whatever it takes. Before the first try
// the boundaries are durable: after a crash the same block goes out again under
// the same token.
func (d *drainer) store(ctx context.Context, block []schema.Event) error {
	in := d.in
	stored := in.mark.state.Stored
	to := block[len(block)-1].Seq
	if in.mark.state.To != to {
		if err := d.save(ctx, mark{stored, to}); err != nil {
			return err
		}
	}
	through, problem, err := d.send(ctx, fmt.Sprintf("%s-%d-%d", in.log.ID(), stored+1, to), block)
	switch {
	case err != nil:
		return err
	case errors.Is(problem, ErrRejected) && len(block) > 1:
		return d.halve(ctx, block, problem)
	case errors.Is(problem, ErrRejected):
		if err := d.bury(ctx, &block[0], problem); err != nil {
			return err
		}
		return d.done(ctx, len(block), to)
	case problem != nil && d.heavy == 0 && len(block) > 1:
		d.heavy, d.deadline = to, 2*d.deadline
		return d.halve(ctx, block, problem)
	case problem != nil:
		return d.putAside(ctx, problem)
	}
	n := len(d.upTo(through))
	in.metrics.inserts.Inc()
	in.metrics.stored.Add(float64(n))
	if through >= d.heavy {
		d.heavy = 0
	}
	if n == len(block) {
		d.limit, d.deadline = min(d.limit*2, in.config.BlockEvents), in.config.Insert
	}
	return d.done(ctx, n, through)
}

// send inserts a block, and says how far it came. What failed is settled first: a
// block may be there although its insert has failed, and a part of it where it took
// several. A problem is the block's own: of another it is sent again.
func (d *drainer) send(ctx context.Context, token string, block []schema.Event) (through uint64, problem, err error) {
	in := d.in
	first, last := block[0].Seq, block[len(block)-1].Seq
	uncertain, doubted := d.begun, false
	d.begun = false
	err = in.retryFor(ctx, d.deadline+settling, "insert into ClickHouse", func(ctx context.Context) error {
		if uncertain {
			var err error
			if through, err = in.deps.Sink.Settle(ctx, token, first, last); err != nil {
				return err
			}
			if uncertain, doubted = false, true; through >= first || problem != nil {
				return nil
			}
		}
		start := time.Now()
		try, cancel := context.WithTimeout(ctx, d.deadline)
		err := in.insert(try, token, block, doubted)
		late := try.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			in.metrics.insertSeconds.Observe(time.Since(start).Seconds())
			through = last
			return nil
		case errors.Is(err, ErrRejected):
			problem = err
			return nil
		case late:
			problem = fmt.Errorf("%w: not inserted within %s: %w", ErrTooMuch, d.deadline, err)
		case errors.Is(err, ErrTooMuch):
			problem = err
		}
		uncertain = true
		return err
	})
	if through >= first {
		problem = nil
	}
	return through, problem, err
}

// insert inserts events. What was doubted, of which nothing was there although an insert of
// it had begun, is looked for when it is stored: a server whose disk was full, or which was
// killed, may have kept the token and not the events, and takes them for those it has. Such
// come under another token.
func (in *Intake) insert(ctx context.Context, token string, events []schema.Event, doubted bool) error {
	const most = 5
	as := token
	for n := 1; ; n++ {
		if err := in.deps.Sink.Insert(ctx, as, events); err != nil || !doubted {
			return err
		}
		there, err := in.deps.Sink.Present(ctx, events[0].Seq, events[len(events)-1].Seq)
		if err != nil {
			return err
		}
		all := len(events)
		events = slices.DeleteFunc(slices.Clone(events), func(e schema.Event) bool { return there[e.Seq] })
		switch {
		case len(events) == 0:
			return nil
		case n == most:
			return fmt.Errorf("ClickHouse says that it has the events %d to %d, and has them not", events[0].Seq, events[len(events)-1].Seq)
		}
		in.deps.Log.Warn("ClickHouse says that it has events that are not there: the part that they were in is damaged or was never whole; they are inserted again",
			"first", events[0].Seq, "last", events[len(events)-1].Seq, "events", len(events), "of", all)
		as = fmt.Sprintf("%s again %d", token, n)
	}
}

// settling is how long it may take to find out what became of an insert.
const settling = 15 * time.Second

// putAside leaves the block that is too much, as far as it is not stored, to be
// tried again in the background, and goes on behind it.
func (d *drainer) putAside(ctx context.Context, problem error) error {
	block := d.upTo(max(d.heavy, d.in.mark.state.To))
	to := block[len(block)-1].Seq
	err := d.in.retry(ctx, "set a block aside", func(context.Context) error { return d.in.aside.put(block, problem) })
	if err != nil {
		return err
	}
	if err := d.save(ctx, mark{to, to}); err != nil {
		return err
	}
	d.heavy, d.deadline, d.limit = 0, d.in.config.Insert, d.in.config.BlockEvents
	d.in.deps.Log.Error("a block of events is too much for ClickHouse; it is set aside and tried again in the background, and evaluated when it is stored; all else goes on",
		"first", block[0].Seq, "last", to, "events", len(block), "error", problem)
	return d.done(ctx, len(block), to)
}

// halve gives up a block that the sink refuses whole or that is too much for it, to
// find the event that is the reason. It is settled that nothing of it is stored, so
// its boundaries may change.
func (d *drainer) halve(ctx context.Context, block []schema.Event, reason error) error {
	d.limit = len(block) / 2
	d.in.deps.Log.Warn("ClickHouse does not take a block; trying smaller ones", "events", len(block), "error", reason)
	return d.save(ctx, mark{d.in.mark.state.Stored, block[d.limit-1].Seq})
}

func (d *drainer) bury(ctx context.Context, e *schema.Event, reason error) error {
	d.in.deps.Log.Error("ClickHouse refuses an event for good; it is in the dead-letter file", "seq", e.Seq, "file", d.in.dead.file.Name(), "error", reason)
	d.in.metrics.deadLettered.Inc()
	return d.in.retry(ctx, "write dead letter", func(context.Context) error { return d.in.dead.put(e, reason) })
}

// done moves on behind a block.
func (d *drainer) done(ctx context.Context, n int, to uint64) error {
	d.events = d.events[n:]
	for len(d.ends) > 0 && d.ends[0].last <= to {
		d.in.backlog.Add(-d.ends[0].size)
		d.bytes -= d.ends[0].size
		d.ends = d.ends[1:]
	}
	if len(d.events) == 0 {
		d.events = nil // what was read is garbage now
	}
	to = d.in.beyond(to)
	// On disk the block stays "begun" until the next one begins: sending it once
	// more changes nothing, and an fsync is saved.
	d.in.mark.state = mark{to, to}
	if d.in.log.Next() == to+1 {
		if err := d.save(ctx, mark{to, to}); err != nil {
			return err
		}
	}
	d.in.advance(to)
	return d.release(ctx)
}

// release deletes what is stored from the log, after the batch ids in it are
// durable elsewhere. It is not urgent: what fails is tried after the next block.
func (d *drainer) release(ctx context.Context) error {
	in := d.in
	stored := in.mark.state.Stored
	if len(in.log.Releasable(stored)) == 0 {
		return nil
	}
	if err := d.save(ctx, in.mark.state); err != nil {
		return err
	}
	in.batches.forget(in.deps.Now())
	err := in.batches.save()
	if err == nil {
		err = in.log.Release(stored)
		in.batches.keepReserve()
	}
	if err != nil {
		in.deps.Log.Warn("the intake log could not be shortened", "error", err)
	}
	return nil
}

func (d *drainer) save(ctx context.Context, m mark) error {
	return d.in.retry(ctx, "save the intake's checkpoint", func(context.Context) error { return d.in.mark.save(m) })
}

// retry does it until it works, ever more slowly. The operator hears when it
// begins to fail and when it works again, not in between.
func (in *Intake) retry(ctx context.Context, what string, do func(context.Context) error) error {
	return in.retryFor(ctx, in.config.Insert, what, do)
}

// retryFor is retry, where each time may take so long.
func (in *Intake) retryFor(ctx context.Context, most time.Duration, what string, do func(context.Context) error) error {
	defer in.failing.Store(false)
	try := func() (struct{}, error) {
		once, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		return struct{}{}, do(once)
	}
	failed := time.Time{}
	told := func(err error, _ time.Duration) {
		in.metrics.insertErrors.Inc()
		in.failing.Store(true)
		if failed.IsZero() {
			failed = in.deps.Now()
			in.deps.Log.Warn("cannot "+what+"; what is acknowledged waits on disk", "error", err)
		}
	}
	pauses := &backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, Multiplier: 2, MaxInterval: 5 * time.Second}
	_, err := backoff.Retry(ctx, try, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(told))
	if err == nil && !failed.IsZero() {
		in.deps.Log.Info("works again: "+what, "after", in.deps.Now().Sub(failed).Round(time.Millisecond))
	}
	return err
}
