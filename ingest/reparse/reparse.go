package reparse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"nightjar/compiler/search"
	"nightjar/objects"
	"nightjar/schema"
)

// Job is a re-reading of the events that a query finds.
type Job struct {
	Query string        `json:"query"`
	From  schema.Millis `json:"from"` // event time, inclusive
	To    schema.Millis `json:"to"`   // exclusive

	State State  `json:"state"`
	Error string `json:"error,omitempty"`
	// Days are those of arrival that have such events, as 20060102; Done those that are
	// read again.
	Days []string `json:"days,omitempty"`
	Done []string `json:"done,omitempty"`
	// Read is how many events were read again; Changed those that became others, and
	// Failed those that could not be read and stayed as they were.
	Read, Changed, Failed uint64
	// Began and Ended are zero before that.
	Began schema.Millis `json:"began,omitempty"`
	Ended schema.Millis `json:"ended,omitempty"`
}

// State is how far a job is.
type State string

// The states. A pending job waits for those before it.
const (
	Pending   State = "pending"
	Running   State = "running"
	Completed State = "completed"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// HasEnded reports whether nothing more will happen to the job.
func (j *Job) HasEnded() bool { return j.State != Pending && j.State != Running }

// Kind is the kind of object that jobs are kept as.
var Kind = objects.Kind[Job]{
	Name: "reparse job", NewID: uuid.NewString,
	Check: func(j *Job) error {
		var bad schema.InvalidError
		if _, err := search.Parse(j.Query); err != nil {
			bad.Add("query", err.Error())
		}
		if j.To == 0 {
			j.To = schema.MaxMillis
		}
		if j.From >= j.To {
			bad.Add("from", "it must be before to")
		}
		if j.State == "" {
			j.State = Pending
		}
		return bad.Err()
	},
}

// Rewriter rewrites the events of one day of arrival.
type Rewriter interface {
	// Days are the days of arrival, as 20060102, that have events of the query.
	Days(ctx context.Context, q *search.Query, from, to schema.Millis) ([]string, error)
	// Rewrite replaces the events of the query in a day, all at one moment. Cut short, it
	// has changed nothing.
	Rewrite(ctx context.Context, day string, q *search.Query, from, to schema.Millis) (Counts, error)
}

// Counts are what became of the events of a day.
type Counts struct{ Read, Changed, Failed uint64 }

// Store keeps the jobs.
type Store = objects.Store[Job]

// Jobs runs jobs one after the other, day by day. Its methods may be called from several
// goroutines.
type Jobs struct {
	store    *Store
	rewriter Rewriter
	now      func() time.Time
	log      *slog.Logger
	wake     chan struct{}

	mu      sync.Mutex
	running string // id
	stop    context.CancelFunc
}

// New makes Jobs over a store that is loaded.
func New(store *Store, rewriter Rewriter, now func() time.Time, log *slog.Logger) *Jobs {
	return &Jobs{store: store, rewriter: rewriter, now: now, log: log, wake: make(chan struct{}, 1)}
}

// Create keeps a job, which will run after those before it.
func (j *Jobs) Create(ctx context.Context, query string, from, to schema.Millis) (objects.Versioned[Job], error) {
	v, err := j.store.Create(ctx, Job{Query: query, From: from, To: to})
	if err == nil {
		j.notify()
	}
	return v, err
}

func (j *Jobs) notify() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// List are all jobs, the newest first.
func (j *Jobs) List(ctx context.Context) ([]objects.Versioned[Job], error) {
	all, err := j.store.List(ctx)
	slices.Reverse(all)
	return all, err
}

// Get is a job, or a *schema.NotFoundError.
func (j *Jobs) Get(ctx context.Context, id string) (objects.Versioned[Job], error) {
	return j.store.Get(ctx, id)
}

// ErrEnded is the error of cancelling a job that has ended.
var ErrEnded = errors.New("the job has ended")

// Cancel ends a job. The days that it has done stay done.
func (j *Jobs) Cancel(ctx context.Context, id string) (objects.Versioned[Job], error) {
	v, err := j.store.Update(ctx, id, 0, func(job *Job) error {
		if job.HasEnded() {
			return ErrEnded
		}
		job.State, job.Ended = Cancelled, schema.MillisOf(j.now())
		return nil
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil && j.running == id {
		j.stop()
	}
	return v, err
}

// Run runs jobs until the context ends. One that a stop cut short goes on at the next
// start, with the day that it was at.
func (j *Jobs) Run(ctx context.Context) error {
	for {
		for id, ok := j.next(ctx); ok && ctx.Err() == nil; id, ok = j.next(ctx) {
			j.run(ctx, id)
		}
		select {
		case <-j.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// next is the oldest job that has not ended.
func (j *Jobs) next(ctx context.Context) (id string, ok bool) {
	all, _ := j.store.List(ctx) // from memory: never fails
	for _, v := range all {
		if !v.Body.HasEnded() {
			return v.ID, true
		}
	}
	return "", false
}

func (j *Jobs) run(ctx context.Context, id string) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	j.mu.Lock()
	j.running, j.stop = id, stop
	j.mu.Unlock()
	err := j.steps(running, id)
	j.mu.Lock()
	j.running = ""
	j.mu.Unlock()
	if err == nil || ctx.Err() != nil || running.Err() != nil {
		return // it ended, was cancelled, or goes on at the next start
	}
	j.log.Error("stored events could not be read again", "job", id, "error", err)
	j.finish(ctx, id, func(job *Job) { job.State, job.Error = Failed, err.Error() })
}

// steps takes a job from where it is to its end.
func (j *Jobs) steps(ctx context.Context, id string) error {
	v, err := j.store.Get(ctx, id)
	if err != nil {
		return err
	}
	query, err := search.Parse(v.Body.Query)
	if err != nil {
		return err
	}
	if v.Body.State == Pending {
		days, err := j.rewriter.Days(ctx, query, v.Body.From, v.Body.To)
		if err != nil {
			return err
		}
		if v, err = j.change(ctx, id, func(job *Job) {
			job.State, job.Days, job.Began = Running, days, schema.MillisOf(j.now())
		}); err != nil {
			return err
		}
	}
	for _, day := range v.Body.Days {
		if slices.Contains(v.Body.Done, day) {
			continue
		}
		counts, err := j.rewriter.Rewrite(ctx, day, query, v.Body.From, v.Body.To)
		if err != nil {
			return fmt.Errorf("day %s: %w", day, err)
		}
		if _, err = j.change(ctx, id, func(job *Job) {
			job.Done = append(job.Done, day)
			job.Read, job.Changed, job.Failed = job.Read+counts.Read, job.Changed+counts.Changed, job.Failed+counts.Failed
		}); err != nil {
			return err
		}
	}
	j.finish(ctx, id, func(job *Job) { job.State = Completed })
	return nil
}

func (j *Jobs) finish(ctx context.Context, id string, edit func(*Job)) {
	v, err := j.change(ctx, id, func(job *Job) {
		edit(job)
		job.Ended = schema.MillisOf(j.now())
	})
	if err == nil {
		j.log.Info("read stored events again", "job", id, "state", v.Body.State, "query", v.Body.Query, "events", v.Body.Read, "changed", v.Body.Changed, "failed", v.Body.Failed)
	} else if ctx.Err() == nil && !errors.Is(err, ErrEnded) {
		j.log.Error("cannot note that a job ended; it runs again", "job", id, "error", err)
		select { // and not at once
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
		}
	}
}

// change writes a new version of a job that has not ended.
func (j *Jobs) change(ctx context.Context, id string, edit func(*Job)) (objects.Versioned[Job], error) {
	return j.store.Update(ctx, id, 0, func(job *Job) error {
		if job.HasEnded() {
			return ErrEnded
		}
		edit(job)
		return nil
	})
}
