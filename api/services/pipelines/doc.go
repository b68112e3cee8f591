// Package pipelines serves the pipelines that change events on their way in, and shows
// what they would make of one. Start at PipelineService.
package pipelines
