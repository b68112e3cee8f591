package ingest

import "github.com/valyala/fastjson"

// slot is a name under which senders write one of the reserved fields. Those of
// one field stand together, in the order in which they are looked at.
type slot int

const (
	slotMessage slot = iota
	slotMsg
	slotLog
	slotMessageOfWindows
	slotMessageOfJournal
	slotBody
	slotRaw

	slotDdsource
	slotSource

	slotService
	slotServiceDotName
	slotDdService
	slotSyslogAppname

	slotHost
	slotHostname
	slotSyslogHostname
	slotHostnameOfWindows
	slotComputer
	slotHostDotName
	slotHostOfSyslog

	slotStatus
	slotSeverity
	slotLevel
	slotSyslogSeverity
	slotLogDotLevel
	slotSeverityText
	slotSeverityOfWindows

	slotTimestamp
	slotDate
	slotAtTimestamp
	slotUnderTimestamp
	slotBigTimestamp
	slotEventTime
	slotPublishedDate
	slotTime
	slotTs
	slotTimeCreated
	slotUtcTime
	slotBigEventTime
	slotRequestReceived
	slotUnderTime

	slots
	noSlot slot = -1
)

// span are the slots of one reserved field, from the first to the last.
type span struct{ first, last slot }

// fields are the names of each reserved field.
var fields = struct{ message, source, service, host, status, time span }{
	message: span{slotMessage, slotRaw}, source: span{slotDdsource, slotSource}, service: span{slotService, slotSyslogAppname},
	host: span{slotHost, slotHostOfSyslog}, status: span{slotStatus, slotSeverityOfWindows}, time: span{slotTimestamp, slotUnderTime},
}

// slotOf is the slot of a member of the event itself.
func slotOf(key []byte) slot {
	if len(key) < len("ts") || len(key) > len("requestReceivedTimestamp") {
		return noSlot
	}
	switch string(key) {
	case "message":
		return slotMessage
	case "msg":
		return slotMsg
	case "log":
		return slotLog
	case "Message":
		return slotMessageOfWindows
	case "MESSAGE":
		return slotMessageOfJournal
	case "body":
		return slotBody
	case "_raw":
		return slotRaw
	case "ddsource":
		return slotDdsource
	case "source":
		return slotSource
	case "service":
		return slotService
	case "service.name":
		return slotServiceDotName
	case "dd.service":
		return slotDdService
	case "syslog.appname":
		return slotSyslogAppname
	case "host":
		return slotHost
	case "hostname":
		return slotHostname
	case "syslog.hostname":
		return slotSyslogHostname
	case "Hostname":
		return slotHostnameOfWindows
	case "Computer":
		return slotComputer
	case "host.name":
		return slotHostDotName
	case "HOST":
		return slotHostOfSyslog
	case "status":
		return slotStatus
	case "severity":
		return slotSeverity
	case "level":
		return slotLevel
	case "syslog.severity":
		return slotSyslogSeverity
	case "log.level":
		return slotLogDotLevel
	case "severity_text":
		return slotSeverityText
	case "Severity":
		return slotSeverityOfWindows
	}
	return timeSlotOf(key)
}

func timeSlotOf(key []byte) slot {
	switch string(key) {
	case "timestamp":
		return slotTimestamp
	case "date":
		return slotDate
	case "@timestamp":
		return slotAtTimestamp
	case "_timestamp":
		return slotUnderTimestamp
	case "Timestamp":
		return slotBigTimestamp
	case "eventTime":
		return slotEventTime
	case "published_date":
		return slotPublishedDate
	case "time":
		return slotTime
	case "ts":
		return slotTs
	case "TimeCreated":
		return slotTimeCreated
	case "UtcTime":
		return slotUtcTime
	case "EventTime":
		return slotBigEventTime
	case "requestReceivedTimestamp":
		return slotRequestReceived
	case "_time":
		return slotUnderTime
	}
	return noSlot
}

// own are the names that are of the field and of nothing else: what gave the field
// its value is no attribute as well. All others are.
var own = [slots]bool{
	slotMessage: true, slotDdsource: true, slotSource: true, slotService: true, slotHost: true, slotHostname: true,
	slotStatus: true, slotTimestamp: true, slotDate: true,
}

// ownNames are these names.
var ownNames = [slots]string{
	slotMessage: "message", slotDdsource: "ddsource", slotSource: "source", slotService: "service", slotHost: "host", slotHostname: "hostname",
	slotStatus: "status", slotTimestamp: "timestamp", slotDate: "date",
}

// inner are the slots that stand within an object, by its key and theirs.
var inner = []struct {
	owner, key string
	slot       slot
}{
	{"service", "name", slotServiceDotName}, {"dd", "service", slotDdService}, {"host", "name", slotHostDotName},
	{"syslog", "appname", slotSyslogAppname}, {"syslog", "hostname", slotSyslogHostname}, {"syslog", "severity", slotSyslogSeverity},
	{"log", "level", slotLogDotLevel},
}

// named are the members of one object that a reserved field may be read from.
type named [slots]*fastjson.Value

// take keeps a member in its slot, if it has one, and what stands within it.
func (n *named) take(s slot, key []byte, v *fastjson.Value) {
	if s >= 0 {
		n[s] = v
	}
	if len(key) <= len("service") && v.Type() == fastjson.TypeObject {
		n.within(string(key), v.GetObject())
	}
}

func (n *named) within(owner string, o *fastjson.Object) {
	if owner == eventLog {
		n.ofEventLog(o)
		return
	}
	for _, i := range inner {
		if i.owner == owner {
			if v := o.Get(i.key); v != nil {
				n[i.slot] = v
			}
		}
	}
}

// eventLog is the member that holds an event of Windows as its XML does.
const eventLog = "Event"

// ofEventLog takes what System says of an event of Windows, where the event itself
// says nothing of it.
func (n *named) ofEventLog(o *fastjson.Object) {
	system := o.Get("System")
	for key, s := range map[string]slot{"Computer": slotComputer, "Level": slotLevel, "TimeCreated": slotTimeCreated} {
		if v := system.Get(key); v != nil && n[s] == nil {
			n[s] = v
		}
	}
}

// first is the first of the slots that holds a text which is not empty: a string,
// or a number or boolean as it is written. Objects and arrays are no text.
func (n *named) first(of span) (text string, at slot) {
	for s := of.first; s <= of.last; s++ {
		if text, ok := scalarText(n[s]); ok && text != "" {
			return text, s
		}
	}
	return "", noSlot
}

func scalarText(v *fastjson.Value) (string, bool) {
	if v == nil {
		return "", false
	}
	switch v.Type() {
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return string(s), true
	case fastjson.TypeNumber, fastjson.TypeTrue, fastjson.TypeFalse:
		return string(v.MarshalTo(nil)), true
	}
	return "", false
}
