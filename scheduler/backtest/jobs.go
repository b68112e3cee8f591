package backtest

import (
	"cmp"
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

// Job is a backtest that is kept: what is to be run, and how far it is.
type Job struct {
	ID   string      `json:"id"`
	Rule schema.Rule `json:"rule"`
	// FromRule is the rule that Rule is a copy of; "" when it was sent.
	FromRule string `json:"from_rule,omitempty"`
	// OnlyCase, unless nil, is the case whose signals are kept.
	OnlyCase      *int          `json:"only_case,omitempty"`
	Index         string        `json:"index"`
	From          schema.Millis `json:"from"`
	To            schema.Millis `json:"to"`
	Notifications []string      `json:"notifications,omitempty"`
	// SignalOutput makes live signals of the results.
	SignalOutput bool          `json:"signal_output,omitempty"`
	Status       string        `json:"status"`
	Problem      string        `json:"problem,omitempty"` // why it failed
	Signals      int           `json:"signals"`
	CreatedAt    schema.Millis `json:"created_at"`
	ModifiedAt   schema.Millis `json:"modified_at"`
	// Progress is from 0 to 1.
	Progress float64 `json:"progress"`
}

// States of a job. A pending one waits for those before it.
const (
	JobPending   = "pending"
	JobRunning   = "running"
	JobCompleted = "completed"
	JobFailed    = "failed"
	JobCancelled = "cancelled"
)

// Ended tells whether nothing more will happen to the job.
func (j *Job) Ended() bool { return j.Status != JobPending && j.Status != JobRunning }

// RuleKey is the key that the job's signals are kept under.
func (j *Job) RuleKey() string { return JobRuleKey(j.ID) }

// JobRuleKey is the RuleKey of the job with this id.
func JobRuleKey(id string) string { return "job/" + id }

const kindJob = "historical_job"

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

// Run runs jobs until the context ends. It returns nil then.
func (j *Jobs) Run(ctx context.Context) error {
	for {
		if next, found := j.next(); found {
			j.run(ctx, next)
		} else {
			select {
			case <-ctx.Done():
			case <-j.changed:
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// next is the oldest job that has not ended.
func (j *Jobs) next() (next Job, found bool) {
	for _, v := range j.store.Newest() {
		if job := v.Body; !v.Deleted && !job.Ended() && (!found || jobLess(&job, &next)) {
			next, found = job, true
		}
	}
	return next, found
}

func jobLess(a, b *Job) bool {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID)) < 0
}

// jobAttempts is how often a job is tried whose failure may pass.
const jobAttempts = 5

// run runs one job to its end, whatever that is.
func (j *Jobs) run(ctx context.Context, job Job) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	j.begin(&attempt{id: job.ID, stop: stop})
	defer j.begin(nil)
	started, err := j.change(ctx, job.ID, func(job *Job) error {
		if job.Ended() {
			return errNotNow
		}
		job.Status, job.Progress = JobRunning, 0
		return nil
	})
	if err == nil {
		job = started
		job.Signals, err = j.try(running, job)
	}
	switch {
	case errors.Is(err, errNotNow) || ctx.Err() != nil:
		return // somebody else ended it, or the process ends, and it will be run again
	case running.Err() != nil:
		// Cancelled, which is noted. What was being stored meanwhile goes, too.
		if err := j.deps.Results.Drop(ctx, job.RuleKey()); err != nil {
			j.deps.Log.Warn("results of a cancelled historical job are still stored", "job", job.ID, "error", err)
		}
		return
	case err != nil:
		j.deps.Log.Error("historical job failed", "job", job.ID, "error", err)
	}
	_, unstored := j.change(ctx, job.ID, func(stored *Job) error {
		if stored.Ended() {
			return errNotNow
		}
		stored.Status, stored.Progress, stored.Signals = JobCompleted, 1, job.Signals
		if err != nil {
			stored.Status, stored.Problem, stored.Signals = JobFailed, err.Error(), 0
		}
		return nil
	})
	if unstored != nil && !errors.Is(unstored, errNotNow) {
		j.deps.Log.Warn("the end of a historical job could not be stored; it is run again", "job", job.ID, "error", unstored)
		_ = pause(ctx, 2*time.Second) // it ends with ctx, like the caller
	}
}

// begin says what is being run; nil: nothing.
func (j *Jobs) begin(a *attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running = a
}

// try attempts it until it works, or fails for good.
func (j *Jobs) try(ctx context.Context, job Job) (signals int, err error) {
	for attempt := 1; ; attempt++ {
		signals, err = j.attempt(ctx, job)
		if err == nil || ctx.Err() != nil || isMistake(err) || attempt == jobAttempts {
			return signals, err
		}
		j.deps.Log.Warn("historical job failed; it is tried again", "job", job.ID, "attempt", attempt, "error", err)
		if err := pause(ctx, time.Duration(attempt)*2*time.Second); err != nil {
			return 0, err
		}
	}
}

func isMistake(err error) bool { return errors.As(err, new(*schema.InvalidError)) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// attempt runs the backtest and stores what it found, in place of what an attempt
// before it did.
func (j *Jobs) attempt(ctx context.Context, job Job) (signals int, err error) {
	plan, _, err := j.deps.Runner.deps.Plan(ctx, job.Rule)
	if err != nil {
		return 0, err
	}
	plan.Key = job.RuleKey()
	if err := j.deps.Results.Drop(ctx, plan.Key); err != nil {
		return 0, fmt.Errorf("drop former results: %w", err)
	}
	found, err := j.deps.Runner.Run(ctx, plan, scheduler.TimeSpan{From: job.From, To: job.To}, func(done float64) { j.progress(job.ID, backtestShare*done) })
	if err != nil {
		return 0, err
	}
	n := len(found.Signals)
	for from := 0; from < n; from += scheduler.RenderedAtOnce {
		to := min(n, from+scheduler.RenderedAtOnce)
		documents, err := j.deps.Runner.Documents(ctx, found, from, to)
		if err != nil {
			return 0, err
		}
		if documents, err = j.keep(ctx, job, documents); err != nil {
			return 0, err
		}
		signals += len(documents)
		j.progress(job.ID, backtestShare+(1-backtestShare)*float64(to)/float64(n))
	}
	return signals, nil
}

// keep stores those of the signals that the job is about.
func (j *Jobs) keep(ctx context.Context, job Job, signals []scheduler.Published) ([]scheduler.Published, error) {
	if job.OnlyCase != nil {
		signals = slices.DeleteFunc(signals, func(p scheduler.Published) bool { return p.Case != *job.OnlyCase })
	}
	if len(signals) == 0 {
		return nil, nil
	}
	if err := j.deps.Results.Publish(ctx, signals); err != nil {
		return nil, fmt.Errorf("store results: %w", err)
	}
	if job.SignalOutput {
		if err := j.deps.Adopt(ctx, signals); err != nil {
			return nil, fmt.Errorf("make signals of results: %w", err)
		}
	}
	return signals, nil
}

// backtestShare is how much of a job the backtest is, for the progress.
const backtestShare = 0.9

func (j *Jobs) progress(id string, done float64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running != nil && j.running.id == id {
		j.running.done = max(j.running.done, done)
	}
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

// halt stops the job if it is being run.
func (j *Jobs) halt(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running != nil && j.running.id == id {
		j.running.stop()
	}
}

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

// JobBusyError says that a job is in no state for what was asked.
type JobBusyError struct{ ID, Status string }

// Error names the state.
func (b *JobBusyError) Error() string { return "job " + b.ID + " is " + b.Status }

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
