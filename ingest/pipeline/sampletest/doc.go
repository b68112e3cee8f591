// Package sampletest runs the samples of pipelines as the intake reads events.
//
// Start at Run.
//
// The samples that ship: TestPipelinesMakeOfTheirSamplesWhatTheySay in content. Of the
// recorded events of Windows make test reads every 97th; with NIGHTJAR_ALL_RECORDINGS=1
// all, in minutes.
package sampletest
