package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"nightjar/schema"
)

// The server's codes for a disk that takes no more: NOT_ENOUGH_SPACE, and a write,
// a sync or a close of a file that failed.
var diskCodes = []int32{243, 75, 76, 77}

// storeError marks what went wrong with saving as schema.ErrNoSpace where the
// server's disk is full, and as schema.ErrUnavailable where the server gave no answer.
// Anything else stays what it is.
func storeError(err error) error {
	var said *ch.Exception
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &said):
		if slices.Contains(diskCodes, said.Code) || strings.Contains(said.Message, "No space left on device") || strings.Contains(said.Message, "Read-only file system") {
			return fmt.Errorf("%w: %w", schema.ErrNoSpace, err)
		}
		return err
	}
	return fmt.Errorf("%w: %w", schema.ErrUnavailable, err)
}
