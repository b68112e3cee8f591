package scheduler

import (
	"context"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// recallWays reads more of the past of travellers who stayed at one address for
// longer than their rule looks back, and have left it now.
func (s *Scheduler) recallWays(ctx context.Context, units []*detect.GroupState) error {
	for back := detect.TravelWithin; ; back *= 2 {
		var short []*detect.GroupState
		for _, u := range units {
			if u.Plan.Method == schema.MethodImpossibleTravel && detect.ReachesFurther(u.Matches, u.From, u.Earliest(u.Chained)) {
				u.From -= back
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
func (s *Scheduler) wayOf(ctx context.Context, plan *compiler.BoundPlan, group []string, at schema.Millis) (groupMatches, error) {
	for back := detect.TravelWithin; ; back *= 2 {
		all, err := s.matchesOf(ctx, plan, group, at-back)
		if err != nil || !detect.ReachesFurther(all.own, at-back, at) {
			return all, err
		}
	}
}
