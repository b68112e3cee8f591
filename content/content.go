package content

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Files are the bundled rules with their tests (rules/*.json, rules/*_test.yaml), samples (samples/*), policies
// (agent/*.policy) and pipelines with their samples (pipelines/*.yaml).
//
//go:embed rules/*.json rules/*_test.yaml samples agent/*.policy pipelines
var Files embed.FS

// SamplesOf is the text of the samples of a bundled pipeline; empty: it has none, or there is
// no such pipeline.
func SamplesOf(pipeline string) (string, error) {
	if pipeline == "" || strings.ContainsAny(pipeline, "/\\") {
		return "", nil
	}
	text, err := fs.ReadFile(Files, "pipelines/"+pipeline+".test.yaml")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the samples of pipeline %s: %w", pipeline, err)
	}
	return string(text), nil
}
