package scheduler

import (
	"strings"
	"time"

	"nightjar/compiler"
)

// SilenceDelays say how far behind the clock silence is judged: long enough for
// the events that are on their way to arrive.
type SilenceDelays struct {
	// Default is for rules that no other delay is for; 0 means DefaultSilenceDelay.
	Default time.Duration
	// BySource are for rules over sources whose events always come late.
	BySource map[string]time.Duration
}

// DefaultSilenceDelay is the silence delay where nobody says otherwise.
const DefaultSilenceDelay = 2 * time.Minute

// Of is the delay of a plan: its rule's own, else the longest of its sources,
// which are all of them where a query names none.
func (d SilenceDelays) Of(plan *compiler.BoundPlan) time.Duration {
	if plan.SilenceDelay != nil {
		return *plan.SilenceDelay
	}
	longest := d.Default
	if longest == 0 {
		longest = DefaultSilenceDelay
	}
	sources := plan.Sources()
	if sources == nil {
		for _, delay := range d.BySource {
			longest = max(longest, delay)
		}
	}
	for _, source := range sources {
		longest = max(longest, d.bySource(source))
	}
	return longest
}

// bySource is the delay of a source, or of those that differ from it in case only:
// a rule in which letter case does not count may mean them.
func (d SilenceDelays) bySource(source string) time.Duration {
	longest := time.Duration(0)
	for name, delay := range d.BySource {
		if strings.EqualFold(name, source) {
			longest = max(longest, delay)
		}
	}
	return longest
}
