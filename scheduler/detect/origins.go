package detect

import (
	"slices"
	"strings"

	"nightjar/schema"
)

// MaxOrigins is how many sources, services and hosts each a signal lists: the
// first in the order of the alphabet, whatever the order in which events come.
const MaxOrigins = 100

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
		if schema.IsOrigin(t) {
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
		if !schema.IsOrigin(t) {
			return false
		}
		key, _, _ := strings.Cut(t, ":")
		counts[key]++
		return counts[key] > MaxOrigins
	})
}
