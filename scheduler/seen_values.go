package scheduler

import (
	"context"
	"fmt"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
)

// Knowledge keeps what rules have seen before, for those that look for new
// values.
type Knowledge interface {
	// Load reads all that a rule knows.
	Load(ctx context.Context, ruleKey string, values func(detect.SeenValue), groups func(detect.SeenGroup)) error
	// Learn stores changes; storing one twice changes nothing.
	Learn(ctx context.Context, ruleKey string, values []detect.SeenValue, groups []detect.SeenGroup) error
}

// seenValues is what the plan knows, read from the store if need be.
func (ev *evaluator) seenValues(ctx context.Context, plan *compiler.BoundPlan, fresh bool) (*detect.SeenValues, error) {
	if k := ev.seen[plan.Key]; k != nil {
		return k, nil
	}
	k := detect.NewSeenValues(plan.Novelty)
	if !fresh {
		if err := ev.deps.Knowledge.Load(ctx, plan.Key, k.Restore, k.RestoreGroup); err != nil {
			return nil, fmt.Errorf("load what rule %s knows: %w", plan.Rule.ID, err)
		}
	}
	ev.seen[plan.Key] = k
	return k, nil
}

// storeSeenValues stores what plans have learnt. Those that still have something to
// look at again are left out, and named: their place must not be saved either.
func (ev *evaluator) storeSeenValues(ctx context.Context) (behind map[string]bool, err error) {
	behind = map[string]bool{}
	values := 0
	for key, k := range ev.seen {
		if k.Unevaluated() {
			behind[key] = true
			continue
		}
		for vs, gs := k.Unstored(); len(vs)+len(gs) > 0; vs, gs = k.Unstored() {
			if err := ev.deps.Knowledge.Learn(ctx, key, vs, gs); err != nil {
				return nil, fmt.Errorf("store what rules know: %w", err)
			}
			k.Stored(vs, gs)
		}
		values += k.Size()
	}
	ev.metrics.known.Set(float64(values))
	return behind, nil
}
