package scheduler

import (
	"context"

	"nightjar/compiler"
)

// LoadKnown is for benchmarks with a real store: it reads what a plan knows, and
// says how many values and groups that is.
func LoadKnown(ctx context.Context, s *Scheduler, plan *compiler.BoundPlan) (int, error) {
	k, err := s.evaluator.seenValues(ctx, plan, false)
	if err != nil {
		return 0, err
	}
	return k.Size(), nil
}
