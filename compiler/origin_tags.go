package compiler

import (
	"slices"
	"strings"
	"unique"

	"nightjar/schema"
)

// An event's source, service and host travel with its matches as tags, so that
// a signal can say where all of its events came from.

// tagsOf are the event's tags and those of its origin.
func tagsOf(e *schema.Event) []string {
	out := make([]string, 0, len(e.Tags)+len(schema.OriginKeys))
	out = append(out, e.Tags...)
	for _, key := range schema.OriginKeys {
		value := e.Reserved(key)
		if value == "" {
			continue
		}
		if tag := unique.Make(key + ":" + value).Value(); !slices.Contains(e.Tags, tag) { // events come from few places
			out = append(out, tag)
		}
	}
	return out
}

// tagsSQL is tagsOf of a row of events.
var tagsSQL = func() string {
	parts := []string{"CAST(tags, 'Array(String)')"}
	for _, key := range schema.OriginKeys {
		parts = append(parts, "if("+key+" = '' OR has(tags, concat('"+key+":', "+key+")), emptyArrayString(), [concat('"+key+":', "+key+")])")
	}
	return "arrayConcat(" + strings.Join(parts, ", ") + ")"
}()
