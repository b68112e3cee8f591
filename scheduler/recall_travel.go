package scheduler

import (
	"context"

	"nightjar/compiler"
	"nightjar/schema"
)

// recallWays reads more of the past of travellers who stayed at one address for
// longer than their rule looks back, and have left it now.
func (s *Scheduler) recallWays(ctx context.Context, units []*unit) error {
	for back := travelWithin; ; back *= 2 {
		var short []*unit
		for _, u := range units {
			if u.plan.Method == compiler.MethodTravel && reachesFurther(u.matches, u.from, u.earliest(u.chained)) {
				u.from -= back
				short = append(short, u)
			}
		}
		if len(short) == 0 {
			return nil
		}
		if err := s.recallMatches(ctx, short); err != nil {
			return err
		}
	}
}

// wayOf are the matches of a group that say where a traveller was at a moment.
func (s *Scheduler) wayOf(ctx context.Context, plan *compiler.Plan, group []string, at schema.Millis) (groupMatches, error) {
	for back := travelWithin; ; back *= 2 {
		all, err := s.matchesOf(ctx, plan, group, at-back)
		if err != nil || !reachesFurther(all.own, at-back, at) {
			return all, err
		}
	}
}
