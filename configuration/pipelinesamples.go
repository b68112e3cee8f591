package configuration

import (
	"nightjar/objects"
	"nightjar/schema"
)

// PipelineSamples are what a pipeline has to make of events, as `nightjar pipelines test`
// reads them. They outlive their pipeline, which may be restored.
type PipelineSamples struct {
	PipelineID string `json:"pipeline_id"`
	Text       string `json:"text"` // YAML; empty: there are none any more
}

// PipelineSamplesKind is a kind, of which there is one object for each pipeline at most.
var PipelineSamplesKind = objects.Kind[PipelineSamples]{
	Name: "pipeline samples", NewID: schema.NewID, NoLog: true,
	Check: func(s *PipelineSamples) error {
		return checkTests("pipeline_id", s.PipelineID, s.Text, "nightjar pipelines test")
	},
}
