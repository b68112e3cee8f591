package scheduler

import (
	"context"
	"fmt"
	"nightjar/anomaly"
	"nightjar/compiler"
	"nightjar/schema"
	"time"
)

// Models keeps what was learned of the series of rules that look for anomalies.
type Models interface {
	// LoadModels reads a rule's models, and up to which moment all of its series
	// have one: a series without began after that.
	LoadModels(ctx context.Context, ruleKey string) (models []SeriesModel, through schema.Millis, err error)
	// SaveModels stores models, and then that moment.
	SaveModels(ctx context.Context, ruleKey string, models []SeriesModel, through schema.Millis) error
	// Buckets reads a rule's stored matches from a moment on, of arrivals up to
	// through but some, by bucket.
	Buckets(ctx context.Context, ruleKey string, width time.Duration, from schema.Millis, through uint64, except []uint64, use func(BucketMatches)) error
}

// usualOf is what the plan has learned, read from the store if need be.
func (s *Scheduler) usualOf(ctx context.Context, plan *compiler.Plan, fresh bool, through uint64) (*usual, error) {
	if u := s.usual[plan.Key]; u != nil {
		return u, nil
	}
	u := newUsual(plan)
	u.counted = through
	if !fresh {
		if err := s.flush(ctx); err != nil { // buckets are counted from what is stored
			return nil, err
		}
		if err := u.load(ctx, s.deps.Models, through, s.recountAsides(plan.Key)); err != nil {
			return nil, fmt.Errorf("load what is usual for rule %s: %w", plan.Rule.ID, err)
		}
		if u.earlier > 0 {
			s.deps.Log.Info("models of an earlier version of nightjar go on; what they lack is learned from now on", "rule", plan.Rule.ID, "models", u.earlier)
		}
	}
	s.usual[plan.Key] = u
	return u, nil
}

// settle lets go of what no event can change any more: of knowledge that is
// forgotten, and of buckets, which go into models that are stored.
func (s *Scheduler) settle(ctx context.Context) error {
	for key, k := range s.known {
		if !s.resumes(key) {
			k.settle(s.deps.Lateness)
		}
	}
	total := 0
	for key, u := range s.usual {
		total += len(u.series)
		if s.resumes(key) {
			continue
		}
		newest := u.newest
		if v := s.vigils[key]; v != nil { // closed buckets are judged before they are settled
			newest = min(newest, v.judged)
		}
		horizon, some, err := u.settle(newest, s.deps.Lateness, func(part []SeriesModel) error {
			return s.deps.Models.SaveModels(ctx, key, part, 0)
		})
		if err != nil {
			return fmt.Errorf("learn and store what is usual for rule %s: %w", u.plan.Rule.ID, err)
		}
		if !some {
			u.settled = horizon
			continue
		}
		if err := s.deps.Models.SaveModels(ctx, key, nil, schema.Millis(horizon*u.width)); err != nil {
			return fmt.Errorf("store what is usual: %w", err)
		}
		u.settled = horizon
	}
	s.metrics.series.Set(float64(total))
	return nil
}

func (u *usual) load(ctx context.Context, from Models, through uint64, except []uint64) error {
	models, settledAt, err := from.LoadModels(ctx, u.plan.Key)
	if err != nil {
		return err
	}
	for _, m := range models {
		s := u.of(m.Label, m.Group)
		s.base = new(anomaly.Model)
		if err := s.base.UnmarshalBinary(m.State); err != nil {
			return err
		}
		if s.base.HoldFor(u.plan.MaxDuration) {
			u.earlier++
		}
		s.first, s.heard, s.begun = s.base.First()/u.width, s.base.Heard()/u.width, true
	}
	u.settled = u.bucketOf(settledAt)
	return from.Buckets(ctx, u.plan.Key, u.plan.Anomaly.Bucket, settledAt, through, except, func(b BucketMatches) {
		s := u.of(b.Label, b.Group)
		if s.base != nil && b.Bucket < s.base.Next()/u.width {
			return
		}
		s.changed(b.Bucket)
		u.peers.top = max(u.peers.top, b.Bucket)
		if u.plan.Labels[b.Label].Aggregation == compiler.AggCount {
			s.counts.add(b.Bucket, b.Count)
		} else {
			s.sum(u.plan, b.Bucket).refill(b)
		}
	})
}
