package content

import "embed"

// Files are the bundled rules with their tests (rules/*.json, rules/*_test.yaml), samples (samples/*), policies
// (agent/*.policy) and pipelines with their samples (pipelines/*.yaml).
//
//go:embed rules/*.json rules/*_test.yaml samples agent/*.policy pipelines
var Files embed.FS
