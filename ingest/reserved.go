package ingest

import (
	"fmt"
	"strings"

	"nightjar/schema"
)

// reserved begins the sources of what the engine says itself, such as its audit log's
// (nightjar-audit): rules trust those events, so that no sender may make them.
const reserved = "nightjar"

// claimed begins the source of an event whose sender said one of the engine's own.
const claimed = "claims-"

// isOwnSource reports whether a source is the engine's own.
func isOwnSource(source string) bool {
	return len(source) >= len(reserved) && strings.EqualFold(source[:len(reserved)], reserved)
}

// disownSources has events that say a source of the engine's own stand under another one,
// which tells what they said, and returns how many those were. They are not refused: what
// comes together is of many, and a line that anybody can have logged is not to cost the
// others theirs.
func disownSources(events []schema.Event) (n int) {
	for i := range events {
		if e := &events[i]; isOwnSource(e.Source) {
			e.Source = claimed + e.Source
			n++
		}
	}
	return n
}

// disownedWarning tells a sender of such events.
func disownedWarning(n int) string {
	return fmt.Sprintf("%d events say a source that begins with %s, which is for what this engine says of itself: theirs begins with %s now", n, reserved, claimed)
}
