// Package content holds what ships with nightjar: rules, the policy of an agent that
// is given none, and the sample log of the first start.
package content

import "embed"

// Files are the bundled rules (rules/*.json), samples (samples/*), policies
// (agent/*.policy) and pipelines with their samples (pipelines/*.yaml).
//
//go:embed rules/*.json samples agent/*.policy pipelines
var Files embed.FS
