package journal

import (
	"bytes"
	"strconv"

	"nightjar/ingest"
	"nightjar/schema"
)

// own are the fields that an event's own ones are read from.
var own = map[string]bool{
	"__CURSOR": true, "__REALTIME_TIMESTAMP": true, "MESSAGE": true, "PRIORITY": true, "_HOSTNAME": true,
	"_SYSTEMD_UNIT": true, "SYSLOG_IDENTIFIER": true,
}

// leftOut are fields that say where an entry is in its journal, and nothing of it.
var leftOut = map[string]bool{
	"__CURSOR": true, "__MONOTONIC_TIMESTAMP": true, "__REALTIME_TIMESTAMP": true, "__SEQNUM": true, "__SEQNUM_ID": true, "MESSAGE": true,
}

// priorities are the words for those of syslog.
var priorities = [...]string{"emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"}

func (e *entry) first(name string) string {
	for _, f := range e.fields {
		if f.name == name {
			return string(f.value)
		}
	}
	return ""
}

// cursor is the entry's name, by which it is known again.
func (e *entry) cursor() string { return e.first("__CURSOR") }

// appendObject appends the entry as a log object. All fields but those that say where
// it is in the journal stay attributes under their own names; one that comes several
// times is an array.
func (e *entry) appendObject(out []byte) []byte {
	out = append(out, '{')
	if at, err := strconv.ParseInt(e.first("__REALTIME_TIMESTAMP"), 10, 64); err == nil {
		out = append(strconv.AppendInt(append(out, `"timestamp":`...), at/1000, 10), ',')
	}
	if e.has("MESSAGE") {
		out = appendMember(out, "message", e.first("MESSAGE"))
	}
	if p := e.first("PRIORITY"); len(p) == 1 && p[0] >= '0' && p[0] <= '7' {
		out = appendMember(out, "status", priorities[p[0]-'0'])
	}
	out = appendMember(out, "hostname", e.first("_HOSTNAME"))
	program := e.first("SYSLOG_IDENTIFIER")
	service := e.first("_SYSTEMD_UNIT")
	if service == "" {
		service = program
	}
	out = appendMember(out, "service", service)
	out = appendMember(out, "ddsource", ingest.SourceOf(program))
	if e.leftOut > 0 {
		out = append(strconv.AppendUint(append(out, `"journal.bytes_left_out":`...), e.leftOut, 10), ',')
	}
	out = e.appendFields(out)
	return append(bytes.TrimSuffix(out, []byte{','}), '}')
}

// appendFields appends each field once, in the order in which they came first.
func (e *entry) appendFields(out []byte) []byte {
	at := make(map[string][]int, len(e.fields))
	for i, f := range e.fields {
		if !leftOut[f.name] {
			at[f.name] = append(at[f.name], i)
		}
	}
	for i, f := range e.fields {
		places := at[f.name]
		if len(places) == 0 || places[0] != i {
			continue
		}
		out = append(schema.AppendJSON(out, f.name), ':')
		if len(places) == 1 {
			out = append(schema.AppendJSON(out, f.value), ',')
			continue
		}
		out = append(out, '[')
		for n, place := range places {
			if n > 0 {
				out = append(out, ',')
			}
			out = schema.AppendJSON(out, e.fields[place].value)
		}
		out = append(out, ']', ',')
	}
	return out
}

// appendMember appends a member, unless it is empty.
func appendMember(out []byte, name, value string) []byte {
	if value == "" && name != "message" {
		return out
	}
	return schema.AppendMember(out, name, value)
}
