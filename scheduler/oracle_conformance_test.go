package scheduler

import (
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/scheduler/oracle"
	"nightjar/schema"
	"nightjar/testenv"
)

// TestTheOracleReadsTheSemanticsAsTheyAreMeant holds the evaluator alone to the
// expectations that came with the semantics: all of them where they lie, and a
// selection that a bare clone has.
func TestTheOracleReadsTheSemanticsAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	t.Run("selection", func(t *testing.T) { oracleMeets(t, "testdata/conformance/*/*", 62) })
	t.Run("signals", func(t *testing.T) { oracleMeets(t, filepath.Join(testenv.Shared(t, "conformance/signals"), "*"), 132) })
	t.Run("absence", func(t *testing.T) { oracleMeets(t, filepath.Join(testenv.Shared(t, "conformance/absence"), "*"), 60) })
}

func oracleMeets(t *testing.T, pattern string, atLeast int) {
	t.Helper()
	dirs := must(filepath.Glob(pattern))
	for _, dir := range dirs {
		var rule schema.Rule
		readJSON(t, filepath.Join(dir, "rule.json"), &rule)
		want, got := []expectedSignal{}, []expectedSignal{}
		readJSON(t, filepath.Join(dir, "expected.json"), &want)
		events, horizon := readUntil(t, dir)
		for _, s := range oracle.Signals(rule, events, oracle.Given{Horizon: horizon}) {
			got = append(got, expectedSignal{s.Case, append([]string{}, s.Group...), schema.Millis(s.First), schema.Millis(s.Last), s.Severity})
		}
		sort.Slice(got, func(i, j int) bool { return expectedLess(got[i], got[j]) })
		sort.Slice(want, func(i, j int) bool { return expectedLess(want[i], want[j]) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", dir, rule.Cases, diff)
		}
	}
	if len(dirs) < atLeast {
		t.Errorf("only %d cases are in %s, want %d", len(dirs), pattern, atLeast)
	}
}

// readUntil are a case's events and its horizon: until.txt, which leaves out
// later events, or the time of its newest event.
func readUntil(t *testing.T, dir string) ([]schema.Event, int64) {
	t.Helper()
	events := readEvents(t, filepath.Join(dir, "events.ndjson"))
	text, err := os.ReadFile(filepath.Join(dir, "until.txt"))
	if err != nil {
		return events, oracle.Newest(events)
	}
	until := must(strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64))
	return slices.DeleteFunc(events, func(e schema.Event) bool { return int64(e.At) > until }), until
}

func expectedLess(a, b expectedSignal) bool {
	switch {
	case a.FirstSeen != b.FirstSeen:
		return a.FirstSeen < b.FirstSeen
	case a.Case != b.Case:
		return a.Case < b.Case
	}
	return strings.Join(a.Group, "\x1f") < strings.Join(b.Group, "\x1f")
}
