package content

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"nightjar/compiler/search"
	"nightjar/ingest"
	"nightjar/ingest/files"
	"nightjar/ingest/pipeline"
	"nightjar/schema"
)

// sentLog is a log as its sender writes it, and what has to be found in it.
type sentLog struct {
	File     string
	Pipeline string
	// Why says which oddities of the source are in it.
	Why string
	// Source is what the sender says that it is; empty: nobody says, and it is guessed.
	Source string
	// Events is how many events it is.
	Events int
	// Untimed is how many of them say no time, and happened when they arrived.
	Untimed int
	// Sources are how many events each source has, where it is not all the same one.
	Sources map[string]int
	// Counts are how many events match each query.
	Counts map[string]int
}

// sentAfter is when the logs are read, which bounds times without a year.
var sentAfter = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

// TestTheLogOfEverySourceIsReadAsItsSenderMeantIt reads a log of each source that has a
// pipeline, as nightjar ingest reads a file, with all pipelines in force.
func TestTheLogOfEverySourceIsReadAsItsSenderMeantIt(t *testing.T) {
	text, err := os.ReadFile("testdata/logs/expected.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var logs []sentLog
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&logs); err != nil {
		t.Fatal(err)
	}
	pipelines, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	read, listed := map[string]bool{}, map[string]bool{"expected.yaml": true}
	set := pipeline.NewSet(pipelines, pipeline.Deps{Budget: -1})
	for _, l := range logs {
		listed[l.File], read[l.Pipeline] = true, true
		t.Run(l.File, func(t *testing.T) { l.check(t, set) })
	}
	for _, p := range pipelines {
		if !read[p.ID] {
			t.Errorf("testdata/logs/expected.yaml has no log for pipeline %s", p.ID)
		}
	}
	found, err := os.ReadDir("testdata/logs")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if !listed[f.Name()] {
			t.Errorf("testdata/logs/%s is not in expected.yaml", f.Name())
		}
	}
}

func (l *sentLog) check(t *testing.T, set ingest.Pipelines) {
	events := l.read(t, set)
	if len(events) != l.Events {
		t.Errorf("%d events, want %d", len(events), l.Events)
	}
	if len(l.Counts) < 3 || len(l.Why) < 30 || l.Events < 3 {
		t.Errorf("it says too little: %d counts, %d events, why %q", len(l.Counts), l.Events, l.Why)
	}
	sources, untimed := map[string]int{}, 0
	for i := range events {
		sources[events[i].Source]++
		if events[i].At == ingest.NoTime {
			untimed++
		}
		if wrong := events[i].Lookup("nightjar.pipeline_errors"); len(wrong) > 0 {
			t.Errorf("event %d: %s", i+1, wrong[0].Text())
		}
	}
	if untimed != l.Untimed {
		t.Errorf("%d events have no time, want %d", untimed, l.Untimed)
	}
	for source, n := range l.Sources {
		if sources[source] != n {
			t.Errorf("source %s: %d events, want %d", source, sources[source], n)
		}
	}
	if len(l.Sources) == 0 && len(sources) != 1 || len(l.Sources) > 0 && len(l.Sources) != len(sources) {
		t.Errorf("sources %v, want %v", sources, l.Sources)
	}
	for query, want := range l.Counts {
		q, err := search.Parse(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		got := len(slices.DeleteFunc(slices.Clone(events), func(e schema.Event) bool { return !q.Match(&e) }))
		if got != want {
			t.Errorf("%s: %d events, want %d", query, got, want)
		}
	}
}

// read gives the events of the log, in the order of the file.
func (l *sentLog) read(t *testing.T, set ingest.Pipelines) []schema.Event {
	t.Helper()
	decoder := ingest.NewOffline(sentAfter, nil, set)
	decoder.Source = l.Source
	var out []schema.Event
	err := files.Each(filepath.Join("testdata/logs", l.File), files.Options{}, func(r files.Record) error {
		if !r.JSON {
			if len(bytes.TrimSpace(r.Text)) > 0 {
				out = append(out, decoder.Line(slices.Clone(r.Text)))
			}
			return nil
		}
		events, err := decoder.JSON(slices.Clone(r.Text))
		out = append(out, events...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
