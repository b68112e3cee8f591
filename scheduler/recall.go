package scheduler

import (
	"context"

	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// recallFurther reads more of the past where what the rule looks back on leaves open which
// matches count, as of travellers who stayed at one address for longer, and have left it now.
func (ev *evaluator) recallFurther(ctx context.Context, states []*detect.GroupState) error {
	for times := schema.Millis(1); ; times *= 2 {
		var short []*detect.GroupState
		for _, u := range states {
			if detect.ReachesFurther(u.Plan, u.Matches, u.From, u.Earliest(u.Chained)) {
				u.From -= times * schema.Millis(u.Plan.Lookback().Milliseconds())
				short = append(short, u)
			}
		}
		if len(short) == 0 {
			return nil
		}
		if err := ev.recallMatches(ctx, short); err != nil {
			return err
		}
	}
}
