package engine

import (
	"context"
	"errors"

	"nightjar/api"
	"nightjar/ingest"
	"nightjar/schema"
)

// logDoor is how LogService reaches the intake.
type logDoor struct{ handler *ingest.Handler }

// SubmitJSON implements api.Intake.
func (d logDoor) SubmitJSON(ctx context.Context, batchID string, body []byte) (events int, duplicate bool, warnings []string, err error) {
	taken, err := d.handler.Accept(ctx, batchID, body, ingest.AsJSON)
	if err == nil {
		return taken.Events, taken.Receipt.Duplicate, taken.Warnings, nil
	}
	if after, full, again := ingest.RetryAfter(err); again {
		return 0, false, nil, &api.BusyError{After: after, Full: full, Err: err}
	}
	var bad *ingest.BadInputError
	if errors.As(err, &bad) || errors.Is(err, ingest.ErrTooLarge) {
		return 0, false, nil, &schema.InvalidError{Details: []schema.Detail{{Target: "logs", Message: err.Error()}}}
	}
	return 0, false, nil, err
}

// logMemory is the intake's memory as the API asks for it.
type logMemory struct{ ingest.Memory }

// Take implements api.Memory.
func (m logMemory) Take(ctx context.Context, n int64) error {
	err := m.Memory.Take(ctx, n)
	if after, full, again := ingest.RetryAfter(err); again {
		return &api.BusyError{After: after, Full: full, Err: err}
	}
	return err
}
