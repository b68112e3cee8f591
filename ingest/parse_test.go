package ingest

import (
	"fmt"
	"strings"
	"time"

	"nightjar/schema"
)

var testNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// show writes what a line became, for tables: attributes sorted by path.
func show(e schema.Event) string {
	var b strings.Builder
	for _, l := range e.Leaves {
		fmt.Fprintf(&b, "%s=%s ", l.Path, l.Text())
	}
	return strings.TrimSpace(b.String())
}

func clean(s string) string { return strings.TrimSpace(strings.Replace(s, "  ", " ", 1)) }

func value(e *schema.Event, path string) string {
	if l := e.Lookup(path); len(l) == 1 {
		return l[0].Text()
	}
	return "?"
}
