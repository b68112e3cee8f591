package sampletest

import (
	"strings"

	"nightjar/ingest/pipeline"
	"nightjar/schema"
)

// withOwn adds what the intake will say of itself.
func withOwn(attributes string, names, errors []string) string {
	list := func(texts []string) string {
		quoted := make([]string, len(texts))
		for i, t := range texts {
			quoted[i] = schema.QuoteJSON(t)
		}
		return "[" + strings.Join(quoted, ",") + "]"
	}
	own := `"` + pipeline.OwnAttribute + `":{"pipelines":` + list(names) + `,"pipeline_errors":` + list(errors) + "}"
	inner := strings.TrimSuffix(strings.TrimPrefix(attributes, "{"), "}")
	if inner != "" {
		own = "," + own
	}
	return "{" + inner + own + "}"
}
