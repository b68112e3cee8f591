// Package pipelines serves the pipelines that change events on their way in, and shows
// what they would make of one. Start at PipelineService; workbench.go is what somebody asks
// who writes a pipeline: a text and its mistakes, rules of grok; samples.go keeps and runs its
// samples (TestWhatThePageOfSourcesAsks). A text that it gives is read as the same pipeline
// (TestTextIsReadAsTheSamePipeline).
package pipelines
