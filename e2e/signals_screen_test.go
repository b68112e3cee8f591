package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

// A signal is a screen where somebody asks for one, and JSON in a pipe; the
// commands that it suggests find its events.
func TestASignalIsShownToPeople(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.run(exitOK, "rules", "apply", f.put("one.json", ruleFile))
	var lines []string
	at := time.Now().Add(-1e9)
	for i := range 5 {
		lines = append(lines, fmt.Sprintf(`{"timestamp":%d,"source":"sshd","host":"h","message":"m %d","attributes":{"usr":{"name":"u"}}}`, schema.MillisOf(at)+schema.Millis(i), i))
	}
	f.run(exitOK, "ingest", "--source", "sshd", f.put("e.ndjson", strings.Join(lines, "\n")))
	f.p.caughtUp()
	list, _ := f.run(exitOK, "signals", "list", "--output", "jsonl")
	var s struct{ ID string }
	if err := json.Unmarshal([]byte(list), &s); err != nil {
		t.Fatalf("%v: %s", err, list)
	}
	piped, _ := f.run(exitOK, "signals", "get", s.ID)
	if !json.Valid([]byte(piped)) || !strings.Contains(piped, s.ID) {
		t.Errorf("in a pipe: %s", piped)
	}
	shown, _ := f.run(exitOK, "signals", "get", s.ID, "--output", "table")
	for _, want := range []string{"HIGH  one", "host = h", "5 events", "a > 3 within 5m", "EVENTS (3 of 5)", "NEXT"} {
		if !strings.Contains(shown, want) {
			t.Errorf("there is no %q in\n%s", want, shown)
		}
	}
	_, search, _ := strings.Cut(shown, "nightjar search '")
	query, rest, _ := strings.Cut(search, "' ")
	times, _, _ := strings.Cut(rest, "\n")
	if found, _ := f.run(exitOK, append([]string{"search", query}, strings.Fields(times)...)...); strings.Count(found, "\n") != 5 {
		t.Errorf("%q finds %s", query, found)
	}
}
