package explain

import (
	"context"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Source is what explanations ask of the scheduler. It stands still meanwhile: nothing is
// evaluated between two calls.
type Source interface {
	// Evaluated says how a rule stands. One that there is not is a *schema.NotFoundError.
	Evaluated(ruleID string) (Evaluated, error)
	// Event reads an event, and makes the tables that the plan asks ready for it. One that
	// is gone is a *schema.NotFoundError.
	Event(ctx context.Context, of Evaluated, at schema.Millis, seq uint64) (SeenEvent, error)
	// Matches reads the matches of a full group, from a moment on.
	Matches(ctx context.Context, plan *compiler.BoundPlan, group []string, from schema.Millis) (Matches, error)
	// SeenValues and Baseline are what the plan has learned.
	SeenValues(ctx context.Context, plan *compiler.BoundPlan) (*detect.SeenValues, error)
	Baseline(ctx context.Context, plan *compiler.BoundPlan) (*detect.Baseline, error)
	// Signals reads the signals of a signal group that were alive at a moment or later.
	Signals(ctx context.Context, plan *compiler.BoundPlan, group []string, from schema.Millis) ([]schema.Signal, error)
}

// Evaluated is a rule and how its evaluation stands.
type Evaluated struct {
	Plan *compiler.BoundPlan
	// State and Why are those of Explanation, for groups.
	State, Why string
	// Waiting is how far it was judged what does not happen; nil: the rule waits for
	// nothing.
	Waiting *Waiting
	// Missing says which reference tables there are not, a line for each.
	Missing []string
}

// Waiting is how far it was judged what does not happen.
type Waiting struct {
	Judged schema.Millis
	// Horizon is up to where it may have been told.
	Horizon schema.Millis
	// Delay is how long after a moment it is judged.
	Delay time.Duration
}

// SeenEvent is an event, and whether the rule was asked about it, as Explanation has it.
type SeenEvent struct {
	Event      *schema.Event
	State, Why string
}

// Matches are those of one full group, and those that count for every group.
type Matches struct{ Own, Globals []compiler.Match }
