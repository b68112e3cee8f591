package vocabulary

import (
	"strings"

	"nightjar/schema"
)

// ecsVersion is the version of the schema whose names the table has.
const ecsVersion = "8.17.0"

// ecs is the event as a document of the Elastic Common Schema.
func ecs(e *schema.Event) tree {
	doc, used := tree{}, map[string]bool{}
	for i := range attributes {
		a := &attributes[i]
		if a.ECS == "" {
			continue
		}
		v, path := a.value(e)
		switch {
		case v == nil:
			continue
		case a.Type == "time":
			v = e.At.String()
		case a.ECS == "event.category":
			v = asList(v) // the schema's own type of it
		}
		name := a.ECS
		if a.notAddress(v) {
			name = strings.TrimSuffix(name, "ip") + "address"
		}
		if doc.put(name, v) {
			used[path] = true
		}
	}
	doc.put("ecs.version", ecsVersion)
	if e.Seen != 0 {
		doc.put("event.ingested", e.Seen.String())
	}
	if rest := unmapped(e, used); len(rest) > 0 {
		doc.put("nightjar.unmapped", rest)
	}
	return doc
}

func asList(v any) any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}
