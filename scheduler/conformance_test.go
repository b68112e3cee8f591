package scheduler

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
	"nightjar/testenv"
)

// expectedSignal is a signal as the independent evaluator's files have it.
type expectedSignal struct {
	Case      int           `json:"case"`
	Group     []string      `json:"group"`
	FirstSeen schema.Millis `json:"first_seen"`
	LastSeen  schema.Millis `json:"last_seen"`
	Severity  string        `json:"severity"`
}

// TestReplayGivesTheExpectedSignals runs a selection of the independent evaluator's
// cases, and all of them where they lie.
func TestReplayGivesTheExpectedSignals(t *testing.T) {
	t.Parallel()
	t.Run("selection", func(t *testing.T) { replaysAreExpected(t, selectedCases(t), 62) })
	t.Run("shared", func(t *testing.T) { replaysAreExpected(t, otherCases(t), 123) })
}

func replaysAreExpected(t *testing.T, dirs []string, atLeast int) {
	ran := 0
	for _, dir := range dirs {
		plan, events, want := readCase(t, dir)
		if plan.Unsupported != "" {
			continue
		}
		ran++
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var matches []compiler.Match
			for i := range events {
				matches = append(matches, plan.Matches(&events[i])...)
			}
			got := []expectedSignal{}
			for _, s := range detect.Replay(plan, matches, readHorizon(t, dir, events)) {
				got = append(got, expectedSignal{s.Case, append([]string{}, detect.Visible(plan, s.Group)...), s.FirstSeen, s.LastSeen, Severity(plan, s)})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("signals differ (-want +got):\n%s", diff)
			}
		})
	}
	if ran < atLeast {
		t.Errorf("only %d cases are of a kind that we evaluate, want %d", ran, atLeast)
	}
}

// newest is the horizon of a file: the time of its newest event.
func newest(events []schema.Event) detect.Horizon {
	until := schema.MinMillis
	for i := range events {
		until = max(until, events[i].At)
	}
	return detect.Over(detect.Always, until)
}

// readHorizon is what the case's until.txt says, where it has one.
func readHorizon(t *testing.T, dir string, events []schema.Event) detect.Horizon {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "until.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		return newest(events)
	}
	var until schema.Millis
	if err == nil {
		_, err = fmt.Sscan(string(text), &until)
	}
	if err != nil {
		t.Fatal(err)
	}
	return detect.Over(detect.Always, until)
}

// selectedCases are the cases that a clone has.
func selectedCases(t *testing.T) []string { return conformanceCases(t, "testdata/conformance") }

// otherCases are those that lie in the shared folder only.
func otherCases(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(conformanceCases(t, testenv.Shared(t, "conformance")), func(dir string) bool { return !isOther(dir) })
}

// isOther reports whether a case is not among those that a clone has.
func isOther(dir string) bool {
	_, err := os.Stat(filepath.Join("testdata/conformance", caseName(dir)))
	return err != nil
}

// caseName is the kind and number of a case.
func caseName(dir string) string {
	return filepath.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(dir))
}

// conformanceCases are the folders of cases below root, those of silences included.
func conformanceCases(t *testing.T, root string) []string {
	t.Helper()
	var dirs []string
	for _, kind := range []string{"signals", "absence"} {
		of, err := filepath.Glob(filepath.Join(root, kind, "*"))
		if err != nil || len(of) == 0 {
			t.Fatalf("no cases of %s in %s: %v", kind, root, err)
		}
		dirs = append(dirs, of...)
	}
	return dirs
}

func readCase(t *testing.T, dir string) (*compiler.BoundPlan, []schema.Event, []expectedSignal) {
	t.Helper()
	var rule schema.Rule
	readJSON(t, filepath.Join(dir, "rule.json"), &rule)
	compiled, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	plan := compiled.Bind()
	var want []expectedSignal
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	return plan, readEvents(t, filepath.Join(dir, "events.ndjson")), want
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func readEvents(t *testing.T, path string) []schema.Event {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []schema.Event
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Timestamp                              schema.Millis
			Source, Service, Host, Status, Message string
			Tags                                   []string
			Attributes                             json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		attributes, err := schema.ParseAttributes(string(line.Attributes))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, schema.Event{
			Seq: uint64(len(out) + 1), At: line.Timestamp, Seen: line.Timestamp, Source: line.Source, Service: line.Service,
			Host: line.Host, Status: line.Status, Message: line.Message, Tags: line.Tags, Attributes: attributes,
		})
	}
	return out
}
