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
func (s *Scheduler) baselineOf(ctx context.Context, plan *compiler.BoundPlan, fresh bool, through uint64) (*detect.Baseline, error) {
	if u := s.baselines[plan.Key]; u != nil {
		return u, nil
	}
	u := detect.NewBaseline(plan, through)
	if !fresh {
		if err := s.unstored.flush(ctx); err != nil { // buckets are counted from what is stored
			return nil, err
		}
		earlier, err := s.loadBaseline(ctx, u, plan, through)
		if err != nil {
			return nil, fmt.Errorf("load what is usual for rule %s: %w", plan.Rule.ID, err)
		}
		if earlier > 0 {
			s.deps.Log.Info("models of an earlier version of nightjar go on; what they lack is learned from now on", "rule", plan.Rule.ID, "models", earlier)
		}
	}
	s.baselines[plan.Key] = u
	return u, nil
}

// settleBaselines lets go of what no event can change any more: of seen values that are
// forgotten, and of buckets, which go into models that are stored.
func (s *Scheduler) settleBaselines(ctx context.Context) error {
	for key, k := range s.seen {
		if !s.resumes(key) {
			k.Settle(s.deps.Lateness)
		}
	}
	total := 0
	for key, u := range s.baselines {
		total += u.Size()
		if s.resumes(key) {
			continue
		}
		judged := detect.Never
		if v := s.silenceRuns.byKey[key]; v != nil { // closed buckets are judged before they are settled
			judged = v.judged
		}
		through, some, err := u.Settle(judged, s.deps.Lateness, func(part []detect.SeriesModel) error {
			return s.deps.Models.SaveModels(ctx, key, part, 0)
		})
		if err != nil {
			return fmt.Errorf("learn and store what is usual for rule %s: %w", u.Plan.Rule.ID, err)
		}
		if some {
			if err := s.deps.Models.SaveModels(ctx, key, nil, through); err != nil {
				return fmt.Errorf("store what is usual: %w", err)
			}
		}
		u.SettledBefore(through)
	}
	s.metrics.series.Set(float64(total))
	return nil
}

// loadBaseline reads a plan's models, and counts what was stored after them, of arrivals
// up to through. It returns how many of the models an earlier version wrote.
func (s *Scheduler) loadBaseline(ctx context.Context, u *detect.Baseline, plan *compiler.BoundPlan, through uint64) (earlier int, err error) {
	models, settledAt, err := s.deps.Models.LoadModels(ctx, plan.Key)
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
	return earlier, s.deps.Models.Buckets(ctx, plan.Key, plan.Anomaly.Bucket, settledAt, through, s.asides.recount(plan.Key), u.Refill)
}
