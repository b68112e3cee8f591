package scheduler

import (
	"context"
	"fmt"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Models keeps what was learned of the series of rules that look for anomalies.
type Models interface {
	// LoadModels reads a rule's models, and up to which moment all of its series
	// have one: a series without began after that.
	LoadModels(ctx context.Context, ruleKey string) (models []detect.SeriesModel, through schema.Millis, err error)
	// SaveModels stores models, and then that moment.
	SaveModels(ctx context.Context, ruleKey string, models []detect.SeriesModel, through schema.Millis) error
	// Buckets reads a rule's stored matches from a moment on, of arrivals up to
	// through but some, by bucket.
	Buckets(ctx context.Context, ruleKey string, width time.Duration, from schema.Millis, through uint64, except []uint64, use func(detect.BucketMatches)) error
}

// baselineOf is what the plan has learned, read from the store if need be.
func (ev *evaluator) baselineOf(ctx context.Context, plan *compiler.BoundPlan, fresh bool, through uint64) (*detect.Baseline, error) {
	if u := ev.baselines[plan.Key]; u != nil {
		return u, nil
	}
	u := detect.NewBaseline(plan, through)
	if !fresh {
		if err := ev.unstored.flush(ctx); err != nil { // buckets are counted from what is stored
			return nil, err
		}
		earlier, err := ev.loadBaseline(ctx, u, plan, through)
		if err != nil {
			return nil, fmt.Errorf("load what is usual for rule %s: %w", plan.Rule.ID, err)
		}
		if earlier > 0 {
			ev.deps.Log.Info("models of an earlier version of nightjar go on; what they lack is learned from now on", "rule", plan.Rule.ID, "models", earlier)
		}
	}
	ev.baselines[plan.Key] = u
	return u, nil
}

// settleBaselines lets go of what no event can change any more: of seen values that are
// forgotten, and of buckets, which go into models that are stored.
func (ev *evaluator) settleBaselines(ctx context.Context) error {
	for key, k := range ev.seen {
		if !ev.runs.resumes(key) {
			k.Settle(ev.deps.Lateness)
		}
	}
	total := 0
	for key, u := range ev.baselines {
		total += u.Size()
		if ev.runs.resumes(key) {
			continue
		}
		judged := detect.Never
		if v := ev.silenceRuns.byKey[key]; v != nil { // closed buckets are judged before they are settled
			judged = v.judged
		}
		through, some, err := u.Settle(judged, ev.deps.Lateness, func(part []detect.SeriesModel) error {
			return ev.deps.Models.SaveModels(ctx, key, part, 0)
		})
		if err != nil {
			return fmt.Errorf("learn and store what is usual for rule %s: %w", u.Plan.Rule.ID, err)
		}
		if some {
			if err := ev.deps.Models.SaveModels(ctx, key, nil, through); err != nil {
				return fmt.Errorf("store what is usual: %w", err)
			}
		}
		u.SettledBefore(through)
	}
	ev.metrics.series.Set(float64(total))
	return nil
}

// loadBaseline reads a plan's models, and counts what was stored after them, of arrivals
// up to through. It returns how many of the models an earlier version wrote.
func (ev *evaluator) loadBaseline(ctx context.Context, u *detect.Baseline, plan *compiler.BoundPlan, through uint64) (earlier int, err error) {
	models, settledAt, err := ev.deps.Models.LoadModels(ctx, plan.Key)
	if err != nil {
		return 0, err
	}
	for _, m := range models {
		isEarlier, err := u.Restore(m)
		if err != nil {
			return 0, err
		}
		if isEarlier {
			earlier++
		}
	}
	u.SettledBefore(settledAt)
	return earlier, ev.deps.Models.Buckets(ctx, plan.Key, plan.Anomaly.Bucket, settledAt, through, ev.asides.recount(plan.Key), u.Refill)
}
