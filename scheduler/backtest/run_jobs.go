package backtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"nightjar/scheduler"
	"nightjar/schema"
)

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

// jobAttempts is how often a job is tried whose failure may pass, jobPause the first
// pause between two.
const (
	jobAttempts = 5
	jobPause    = 2 * time.Second
)

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
		job.Signals, err = j.try(running, ctx, job)
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
		select { // it is no retry: the next job that Run finds is this one
		case <-ctx.Done():
		case <-time.After(jobPause):
		}
	}
}

// begin says what is being run; nil: nothing.
func (j *Jobs) begin(a *attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running = a
}

// try attempts it until it works, or fails for good. What an attempt stores is stored until
// storing ends, which Cancel does not do: so it is there, or is not, when it is dropped.
func (j *Jobs) try(ctx, storing context.Context, job Job) (signals int, err error) {
	once := func() (int, error) {
		n, err := j.attempt(ctx, storing, job)
		if errors.As(err, new(*schema.InvalidError)) {
			return n, backoff.Permanent(err)
		}
		return n, err
	}
	told := func(err error, pause time.Duration) {
		j.deps.Log.Warn("historical job failed; it is tried again", "job", job.ID, "in", pause, "error", err)
	}
	pauses := &backoff.ExponentialBackOff{InitialInterval: jobPause, Multiplier: 1.5, MaxInterval: 4 * jobPause}
	return backoff.Retry(ctx, once, backoff.WithBackOff(pauses), backoff.WithMaxTries(jobAttempts), backoff.WithMaxElapsedTime(0), backoff.WithNotify(told))
}

// attempt runs the backtest and stores what it found, in place of what an attempt
// before it did.
func (j *Jobs) attempt(ctx, storing context.Context, job Job) (signals int, err error) {
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
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if documents, err = j.keep(storing, job, documents); err != nil {
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

// halt stops the job if it is being run.
func (j *Jobs) halt(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running != nil && j.running.id == id {
		j.running.stop()
	}
}
