package hec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"nightjar/ingest"
	"nightjar/schema"
)

// member is a member of an object, with its value as it is written.
type member struct {
	name  string
	value []byte
}

// envelope is an event as the collector takes it: what it says, and what its sender
// says of it.
type envelope struct {
	time, event                     []byte
	host, source, sourcetype, index string
	fields                          []member // and what else there is
}

// defaults are what the request says of all its events, in the query.
func defaults(d *ingest.Decoder, query url.Values) envelope {
	if d.Host == "" {
		d.Host = query.Get("host")
	}
	return envelope{source: query.Get("source"), sourcetype: query.Get("sourcetype"), index: query.Get("index")}
}

// readEvents reads objects one after the other, with or without something between.
func readEvents(d *ingest.Decoder, body []byte, query url.Values) ([]schema.Event, error) {
	all := defaults(d, query)
	source, tags := d.Source, d.Tags
	defer func() { d.Source, d.Tags = source, tags }()
	var name string
	var events []schema.Event
	at := ingest.SkipSpace(body, 0)
	if at == len(body) {
		return nil, &outcomeError{outcome: noData, event: -1}
	}
	for at < len(body) {
		e := all
		end, ok := ingest.Members(body, at, e.take)
		if !ok {
			return nil, &outcomeError{badFormat, len(events), `want objects such as {"event":"…"}, one after the other`}
		}
		name, d.Tags = e.origin(tags)
		if d.Source = source; source == "" && name == "" && e.docker() != nil {
			d.Source = "docker"
		}
		text, err := e.text(name, len(events))
		if err != nil {
			return nil, err
		}
		one, err := d.JSON(text)
		var bad *ingest.BadInputError
		if errors.As(err, &bad) && !bad.TooLarge {
			return nil, &outcomeError{badFormat, len(events), bad.Detail}
		}
		if err != nil {
			return nil, err
		}
		events = append(events, one...)
		at = ingest.SkipSpace(body, end)
	}
	return events, nil
}

// readRaw reads an event a line.
func readRaw(d *ingest.Decoder, body []byte, query url.Values) ([]schema.Event, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &outcomeError{outcome: noData, event: -1}
	}
	all := defaults(d, query)
	source, tags := d.Source, d.Tags
	defer func() { d.Source, d.Tags = source, tags }()
	name, tags := all.origin(tags)
	if d.Tags = tags; name != "" {
		d.Source = name
	}
	return d.Lines(body)
}

// take keeps a member.
func (e *envelope) take(name string, value []byte) {
	switch name {
	case "time":
		e.time = value
	case "event":
		e.event = value
	case "host":
		e.host = plain(value)
	case "source":
		e.source = plain(value)
	case "sourcetype":
		e.sourcetype = plain(value)
	case "index":
		e.index = plain(value)
	case "fields":
		if _, ok := ingest.Members(value, 0, e.field); !ok && !isNull(value) {
			e.field(name, value)
		}
	default:
		e.field(name, value)
	}
}

func (e *envelope) field(name string, value []byte) {
	if len(e.fields) > ingest.MaxEventValues {
		return // it is refused
	}
	e.fields = append(e.fields, member{name, value})
}

func isNull(value []byte) bool { return string(value) == "null" }

// plain is a string without its quotes, or what is written instead of one.
func plain(value []byte) string {
	var s string
	switch {
	case json.Unmarshal(value, &s) == nil:
		return s
	case value[0] == '{' || value[0] == '[' || isNull(value):
		return ""
	}
	return string(value)
}

// isBlank reports whether a string has nothing but space in it.
func isBlank(value []byte) bool {
	inside := bytes.TrimSpace(bytes.Trim(value, `"`))
	if len(inside) > 0 && inside[0] != '\\' {
		return false // as nearly all: it need not be decoded
	}
	return strings.TrimSpace(plain(value)) == ""
}

// origin is the source that rules ask for, if the envelope says any: its source,
// where that is a name and not the place the event was read from, else its
// sourcetype. Whatever it is not is a tag.
func (e *envelope) origin(tags []string) (string, []string) {
	tags = slices.Clip(tags)
	for _, t := range []struct{ name, value string }{{"index", e.index}, {"sourcetype", e.sourcetype}} {
		if t.value != "" {
			tags = append(tags, t.name+":"+t.value)
		}
	}
	switch {
	case e.source != "" && !isPlace(e.source):
		return e.source, tags
	case e.sourcetype != "" && e.sourcetype[0] != '_':
		if e.source != "" {
			tags = append(tags, "hec_source:"+e.source)
		}
		return e.sourcetype, tags
	}
	return e.source, tags
}

func isPlace(source string) bool {
	for _, p := range []string{"http:", "udp:", "tcp:"} {
		if strings.HasPrefix(source, p) {
			return true
		}
	}
	return strings.ContainsAny(source, `/\`)
}

// mostOfDocker is more members than Docker writes: line, source, tag and attrs.
const mostOfDocker = 16

// docker is what Docker's log driver says of a line, or nil.
func (e *envelope) docker() (members []member) {
	if !bytes.Contains(e.event, []byte(`"line"`)) {
		return nil
	}
	hasLine, hasOrigin := false, false
	n := 0
	_, ok := ingest.Members(e.event, 0, func(name string, value []byte) {
		if n++; n > mostOfDocker {
			return
		}
		hasLine = hasLine || name == "line"
		hasOrigin = hasOrigin || name == "source"
		members = append(members, member{name, value})
	})
	if !ok || !hasLine || !hasOrigin || n > mostOfDocker {
		return nil
	}
	return members
}

// text is the envelope as the JSON that the intake reads. What the envelope says
// counts before what the event does, so nothing of the event may be read in its place.
func (e *envelope) text(source string, n int) ([]byte, error) {
	message, inside, err := e.message(n)
	if err != nil {
		return nil, err
	}
	if len(e.fields) > ingest.MaxEventValues {
		return nil, &outcomeError{badFormat, n, fmt.Sprintf("more than %d fields in an event", ingest.MaxEventValues)}
	}
	out := append(append(make([]byte, 0, len(message)+256), `{"message":`...), message...)
	if t := bytes.Trim(e.time, `" `); len(t) > 0 && !isNull(t) {
		out = schema.AppendJSON(append(out, `,"date":`...), t)
	}
	if source != "" {
		out = schema.AppendJSON(append(out, `,"ddsource":`...), source)
	}
	if e.host != "" {
		out = schema.AppendJSON(append(out, `,"host":`...), e.host)
	}
	for _, f := range e.fields {
		switch {
		case f.name == "otel.log.severity.text":
			out = append(append(out, `,"status":`...), f.value...)
			inside = append(inside, f)
		case e.isTaken(f.name):
			inside = append(inside, f)
		default:
			out = append(f.appendTo(append(out, ',')), ' ')
		}
	}
	if len(inside) > 0 {
		out = append(out, `,"attributes":{`...)
		for i, f := range inside {
			if i > 0 {
				out = append(out, ',')
			}
			out = f.appendTo(out)
		}
		out = append(out, '}')
	}
	return append(out, '}'), nil
}

func (f member) appendTo(out []byte) []byte {
	return append(append(schema.AppendJSON(out, f.name), ':'), f.value...)
}

// isTaken reports whether a field's name is that of something which the envelope has
// said already.
func (e *envelope) isTaken(name string) bool {
	switch name {
	case "message", "attributes":
		return true
	case "timestamp", "date":
		return len(e.time) > 0
	case "host", "hostname":
		return e.host != ""
	case "source", "ddsource":
		return e.source != "" || e.sourcetype != ""
	}
	return false
}

// message is what the event says, as JSON; inside are members of it that say only
// where it is from.
func (e *envelope) message(n int) (message []byte, inside []member, err error) {
	v := e.event
	switch {
	case len(v) == 0 || isNull(v):
		return nil, nil, &outcomeError{outcome: noEvent, event: n}
	case v[0] == '"' && isBlank(v):
		return nil, nil, &outcomeError{outcome: blankEvent, event: n}
	case v[0] == '[':
		return []byte(schema.QuoteJSON(string(v))), nil, nil
	case v[0] != '{':
		return v, nil, nil
	}
	if len(bytes.TrimSpace(bytes.Trim(v, "{}"))) == 0 {
		return nil, nil, &outcomeError{outcome: blankEvent, event: n}
	}
	for _, m := range e.docker() {
		if m.name == "line" {
			message = m.value
		} else {
			inside = append(inside, m)
		}
	}
	if message == nil {
		return v, nil, nil
	}
	return message, inside, nil
}
