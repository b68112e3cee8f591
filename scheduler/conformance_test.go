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

func TestReplayGivesTheExpectedSignals(t *testing.T) {
	ran := 0
	for _, dir := range slices.Concat(conformanceCases(t, "signals"), conformanceCases(t, "absence")) {
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
	if ran < 185 {
		t.Errorf("only %d cases are of a kind that we evaluate", ran)
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

func conformanceCases(t *testing.T, kind string) []string {
	dirs, err := filepath.Glob(filepath.Join(testenv.Shared(t, "conformance/"+kind), "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return dirs
}

func readCase(t *testing.T, dir string) (*compiler.Plan, []schema.Event, []expectedSignal) {
	t.Helper()
	var rule schema.Rule
	readJSON(t, filepath.Join(dir, "rule.json"), &rule)
	plan, _, err := compiler.Compile(rule)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
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
