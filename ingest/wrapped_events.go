package ingest

import (
	"bytes"

	"nightjar/schema"
)

// wrapping is an object that holds events of its own: what clouds put around them.
type wrapping struct {
	places []int // of the events, in the body
	end    int   // where the object ends
	beside []byte
}

// objects reads the object at body[at:], which is one event, or holds events of its own,
// and returns where it ends.
func (d *Decoder) objects(body []byte, at int, events *[]schema.Event) (end int, err error) {
	w, ok := wrapped(body, at)
	if !ok {
		return d.object(body, at, len(*events), events)
	}
	for _, p := range w.places {
		if w.beside == nil {
			_, err = d.object(body, p, len(*events), events)
		} else {
			end, _ := scanObject(body, p)
			*events, err = d.Append(*events, besides(w.beside, body[p:end]))
		}
		if err != nil {
			return 0, err
		}
	}
	return w.end, nil
}

// besides is an event with members that it shares with others before its own.
func besides(shared, event []byte) []byte {
	out := append([]byte{'{'}, shared...)
	if at := skipSpace(event, 1); at < len(event) && event[at] != '}' {
		out = append(out, ',')
	}
	return append(out, event[1:]...)
}

// wrapped is the wrapping at body[at:]. What the first member of none is called is read
// no further.
func wrapped(body []byte, at int) (wrapping, bool) {
	if at >= len(body) || body[at] != '{' {
		return wrapping{}, false
	}
	switch key := quotedAt(body, skipSpace(body, at+1)); string(key) {
	case `"Records"`, `"records"`: // of CloudTrail's files; of Azure's event hubs
		o, ok := spansOf(body, at)
		if !ok || len(o.members) != 1 {
			return wrapping{}, false
		}
		return o.holding(body, o.at(key), nil)
	case `"messageType"`: // of CloudWatch Logs
		o, ok := spansOf(body, at)
		if !ok || o.text(body, `"messageType"`) != `"DATA_MESSAGE"` {
			return wrapping{}, false
		}
		return o.holding(body, o.at([]byte(`"logEvents"`)), o.awslogs(body))
	case `"eventType"`, `"eventId"`: // of Okta's event hooks
		o, ok := spansOf(body, at)
		if !ok || o.text(body, `"eventType"`) != `"com.okta.event_hook"` {
			return wrapping{}, false
		}
		data, ok := spansOf(body, o.at([]byte(`"data"`)))
		if !ok {
			return wrapping{}, false
		}
		w, ok := data.holding(body, data.at([]byte(`"events"`)), nil)
		w.end = o.end
		return w, ok
	case `"kind"`: // of Kubernetes
		o, ok := spansOf(body, at)
		if !ok || o.text(body, `"kind"`) != `"EventList"` {
			return wrapping{}, false
		}
		return o.holding(body, o.at([]byte(`"items"`)), nil)
	}
	return wrapping{}, false
}

// spans are where the members of an object stand.
type spans struct {
	members []memberSpan
	end     int
}

type memberSpan struct {
	key      []byte // with its quotes
	from, to int
}

// spansOf looks at no more of the object at body[at:] than strings and brackets.
func spansOf(body []byte, at int) (o spans, ok bool) {
	if at < 0 || at >= len(body) || body[at] != '{' {
		return spans{}, false
	}
	for at = skipSpace(body, at+1); at < len(body) && body[at] == '"'; at = skipSpace(body, at+1) {
		key := quotedAt(body, at)
		from := skipSpace(body, at+len(key))
		if key == nil || from >= len(body) || body[from] != ':' {
			return spans{}, false
		}
		from = skipSpace(body, from+1)
		to, ok := valueEnd(body, from)
		if !ok {
			return spans{}, false
		}
		o.members = append(o.members, memberSpan{key, from, to})
		if at = skipSpace(body, to); at >= len(body) || body[at] != ',' {
			break
		}
	}
	if at >= len(body) || body[at] != '}' {
		return spans{}, false
	}
	o.end = at + 1
	return o, true
}

// at is where a member's value begins; −1: there is none.
func (o *spans) at(key []byte) int {
	for i := len(o.members) - 1; i >= 0; i-- {
		if bytes.Equal(o.members[i].key, key) {
			return o.members[i].from
		}
	}
	return -1
}

// text is a member's value as it is written.
func (o *spans) text(body []byte, key string) string {
	for i := len(o.members) - 1; i >= 0; i-- {
		if m := o.members[i]; string(m.key) == key {
			return string(body[m.from:m.to])
		}
	}
	return ""
}

// awslogs says where in CloudWatch the events were, as the vendor's forwarder does.
func (o *spans) awslogs(body []byte) []byte {
	out := []byte(`"aws":{"awslogs":{`)
	for _, key := range []string{`"logGroup"`, `"logStream"`, `"owner"`} {
		value := o.text(body, key)
		if value == "" {
			continue
		}
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, "}}"...)
}

// holding is the object's array of events at body[at:]; not ok: that holds no objects, or
// something else as well.
func (o *spans) holding(body []byte, at int, beside []byte) (wrapping, bool) {
	w := wrapping{end: o.end, beside: beside}
	if at < 0 || body[at] != '[' {
		return wrapping{}, false
	}
	for at = skipSpace(body, at+1); at < len(body) && body[at] == '{'; at = skipSpace(body, at+1) {
		w.places = append(w.places, at)
		after, s := scanObject(body, at)
		if at = skipSpace(body, after); !s.closed || at >= len(body) || body[at] != ',' {
			break
		}
	}
	return w, len(w.places) > 0 && at < len(body) && body[at] == ']'
}

// quotedAt is the string at body[at:], with its quotes; nil: there is none.
func quotedAt(body []byte, at int) []byte {
	if at >= len(body) || body[at] != '"' {
		return nil
	}
	for i := at + 1; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return body[at : i+1]
		}
	}
	return nil
}

// valueEnd is where the value at body[at:] ends.
func valueEnd(body []byte, at int) (end int, ok bool) {
	if at >= len(body) {
		return at, false
	}
	switch body[at] {
	case '"':
		text := quotedAt(body, at)
		return at + len(text), text != nil
	case '{', '[':
		end, s := scanObject(body, at)
		return end, s.closed
	}
	n := bytes.IndexAny(body[at:], ",}] \t\r\n")
	return at + n, n > 0
}
