package ingest

import (
	"testing"

	"nightjar/content"
	"nightjar/ingest/pipeline"
)

// shipped are the pipelines that ship.
func shipped(t testing.TB) Pipelines {
	t.Helper()
	all, err := pipeline.Load(content.Files, "pipelines")
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.NewSet(all, pipeline.Deps{Budget: -1})
}
