package scheduler

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/compiler"
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
	for _, dir := range conformanceCases(t) {
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
			for _, s := range Replay(plan, matches) {
				got = append(got, expectedSignal{s.Case, append([]string{}, Visible(plan, s.Group)...), s.FirstSeen, s.LastSeen, Severity(plan, s)})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("signals differ (-want +got):\n%s", diff)
			}
		})
	}
	if ran < 125 {
		t.Errorf("only %d cases are of a kind that we evaluate", ran)
	}
}

func conformanceCases(t *testing.T) []string {
	dirs, err := filepath.Glob(filepath.Join(testenv.Shared(t, "conformance/signals"), "*"))
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
