package content

import "embed"

// Files are the bundled rules (rules/*.json), samples (samples/*), policies
// (agent/*.policy) and pipelines with their samples (pipelines/*.yaml).
//
//go:embed rules/*.json samples agent/*.policy pipelines
var Files embed.FS
