package ingest

import (
	"fmt"
	"strings"

	"nightjar/schema"
)

// reserved begins the sources of what the engine says itself, such as its audit log's
// (nightjar-audit): rules trust those events, so that no sender may make them.
const reserved = "nightjar"

// isOwnSource reports whether a source is the engine's own.
func isOwnSource(source string) bool {
	return len(source) >= len(reserved) && strings.EqualFold(source[:len(reserved)], reserved)
}

// checkSources refuses a batch of a sender that has events of the engine's own sources, whole,
// with which one: nothing of it is kept.
func checkSources(events []schema.Event) error {
	for i := range events {
		if isOwnSource(events[i].Source) {
			return &BadInputError{Element: i, Detail: fmt.Sprintf("source %.100q is for what this engine says of itself: sources that begin with %s are refused. Send it under another source; nothing of the batch was kept", events[i].Source, reserved)}
		}
	}
	return nil
}
