package ingest

import (
	"github.com/valyala/fastjson"

	"nightjar/ingest/times"
	"nightjar/schema"
)

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
	slotHostOfJournal

	slotStatus
	slotSeverity
	slotLevel
	slotSyslogSeverity
	slotLogDotLevel
	slotSeverityText
	slotSeverityOfWindows
	slotPriorityOfJournal

	slotTimestamp
	slotDate
	slotAtTimestamp
	slotUnderTimestamp
	slotBigTimestamp
	slotEventTime
	slotPublishedDate
	slotTime
	slotTS
	slotTimeCreated
	slotUtcTime
	slotBigEventTime
	slotRequestReceived
	slotUnderTime
	slotTimeOfJournal

	slots
	noSlot slot = -1
)

// span are the slots of one reserved field, from the first to the last.
type span struct{ first, last slot }

// fields are the names of each reserved field.
var fields = struct{ message, source, service, host, status, time span }{
	message: span{slotMessage, slotRaw}, source: span{slotDdsource, slotSource}, service: span{slotService, slotSyslogAppname},
	host: span{slotHost, slotHostOfJournal}, status: span{slotStatus, slotPriorityOfJournal}, time: span{slotTimestamp, slotTimeOfJournal},
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
	case "_HOSTNAME":
		return slotHostOfJournal
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
	case "PRIORITY":
		return slotPriorityOfJournal
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
		return slotTS
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
	case "__REALTIME_TIMESTAMP":
		return slotTimeOfJournal
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

// told is what an event says under a name.
type told struct {
	// kind is the first byte of the form of its value: '"', '0', 't', 'f', 'n', '{' or
	// '['; 0: nothing is said.
	kind byte
	text string          // of what was read without a tree
	v    *fastjson.Value // of what was read with one
}

// time is what is said, read as a time.
func (t told) time(r times.Reader) (schema.Millis, error) {
	switch {
	case t.v != nil:
		return r.Value(t.v)
	case t.kind == '0':
		return r.Number(t.text)
	case t.kind == '"':
		return r.Text(t.text)
	}
	return 0, times.ErrNoTime
}

var kinds = map[fastjson.Type]byte{
	fastjson.TypeString: '"', fastjson.TypeNumber: '0', fastjson.TypeTrue: 't', fastjson.TypeFalse: 'f',
	fastjson.TypeNull: 'n', fastjson.TypeObject: '{', fastjson.TypeArray: '[',
}

func toldBy(v *fastjson.Value) told {
	if v == nil {
		return told{}
	}
	return told{kind: kinds[v.Type()], v: v}
}

// scalar is a string, or a number or boolean as it is written. Objects and arrays
// are no text.
func (t told) scalar() (string, bool) {
	switch t.kind {
	case '"', '0', 't', 'f':
		if t.v != nil {
			return scalarText(t.v)
		}
		return t.text, true
	}
	return "", false
}

// isNothing reports whether it is null or an empty text, or not there.
func (t told) isNothing() bool {
	if t.kind == '"' {
		text, _ := t.scalar()
		return text == ""
	}
	return t.kind == 0 || t.kind == 'n'
}

// named are the members of one object that a reserved field may be read from.
type named [slots]told

// take keeps a member in its slot, if it has one, and what stands within it.
func (n *named) take(s slot, key []byte, v *fastjson.Value) {
	if s >= 0 {
		n[s] = toldBy(v)
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
				n[i.slot] = toldBy(v)
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
		if v := system.Get(key); v != nil && n[s].kind == 0 {
			n[s] = toldBy(v)
		}
	}
}

// first is the first of the slots that holds a text which is not empty.
func (n *named) first(of span) (text string, at slot) {
	if n == nil {
		return "", noSlot
	}
	for s := of.first; s <= of.last; s++ {
		if text, ok := n[s].scalar(); ok && text != "" {
			return text, s
		}
	}
	return "", noSlot
}

func scalarText(v *fastjson.Value) (string, bool) {
	switch v.Type() {
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return string(s), true
	case fastjson.TypeNumber, fastjson.TypeTrue, fastjson.TypeFalse:
		return string(v.MarshalTo(nil)), true
	}
	return "", false
}

// What members are to the way without a tree: their slot, and these.
const (
	useSlot = 1 // and the slot
	useTags = useSlot + int(slots) + iota
	useDDTags
	useAttributes
	useWindows // what events of Windows have
	useNetwork // where a client's address may be
	useEventLog
	useShape // of which the source may be told
	useOwn   // what the intake says of events
)

// useOf says what a key is, of the event itself or of a member of it.
func useOf(owner string, key []byte) int {
	if owner != "" {
		for _, i := range inner {
			if i.owner == owner && i.key == string(key) {
				return useSlot + int(i.slot)
			}
		}
		return 0
	}
	switch k := string(key); {
	case k == "tags":
		return useTags
	case k == "ddtags":
		return useDDTags
	case k == "attributes":
		return useAttributes
	case k == eventLog:
		return useEventLog
	case k == ownAttribute:
		return useOwn
	case isShape(k):
		return useShape
	case isOfWindows(k) && slotOf(key) < 0:
		return useWindows
	case len(k) >= len("network") && k[:len("network")] == "network":
		return useNetwork
	}
	if s := slotOf(key); s >= 0 {
		return useSlot + int(s)
	}
	return 0
}

// place is where a member stood that is of a reserved field and of nothing else.
type place struct {
	slot   slot
	member schema.Member
	from   int
}
