package scheduler

import (
	"context"

	"nightjar/schema"
)

// Checkpoint is how far a rule run was evaluated. Of each number the largest that was
// saved counts.
type Checkpoint struct {
	// Through: every arrival up to here is evaluated.
	Through uint64
	// SilenceFrom is the moment after which silence is judged; 0 in what versions
	// wrote that did not know silence.
	SilenceFrom schema.Millis
	// Judged and Horizon: silence up to Judged has been told, up to Horizon it may
	// have been. They differ while it is being told.
	Judged, Horizon schema.Millis
}

// Journal remembers how far each rule run was evaluated, by rule key.
type Journal interface {
	Load(ctx context.Context) (map[string]Checkpoint, error)
	Save(ctx context.Context, checkpoints map[string]Checkpoint) error
}
