package ingest

import (
	"strings"

	"nightjar/schema"
)

// windowsEvents is the source of events of Windows.
const windowsEvents = "windows.events"

// guess gives an event that says no source, and of which the request says none, the
// source that its shape has.
func guess(e *schema.Event, pairs []schema.Pair) {
	for _, p := range pairs {
		if p.Key != eventLog {
			continue
		}
		if channel := p.Value.GetStringBytes("System", "Channel"); channel != nil {
			e.Source = first(e.Source, windowsEvents)
			e.Service = first(e.Service, channelFamily(string(channel)))
		}
	}
}

// channelFamily is what a channel of Windows is of: Sysmon for
// Microsoft-Windows-Sysmon/Operational.
func channelFamily(channel string) string {
	family, _, _ := strings.Cut(strings.TrimPrefix(channel, "Microsoft-Windows-"), "/")
	return family
}
