package content

import (
	"path"
	"strings"
	"testing"

	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/sampletest"
)

// TestPipelinesMakeOfTheirSamplesWhatTheySay runs the samples of every pipeline that
// ships, with all of them in force. A line with - is wanted, one with + is there.
func TestPipelinesMakeOfTheirSamplesWhatTheySay(t *testing.T) {
	pipelines, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	set := pipeline.NewSet(pipelines, pipeline.Deps{Budget: -1})
	files, err := pipeline.LoadSamples(Files, "pipelines")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, f := range files {
		t.Run(strings.TrimSuffix(path.Base(f.File), ".test.yaml"), func(t *testing.T) {
			tested[f.Pipeline] = true
			runSamples(t, set, f)
		})
	}
	for _, p := range pipelines {
		if !tested[p.ID] {
			t.Errorf("pipelines/%s.yaml has no samples: write pipelines/%s.test.yaml", p.ID, p.ID)
		}
	}
}

func runSamples(t *testing.T, set *pipeline.Set, f *pipeline.Samples) {
	known := false
	for _, p := range set.Pipelines() {
		known = known || p.ID == f.Pipeline
	}
	if !known {
		t.Errorf("%s is for %q, and there is no such pipeline", f.File, f.Pipeline)
	}
	for i := range f.Samples {
		s := &f.Samples[i]
		t.Run(s.Name, func(t *testing.T) {
			differs, err := sampletest.Run(set, f.Pipeline, s)
			if err != nil {
				t.Fatal(err)
			}
			if differs != "" {
				t.Errorf("content/%s:%d\n%s", f.File, s.Line, differs)
			}
		})
	}
}

// No rule of a pipeline that ships needs the backtracking engine.
func TestNoPipelineThatShipsIsDear(t *testing.T) {
	pipelines, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pipelines {
		for _, d := range p.Dear {
			t.Errorf("%s: %+v", p.ID, d)
		}
	}
}
