package scheduler

import (
	"slices"
	"strings"

	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// originsOf are the values of source, service and host of a signal: from its
// tags and, of one whose matches were stored without them, from its samples.
func originsOf(sig *schema.Signal, samples []schema.Event) map[string][]string {
	out := map[string][]string{}
	add := func(key, value string) {
		if value != "" && !slices.Contains(out[key], value) && len(out[key]) < detect.MaxOrigins {
			out[key] = append(out[key], value)
		}
	}
	for _, t := range sig.EventTags {
		if schema.IsOrigin(t) {
			key, value, _ := strings.Cut(t, ":")
			add(key, value)
		}
	}
	for i := range samples {
		for _, key := range schema.OriginKeys {
			add(key, samples[i].Reserved(key))
		}
	}
	return out
}

// only is the value that there is, or "" where there are several.
func only(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return ""
}

// putOrigins writes them into a signal's document, where its events have no
// attributes of these names: the value, or the list of several.
func putOrigins(doc map[string]any, own *schema.SignalDetails, of map[string][]string) {
	put := func(key string, values []string, truncated *bool) {
		if _, taken := doc[key]; taken || len(values) == 0 {
			return
		}
		if doc[key] = any(values); len(values) == 1 {
			doc[key] = values[0]
		}
		*truncated = len(values) == detect.MaxOrigins
	}
	put("source", of["source"], &own.SourceTruncated)
	put("service", of["service"], &own.ServiceTruncated)
	put("host", of["host"], &own.HostTruncated)
	put("hostname", of["host"], &own.HostnameTruncated)
}
