package backtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"nightjar/objects"
	"nightjar/scheduler"
	"nightjar/schema"
)

// Results keeps what jobs found.
type Results interface {
	Publish(ctx context.Context, signals []scheduler.Published) error
	// Whole reads results by id, of any job; absent ones are left out.
	Whole(ctx context.Context, ids []string) (map[string]scheduler.Published, error)
	// Drop forgets the results of a job.
	Drop(ctx context.Context, ruleKey string) error
}

// JobsDeps are what Jobs needs.
type JobsDeps struct {
	Runner *Runner
	// Adopt makes live signals; Scheduler.Adopt is that.
	Adopt   func(context.Context, []scheduler.Published) error
	Objects objects.Table
	Results Results
	Log     *slog.Logger
}

// Jobs runs historical jobs one after the other, in the order in which they were
// created. A job that is running when the process ends is run again by the next.
type Jobs struct {
	deps    JobsDeps
	store   *objects.Store[Job]
	changed chan struct{} // buffered: there may be something to run

	mu      sync.Mutex
	running *attempt // nil: none is
}

// attempt is the job that is being run.
type attempt struct {
	id   string
	stop context.CancelFunc
	done float64 // from 0 to 1
}

const kindJob = "historical_job"

// NewJobs makes a Jobs; nothing happens until Load and Run.
func NewJobs(deps JobsDeps) *Jobs {
	j := &Jobs{deps: deps, changed: make(chan struct{}, 1)}
	j.store = objects.New(objects.Kind[Job]{Name: kindJob, Noun: "job", NewID: uuid.NewString, NoLog: true, Enforce: func(objects.Versioned[Job]) { j.wake() }}, deps.Objects, time.Now)
	return j
}

func (j *Jobs) wake() {
	select {
	case j.changed <- struct{}{}:
	default:
	}
}

// Load reads the jobs. It must return before anything else is asked.
func (j *Jobs) Load(ctx context.Context) error { return j.store.Load(ctx) }

// errNotNow says that a job is in no state for a change.
var errNotNow = errors.New("not in this state")

// change stores a changed job, or leaves it as it was.
func (j *Jobs) change(ctx context.Context, id string, edit func(*Job) error) (Job, error) {
	v, err := j.store.Update(ctx, id, 0, func(job *Job) error {
		job.ModifiedAt = schema.MillisOf(time.Now())
		return edit(job)
	})
	return v.Body, err
}

// Create stores a job, to be run when its turn comes. Its id, state and moments
// are given here.
func (j *Jobs) Create(ctx context.Context, job Job) (Job, error) {
	plan, _, err := j.deps.Runner.deps.Plan(ctx, job.Rule)
	switch {
	case err != nil:
		return Job{}, err
	case plan.Unsupported != "":
		return Job{}, &schema.InvalidError{Details: []schema.Detail{{Message: plan.Unsupported}}}
	}
	v, err := j.store.Write(ctx, objects.Ref{}, func(next *objects.Versioned[Job]) error {
		job.ID, job.Status, job.Progress, job.Signals = next.ID, JobPending, 0, 0
		job.CreatedAt = schema.MillisOf(time.Now())
		job.ModifiedAt = job.CreatedAt
		next.Body = job
		return nil
	})
	return v.Body, err
}

// shown is a job with how far it is by now.
func (j *Jobs) shown(job Job) Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	if job.Status == JobRunning && j.running != nil && j.running.id == job.ID {
		job.Progress = max(job.Progress, j.running.done)
	}
	return job
}

// Jobs are all jobs, the newest first.
func (j *Jobs) Jobs(context.Context) ([]Job, error) {
	var out []Job
	for _, v := range j.store.Newest() {
		if !v.Deleted {
			out = append(out, j.shown(v.Body))
		}
	}
	slices.SortFunc(out, func(a, b Job) int {
		if jobLess(&a, &b) {
			return 1
		}
		return -1
	})
	return out, nil
}

// Job is one job; a *schema.NotFoundError when there is none with this id.
func (j *Jobs) Job(ctx context.Context, id string) (Job, error) {
	v, err := j.store.Get(ctx, id)
	return j.shown(v.Body), err
}

// Cancel ends a job that has not ended; what it has found so far is dropped.
func (j *Jobs) Cancel(ctx context.Context, id string) error {
	job, err := j.change(ctx, id, func(job *Job) error {
		if job.Ended() {
			return &JobBusyError{ID: id, Status: job.Status}
		}
		job.Status = JobCancelled
		return nil
	})
	if err != nil {
		return err
	}
	j.halt(id)
	return j.deps.Results.Drop(ctx, job.RuleKey())
}

// Delete forgets a job that has ended, with its results.
func (j *Jobs) Delete(ctx context.Context, id string) error {
	v, err := j.store.Write(ctx, objects.Ref{ID: id}, func(next *objects.Versioned[Job]) error {
		if job := &next.Body; !job.Ended() {
			return &JobBusyError{ID: id, Status: job.Status}
		}
		next.Body.ModifiedAt, next.Deleted = schema.MillisOf(time.Now()), true
		return nil
	})
	if err != nil {
		return err
	}
	return j.deps.Results.Drop(ctx, v.Body.RuleKey())
}

// Convert makes live signals of results, with a message and a severity. A result
// that was converted before stays the signal that it is.
func (j *Jobs) Convert(ctx context.Context, ids []string, message, severity string) error {
	results, err := j.deps.Results.Whole(ctx, ids)
	if err != nil {
		return fmt.Errorf("read results: %w", err)
	}
	var signals []scheduler.Published
	for _, id := range ids {
		p, ok := results[id]
		if !ok {
			return &schema.NotFoundError{Kind: "job result", ID: id}
		}
		if err := p.Reword(message, severity); err != nil {
			return fmt.Errorf("render signal %s: %w", id, err)
		}
		signals = append(signals, p)
	}
	return j.deps.Adopt(ctx, signals)
}
