// Package content holds what ships with nightjar: rules, and the sample log of
// the first start.
package content

import "embed"

// Files are the bundled rules (rules/*.json) and samples (samples/*).
//
//go:embed rules/*.json samples
var Files embed.FS
