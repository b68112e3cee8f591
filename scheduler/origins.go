package scheduler

import (
	"slices"
	"strings"

	"nightjar/compiler"
	"nightjar/schema"
)

// maxOrigins is how many sources, services and hosts each a signal lists: the
// first in the order of the alphabet, whatever the order in which events come.
const maxOrigins = 100

// origins are where the events of a signal came from, as tags; last is the list
// that was looked at last, since neighbours mostly share theirs.
type origins struct {
	tags map[string]bool
	last []string
}

// add notes where an event with these tags came from.
func (o *origins) add(tags []string) {
	if len(tags) == 0 || len(tags) == len(o.last) && &tags[0] == &o.last[0] {
		return
	}
	o.last = tags
	for _, t := range tags {
		if compiler.IsOrigin(t) {
			if o.tags == nil {
				o.tags = map[string]bool{}
			}
			o.tags[t] = true
		}
	}
}

// with are the tags that all events have, sorted, and those of origins.
func (o *origins) with(common []string) []string {
	out := slices.Clone(common)
	for t := range o.tags {
		if !slices.Contains(common, t) {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	counts := map[string]int{}
	return slices.DeleteFunc(out, func(t string) bool {
		if !compiler.IsOrigin(t) {
			return false
		}
		key, _, _ := strings.Cut(t, ":")
		counts[key]++
		return counts[key] > maxOrigins
	})
}

// originsOf are the values of source, service and host of a signal: from its
// tags and, of one whose matches were stored without them, from its samples.
func originsOf(sig *schema.Signal, samples []schema.Event) map[string][]string {
	out := map[string][]string{}
	add := func(key, value string) {
		if value != "" && !slices.Contains(out[key], value) && len(out[key]) < maxOrigins {
			out[key] = append(out[key], value)
		}
	}
	for _, t := range sig.EventTags {
		if compiler.IsOrigin(t) {
			key, value, _ := strings.Cut(t, ":")
			add(key, value)
		}
	}
	for i := range samples {
		for _, key := range compiler.OriginKeys {
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
func putOrigins(doc map[string]any, of map[string][]string) {
	put := func(key string, values []string) {
		if _, taken := doc[key]; taken || len(values) == 0 {
			return
		}
		if doc[key] = any(values); len(values) == 1 {
			doc[key] = values[0]
		}
		if len(values) == maxOrigins {
			own := within(doc, "nightjar")
			own[key+"_truncated"] = true
		}
	}
	for _, key := range compiler.OriginKeys {
		put(key, of[key])
	}
	put("hostname", of["host"])
}
