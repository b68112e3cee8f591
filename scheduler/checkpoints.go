package scheduler

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// checkpoints save how far rule runs were evaluated and, before it, all that this rests
// on; and they let go of those that ended. They are the evaluating goroutine's.
type checkpoints struct {
	deps          *Deps
	metrics       metrics
	inForce       *inForce
	evaluator     *evaluator
	silenceRuns   *silenceRuns
	fillings      *fillings
	evaluationLog *evaluationLog

	ended map[string]Checkpoint // of rule runs that ended, to be saved
	saved time.Time
}

// letGoOfEnded forgets the rule runs that have nothing more to read.
func (c *checkpoints) letGoOfEnded() {
	for _, w := range c.inForce.takeEnded() {
		c.evaluator.forget(w.plan.Key)
		delete(c.silenceRuns.byKey, w.plan.Key)
		c.ended[w.plan.Key] = Checkpoint{Through: w.through}
	}
}

// saveEvery bounds how much is evaluated again after a crash. Evaluating twice
// changes nothing.
const saveEvery = 5 * time.Second

// save saves, unless it has been done a moment ago; always says even then, and has a
// failure returned, which is otherwise logged.
func (c *checkpoints) save(ctx context.Context, always bool) error {
	c.inForce.mu.Lock()
	if !c.inForce.loaded || (!always && time.Since(c.saved) < saveEvery) {
		c.inForce.mu.Unlock()
		return nil
	}
	c.saved = time.Now()
	gaps := c.fillings.savable()
	reached := maps.Clone(c.ended)
	for _, w := range c.inForce.runs {
		reached[w.plan.Key] = Checkpoint{Through: w.through}
		if v := c.silenceRuns.of(w.plan); v != nil {
			reached[w.plan.Key] = v.checkpoint(w.through)
		}
	}
	c.inForce.mu.Unlock()
	if len(reached) == 0 && len(gaps) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var behind map[string]bool
	err := c.evaluator.unstored.flush(ctx) // first: the place must not be ahead of the matches
	if err == nil {
		if behind, err = c.evaluator.storeSeenValues(ctx); err == nil {
			gaps = c.fillings.withoutBehind(gaps, behind)
			maps.DeleteFunc(reached, func(key string, _ Checkpoint) bool { return behind[key] })
		}
	}
	if err == nil {
		var entries []Entry
		entries, err = c.evaluationLog.store(ctx, c.deps.EvaluationLog, behind)
		for _, e := range entries {
			c.metrics.noted.WithLabelValues(e.State).Inc()
		}
	}
	if err == nil {
		err = c.deps.Journal.Save(ctx, reached)
	}
	if err == nil {
		err = c.evaluator.settleBaselines(ctx) // last: what lets go of the past must not be ahead of the place
	}
	if err != nil {
		c.deps.Log.Warn("progress not saved; the next start evaluates some arrivals again", "error", err)
		if always {
			return fmt.Errorf("save progress: %w", err)
		}
		return nil
	}
	c.fillings.filled(gaps)
	c.forgetEnded()
	for key, at := range reached {
		if v := c.silenceRuns.byKey[key]; v != nil {
			v.saved = at
		}
	}
	return nil
}

// forgetEnded lets go of what ended rule runs have seen, now that it is stored, and how far
// they came with it. No sooner: the evaluation log says in the same save that what they
// had set aside is finished, and nobody learns that again.
func (c *checkpoints) forgetEnded() {
	c.inForce.mu.Lock()
	defer c.inForce.mu.Unlock()
	for _, w := range c.inForce.runs {
		delete(c.ended, w.plan.Key) // a rule that was switched off and on between two arrivals goes on under its key
	}
	for key := range c.ended {
		delete(c.evaluator.seen, key)
	}
	clear(c.ended)
}
