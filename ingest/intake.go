package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightjar/schema"
	"nightjar/wal"
)

// Deps are what an Intake works with.
type Deps struct {
	// Dir holds the log and what goes with it; one Intake at a time.
	Dir  string
	Sink Sink
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log is where the operator reads; nil: slog.Default.
	Log *slog.Logger
	// Metrics is where the counters are registered; nil: nowhere.
	Metrics prometheus.Registerer
	// FS is the log's file system; nil: the operating system's.
	FS wal.FS
	// Lateness is how far behind its own time an event may arrive and still be
	// seen by rules. Later ones are taken in and counted; 0: none is late.
	Lateness time.Duration
	// Locator says where the addresses of clients are; nil: nobody does.
	Locator Locator
	// Pipelines change events while they are made; nil: nothing does.
	Pipelines Pipelines
	// Marker marks events with what is known of them from elsewhere; nil: nobody does.
	Marker Marker
	Config Config
}

// Marker adds to an event what is known of it from elsewhere, and reports whether
// something is. It must be quick.
type Marker interface{ Mark(*schema.Event) bool }

// Config are the settings. A zero field means its default.
type Config struct {
	MaxBacklog   int64         // bytes acknowledged and not yet stored; 4 GiB
	MaxInFlight  int64         // bytes waiting to become durable; 64 MiB
	MaxReading   int64         // memory of the requests being read; 256 MiB
	MaxBody      int64         // bytes of one request's body, decompressed; 32 MiB
	MaxBatch     int           // bytes of one batch, encoded; 64 MiB
	SegmentBytes int64         // size of a log file; 32 MiB
	BlockEvents  int           // events in one insert; 50,000
	BlockBytes   int64         // bytes in one insert; 16 MiB
	Linger       time.Duration // how long an insert waits to fill up; 400 ms
	Insert       time.Duration // how long one insert may take before fewer events are tried; 20 s
	RetryAside   time.Duration // after how long a block that was set aside is tried again, at first; 15 s
	ReadTries    int           // of a part of the log that the disk does not give back; 16, about a minute
	Remember     time.Duration // how long batch ids are remembered; 25 h
	MaxBatchIDs  int           // how many at most; 5,000,000
	MaxAhead     time.Duration // how far ahead of the clock an event may be; maxAhead
}

const maxAhead = 10 * time.Minute

func (c Config) withDefaults() Config {
	def(&c.MaxBacklog, 4<<30)
	def(&c.MaxInFlight, 64<<20)
	def(&c.MaxReading, 256<<20)
	def(&c.MaxBody, 32<<20)
	def(&c.MaxBatch, 64<<20)
	def(&c.SegmentBytes, 32<<20)
	def(&c.BlockEvents, 50_000)
	def(&c.BlockBytes, 16<<20)
	def(&c.Linger, 400*time.Millisecond)
	def(&c.Insert, 20*time.Second)
	def(&c.RetryAside, 15*time.Second)
	def(&c.ReadTries, 16)
	def(&c.Remember, 25*time.Hour)
	def(&c.MaxBatchIDs, 5_000_000)
	def(&c.MaxAhead, maxAhead)
	return c
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// handoverBytes bounds what Submit leaves for the drainer, as bytes in the log;
// in memory it is about three times that.
const handoverBytes = 32 << 20

// Batch is what a sender hands over at once: all of it is taken, or nothing.
type Batch struct {
	// ID, when not empty, makes sending the batch again a no-op.
	ID string
	// Events need no Seq and no Seen; Submit sets them.
	Events []schema.Event
	// names are those of the events, when the sender has any (Identify).
	names []batchKey
}

// Receipt says under which arrival numbers a batch was taken in.
type Receipt struct {
	First, Last uint64
	// Duplicate: the id was acknowledged before, and nothing was done.
	Duplicate bool
	// Known says of each event whether its name was acknowledged before; it was left
	// out, and has no number. nil: of none.
	Known []bool
}

// Intake takes events in. Its methods may be called concurrently.
type Intake struct {
	deps    Deps
	config  Config
	log     *wal.Log
	batches *batches
	known   *knownEvents
	reading *budget
	failed  atomic.Pointer[time.Time] // when the disk last refused events
	mark    *checkpoint

	handover *handover
	dead     *deadLetters
	aside    *asides
	losses   *losses
	acked    *acknowledged
	report   wal.Report // of the log, when it was opened
	promised uint64     // the highest number that had been acknowledged then
	skips    []wal.Range
	metrics  *metrics

	// carrying is held while a block is on its way into the sink.
	// landing likewise while a piece of one is that was set aside.
	carrying chan struct{}
	landing  chan struct{}
	failing  atomic.Bool // what carries events into the sink repeats something that failed
	late     lateness
	clocks   clocks
	heard    heard

	ready    chan struct{} // closed when the first sequence number is known
	inFlight atomic.Int64
	backlog  atomic.Int64
	found    []recordEnd // that the backlog had at the start, until the sink says how far it is

	mu      sync.Mutex
	stored  uint64
	changed chan struct{}
}

// TurnedAway counts the batches whose senders were told to come back later, for
// reasons that are not theirs: too much was waiting, or nothing could be kept.
func (in *Intake) TurnedAway() uint64 { return in.metrics.away.Load() }

// New reads what an earlier Intake left in the folder. It starts nothing.
func New(deps Deps) (*Intake, error) {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	in := &Intake{
		deps: deps, config: deps.Config.withDefaults(),
		ready: make(chan struct{}), changed: make(chan struct{}), carrying: make(chan struct{}, 1), landing: make(chan struct{}, 1),
	}
	in.known = newKnownEvents()
	in.reading = newBudget(in.config.MaxReading)
	in.handover = newHandover(handoverBytes)
	in.metrics = newMetrics(in)
	if err := in.open(); err != nil {
		return nil, fmt.Errorf("open intake in %s: %w", deps.Dir, err)
	}
	if deps.Metrics != nil {
		if err := in.metrics.register(deps.Metrics); err != nil {
			in.Close()
			return nil, fmt.Errorf("register intake metrics: %w", err)
		}
	}
	return in, nil
}

func (in *Intake) open() (err error) {
	now := in.deps.Now()
	defer func() {
		if err != nil {
			in.Close()
		}
	}()
	var inLog []loggedBatch
	var backlog []recordEnd
	var report wal.Report
	if err := os.MkdirAll(in.deps.Dir, 0o700); err != nil {
		return err
	}
	err = in.heal("losses.jsonl", always, func(path string) (err error) {
		in.losses, err = openLosses(in, path)
		return err
	})
	if err != nil {
		return err
	}
	err = in.heal("acknowledged", always, func(path string) (err error) {
		in.acked, err = openAcknowledged(path)
		return err
	})
	if err != nil {
		return err
	}
	err = in.heal("log", isUnusableLog, func(path string) (err error) {
		in.log, report, err = wal.Open(wal.Options{
			Dir:          path,
			SegmentBytes: in.config.SegmentBytes,
			MaxRecord:    in.config.MaxBatch,
			FS:           in.deps.FS,
			Synced:       in.metrics.synced,
			Visit: func(r wal.Record) {
				backlog = append(backlog, recordEnd{r.Last(), r.Size})
				if id, seen, err := batchIDOf(r.Payload); err == nil && id != "" {
					inLog = append(inLog, loggedBatch{id, seen})
				}
			},
		})
		return err
	})
	if err != nil {
		return err
	}
	log := in.log
	in.report = report
	if !report.Clean() {
		// What of it was not stored yet is lost: findLost says so.
		in.deps.Log.Error("part of the intake log is missing or unreadable", "found", report.String())
		in.metrics.damaged.Add(float64(report.DamagedRegions) + float64(len(report.Quarantined)))
	} else if report.TornBytes > 0 {
		in.deps.Log.Info("the intake log ended in an append that was never acknowledged", "bytes", report.TornBytes)
	}
	err = in.heal("batches", always, func(path string) (err error) {
		in.batches, err = openBatches(path, in.config.Remember, in.config.MaxBatchIDs, now, func(path string, err error) {
			in.metrics.setAside.Inc()
			in.deps.Log.Error("batch ids of an hour cannot be read and are forgotten", "aside", path, "error", err)
		})
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range inLog {
		in.batches.add(b.id, b.seen)
	}
	err = in.heal("checkpoint", always, func(path string) (err error) {
		in.mark, err = openCheckpoint(path, log.ID())
		return err
	})
	if err != nil {
		return err
	}
	err = in.heal("dead-letters.jsonl", always, func(path string) (err error) {
		in.dead, err = openDeadLetters(path)
		return err
	})
	if err != nil {
		return err
	}
	err = in.heal("aside", always, func(path string) (err error) {
		in.aside, err = openAsides(in, path, in.mark)
		return err
	})
	if err != nil {
		return err
	}
	in.stored = in.mark.state.Stored
	// Numbers that were given once, and lost with a damaged log, are not reused.
	in.promised = in.acked.last
	in.skip(max(in.stored, in.mark.state.To, in.promised))
	for _, r := range backlog {
		if r.last > in.stored {
			in.backlog.Add(r.size)
			in.found = append(in.found, r)
		}
	}
	if !log.Fresh() {
		close(in.ready)
	}
	return nil
}

// skip lets numbering go on behind a number. What it returns is not in the log.
func (in *Intake) skip(last uint64) (skipped wal.Range, any bool) {
	skipped = wal.Range{First: in.log.SkipTo(last + 1), Last: last}
	if any = skipped.First <= last; any {
		in.skips = append(in.skips, skipped)
	}
	return skipped, any
}

// beyond is the last of the numbers behind this one that are known not to be in the
// log, or the number itself.
func (in *Intake) beyond(seq uint64) uint64 {
	for _, s := range in.skips {
		if seq+1 >= s.First && seq < s.Last {
			seq = s.Last
		}
	}
	return seq
}

// Submit takes the batch in, and returns when it is durable. The events' Seq
// and Seen are set.
func (in *Intake) Submit(ctx context.Context, b Batch) (Receipt, error) {
	receipt, err := in.submit(ctx, b)
	switch {
	case err != nil:
		in.metrics.refuse(err)
	case receipt.Duplicate:
		in.metrics.duplicates.Inc()
	default:
		in.metrics.acknowledged.Add(float64(receipt.events()))
		in.metrics.known.Add(float64(len(b.Events) - receipt.events()))
	}
	return receipt, err
}

func (in *Intake) submit(ctx context.Context, b Batch) (Receipt, error) {
	if len(b.Events) == 0 {
		return Receipt{}, nil
	}
	if err := in.awaitReady(ctx); err != nil {
		return Receipt{}, err
	}
	seen := schema.MillisOf(in.deps.Now())
	if b.ID != "" {
		known, err := in.batches.claim(ctx, b.ID, seen)
		if err != nil || known {
			return Receipt{Duplicate: known}, err
		}
	}
	seen = schema.MillisOf(in.deps.Now()) // the claim may have waited
	receipt, err := in.appendUnknown(ctx, b, seen)
	if b.ID != "" {
		in.batches.settle(b.ID, seen, err == nil)
	}
	return receipt, err
}

// appendUnknown appends the events whose names are not known.
func (in *Intake) appendUnknown(ctx context.Context, b Batch, seen schema.Millis) (Receipt, error) {
	if b.names == nil {
		return in.append(b, seen)
	}
	known, settle, err := in.known.claim(ctx, b.names, seen)
	if err != nil {
		return Receipt{}, err
	}
	b.Events = unknown(b.Events, known)
	var receipt Receipt
	if len(b.Events) > 0 {
		receipt, err = in.append(b, seen)
	}
	settle(err == nil)
	receipt.Known = known
	return receipt, err
}

// events is how many were taken in.
func (r Receipt) events() int {
	if r.First == 0 {
		return 0
	}
	return int(r.Last - r.First + 1)
}

// append settles the events' times and writes them to the log.
func (in *Intake) append(b Batch, seen schema.Millis) (Receipt, error) {
	in.clocks.watch(b.Events, seen, in.deps.Lateness)
	in.heard.note(b.Events, seen)
	for i := range b.Events {
		if settleTime(&b.Events[i], seen, in.config.MaxAhead) {
			in.metrics.future.Inc()
		}
	}
	if in.deps.Marker != nil {
		for i := range b.Events {
			in.deps.Marker.Mark(&b.Events[i])
		}
	}
	late := in.countLate(b.Events, seen)
	buf := encodeBatch(b, seen)
	defer buf.free()
	if err := in.admit(int64(len(buf.b))); err != nil {
		return Receipt{}, err
	}
	defer in.inFlight.Add(-int64(len(buf.b)))

	first, err := in.log.Append(buf.b, len(b.Events))
	if errors.Is(err, wal.ErrTooLarge) {
		return Receipt{}, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if err != nil {
		in.failed.Store(new(time.Now()))
		return Receipt{}, &UnavailableError{RetryAfter: 5 * time.Second, Err: err}
	}
	in.acked.note(first + uint64(len(b.Events)) - 1)
	in.backlog.Add(wal.RecordSize(len(buf.b)))
	in.sayLate(late)
	for i := range b.Events {
		b.Events[i].Seq, b.Events[i].Seen = first+uint64(i), seen
	}
	in.handover.put(b.Events, int64(len(buf.b)))
	return Receipt{First: first, Last: first + uint64(len(b.Events)) - 1}, nil
}

// admit keeps disk and memory within their quotas.
func (in *Intake) admit(size int64) error {
	if in.backlog.Load()+size > in.config.MaxBacklog {
		return &BackpressureError{Reason: "the events waiting to be stored have reached their quota of disk", RetryAfter: 5 * time.Second}
	}
	if in.inFlight.Add(size) > in.config.MaxInFlight && in.inFlight.Load() != size {
		in.inFlight.Add(-size)
		return &BackpressureError{Reason: "the events waiting for the disk have reached their quota of memory", RetryAfter: time.Second}
	}
	return nil
}

// awaitReady waits, for a moment, until a new folder's first number is known.
func (in *Intake) awaitReady(ctx context.Context) error {
	select {
	case <-in.ready:
		return nil
	default:
	}
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-in.ready:
		return nil
	case <-timer.C:
		return &BackpressureError{Reason: "a new intake needs ClickHouse once, to learn where numbering is, and cannot reach it", RetryAfter: 5 * time.Second}
	case <-ctx.Done():
		return fmt.Errorf("wait for the intake: %w", ctx.Err())
	}
}

// failureTime is how long the intake is not ready after the disk failed it.
const failureTime = 10 * time.Second

// Ready is nil when events can be taken, as far as is known without taking one. It
// does not wait, and its errors may be told to anybody.
func (in *Intake) Ready() error {
	select {
	case <-in.ready:
	default:
		return errors.New("a new intake waits for the database, to learn where numbering is")
	}
	if in.backlog.Load() >= in.config.MaxBacklog {
		return errors.New("the events waiting to be stored have reached their quota of disk")
	}
	if failed := in.failed.Load(); failed != nil && time.Since(*failed) < failureTime {
		return errors.New("the disk does not take events")
	}
	return nil
}

// Acknowledged is the highest arrival number that is durable.
func (in *Intake) Acknowledged() uint64 { return in.log.Next() - 1 }

// Stored is a number up to which every event is in the sink, but for those of Gaps.
func (in *Intake) Stored() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stored
}

// StoredChanged is closed when Stored moves, or Gaps changes, after this call.
func (in *Intake) StoredChanged() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.changed
}

// Backlog is how many bytes are acknowledged and not yet stored.
func (in *Intake) Backlog() int64 { return in.backlog.Load() }

// Full reports whether the quota of disk is used up, so that events are refused.
func (in *Intake) Full() bool { return in.backlog.Load() >= in.config.MaxBacklog }

// LogBytes is what the log takes on disk.
func (in *Intake) LogBytes() int64 { return in.log.Size() }

func (in *Intake) advance(stored uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if stored > in.stored {
		in.stored = stored
		in.changedNow()
	}
}

func (in *Intake) changedNow() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// notify says that Gaps is another now.
func (in *Intake) notify() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.changedNow()
}

// Close frees the folder. Run does so too; Close is for an Intake that is not
// run.
func (in *Intake) Close() error {
	var errs []error
	if in.mark != nil {
		errs = append(errs, in.mark.close())
	}
	if in.dead != nil {
		errs = append(errs, in.dead.close())
	}
	if in.losses != nil {
		errs = append(errs, in.losses.close())
	}
	if in.acked != nil {
		errs = append(errs, in.acked.close())
	}
	if in.log != nil {
		errs = append(errs, in.log.Close())
	}
	return errors.Join(errs...)
}
