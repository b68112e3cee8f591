package configuration

import (
	"fmt"

	"nightjar/objects"
	"nightjar/schema"
)

// PipelineSamples are what a pipeline has to make of events, as `nightjar pipelines test`
// reads them. They outlive their pipeline, which may be restored.
type PipelineSamples struct {
	PipelineID string `json:"pipeline_id"`
	Text       string `json:"text"` // YAML; empty: there are none any more
}

// MaxPipelineSamples is how large the samples of a pipeline may be, in bytes.
const MaxPipelineSamples = 1 << 20

// PipelineSamplesKind is a kind, of which there is one object for each pipeline at most.
var PipelineSamplesKind = objects.Kind[PipelineSamples]{
	Name: "pipeline samples", NewID: schema.NewID, NoLog: true,
	Check: func(s *PipelineSamples) error {
		var bad faults
		bad.required("pipeline_id", s.PipelineID)
		if len(s.Text) > MaxPipelineSamples {
			bad.Add("text", fmt.Sprintf("at most %d bytes, got %d; keep the rest in a file, for `nightjar pipelines test`", MaxPipelineSamples, len(s.Text)))
		}
		return bad.Err()
	},
}
