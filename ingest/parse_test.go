package ingest

import (
	"time"

	"nightjar/schema"
)

var testNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func value(e *schema.Event, path string) string {
	if l := e.Lookup(path); len(l) == 1 {
		return l[0].Text()
	}
	return "?"
}
