package registry

import (
	"encoding/json"
	"fmt"
	"slices"

	"nightjar/ingest/pipeline"
	"nightjar/schema"
)

// referenceTypes are the types of processors that the reference has. Its clients cannot
// read a list with another in it.
var referenceTypes = []string{
	"arithmetic-processor", "array-map-processor", "array-processor", "attribute-remapper", "category-processor", "date-remapper",
	"decoder-processor", "exclude-attribute", "geo-ip-parser", "grok-parser", "lookup-processor", "message-remapper", "pipeline",
	"schema-processor", "service-remapper", "span-id-remapper", "status-remapper", "string-builder-processor", "trace-id-remapper",
	"url-parser", "user-agent-parser",
}

// ForReference is the pipeline as JSON that the reference's clients read: without the
// processors that only nightjar has. Hidden are the indexes of these.
func ForReference(p *pipeline.Pipeline) (document []byte, hidden []string, err error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, nil, err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, nil, err
	}
	if hidden, err = hideExtensions(body, ""); err != nil || len(hidden) == 0 {
		return text, nil, err
	}
	document, err = json.Marshal(body)
	return document, hidden, err
}

// hideExtensions takes them out of an object's processors, and out of nested ones.
func hideExtensions(body map[string]json.RawMessage, at string) (hidden []string, err error) {
	var list []map[string]json.RawMessage
	if body["processors"] == nil || json.Unmarshal(body["processors"], &list) != nil {
		return nil, nil
	}
	kept := []map[string]json.RawMessage{}
	for i, p := range list {
		place := fmt.Sprintf("%sprocessors[%d]", at, i)
		var kind string
		_ = json.Unmarshal(p["type"], &kind) // every processor has one
		if !slices.Contains(referenceTypes, kind) {
			hidden = append(hidden, place+" ("+kind+")")
			continue
		}
		if kind == "pipeline" {
			inner, err := hideExtensions(p, place+".")
			if err != nil {
				return nil, err
			}
			hidden = append(hidden, inner...)
		}
		kept = append(kept, p)
	}
	if len(hidden) > 0 {
		body["processors"], err = json.Marshal(kept)
	}
	return hidden, err
}

// keepsExtensions refuses a document that a client of the reference made of what it was
// shown of a pipeline: what was hidden from it would be lost.
func keepsExtensions(was, is *pipeline.Pipeline) error {
	_, had, err := ForReference(was)
	if err != nil || len(had) == 0 {
		return err
	}
	_, has, err := ForReference(is)
	if err != nil || len(has) > 0 {
		return err
	}
	return &schema.InvalidError{Details: []schema.Detail{{Target: "processors", Message: fmt.Sprintf(
		"the pipeline has processors that the reference's API does not show (%s), and the new document would lose them; change it with nightjar pipelines, or at /api/nightjar/v1/pipelines", joined(had))}}}
}
