package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"nightjar/ingest/wire"
	"nightjar/schema"
)

// record makes a log object of a log record. Its memory is used again.
//
// What the record itself says has the names timestamp, status and message, so that
// it counts before any attribute; all attributes of resource and record stand beside
// that under their own names, so that service.name, host.name and the like reach the
// reserved fields as they do from everywhere. An attribute that has one of the names
// that were said stays an attribute.
type record struct {
	out     []byte
	clashes []byte // members that are attributes and nothing else
	said    struct{ time, status, message bool }
}

// maxNesting is how deep values may stand within one another.
const maxNesting = 1000

var errNesting = fmt.Errorf("values are nested more than %d times", maxNesting)

// object is the JSON of the record, valid until the next one. What the outer has
// are members that all records share.
func (r *record) object(message []byte, o outer) ([]byte, error) {
	r.out, r.clashes = append(r.out[:0], '{'), append(r.clashes[:0], o.clashes...)
	h, err := readHead(message)
	if err != nil {
		return nil, err
	}
	if err := r.head(h); err != nil {
		return nil, err
	}
	r.out = append(append(r.out, o.resource...), o.scope...)
	r.out, err = appendAttributes(r.out, message, 6, "", r.clash)
	if err != nil {
		return nil, err
	}
	r.ids(h)
	if len(r.clashes) > 0 {
		r.out = append(append(append(r.out, `"attributes":{`...), bytes.TrimSuffix(r.clashes, []byte{','})...), '}', ',')
	}
	return append(bytes.TrimSuffix(r.out, []byte{','}), '}'), nil
}

// head is what a record has beside its attributes.
type head struct {
	time, observed           uint64
	severity, dropped, flags uint64
	severityText, name       []byte
	body, trace, span        []byte
	hasBody                  bool
}

func readHead(message []byte) (h head, err error) {
	err = wire.EachField(message, func(field protowire.Number, text []byte, number uint64) error {
		switch field {
		case 1:
			h.time = number
		case 2:
			h.severity = number
		case 3:
			h.severityText = text
		case 5:
			h.body, h.hasBody = text, len(text) > 0
		case 7:
			h.dropped = number
		case 8:
			h.flags = number
		case 9:
			h.trace = text
		case 10:
			h.span = text
		case 11:
			h.observed = number
		case 12:
			h.name = text
		}
		return nil
	})
	return h, err
}

// severities are the words for the numbers 1 to 24, four for each.
var severities = [...]string{"trace", "debug", "info", "warn", "error", "fatal"}

func (r *record) head(h head) (err error) {
	if h.time == 0 {
		h.time = h.observed
	}
	if r.said.time = h.time != 0; r.said.time {
		r.out = append(r.out, `"timestamp":`...)
		r.out = strconv.AppendUint(r.out, h.time/uint64(time.Millisecond), 10)
		r.out = append(r.out, ',')
	}
	known := h.severity >= 1 && h.severity <= 24
	switch r.said.status = known || len(h.severityText) > 0; {
	case known:
		r.out = schema.AppendMember(r.out, "status", severities[(h.severity-1)/4])
		r.out = append(strconv.AppendUint(append(r.out, `"severity_number":`...), h.severity, 10), ',')
		if len(h.severityText) > 0 {
			r.out = schema.AppendMember(r.out, "severity_text", h.severityText)
		}
	case r.said.status:
		r.out = schema.AppendMember(r.out, "status", h.severityText)
	}
	if r.said.message = h.hasBody; h.hasBody {
		if r.out, err = appendValue(append(r.out, `"message":`...), h.body, 0); err != nil {
			return err
		}
		r.out = append(r.out, ',')
	}
	return nil
}

func (r *record) ids(h head) {
	for _, id := range []struct {
		name string
		id   []byte
		size int
	}{{"trace_id", h.trace, 16}, {"span_id", h.span, 8}} {
		if len(id.id) > 0 {
			r.out = schema.AppendMember(r.out, id.name, idText(id.id, id.size))
		}
	}
	if h.flags != 0 {
		r.out = append(strconv.AppendUint(append(r.out, `"trace_flags":`...), h.flags, 10), ',')
	}
	if len(h.name) > 0 {
		r.out = schema.AppendMember(r.out, "event_name", h.name)
	}
	if h.dropped > 0 {
		r.out = append(strconv.AppendUint(append(r.out, `"dropped_attributes_count":`...), h.dropped, 10), ',')
	}
}

// idText is an id in hexadecimal digits. One that came as JSON was digits already,
// and then read as base64, as protobuf's JSON has bytes: that is undone.
func idText(id []byte, size int) string {
	if len(id) == size*2*3/4 {
		if text := base64.StdEncoding.EncodeToString(id); isHex(text) {
			return strings.ToLower(text)
		}
	}
	return hex.EncodeToString(id)
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// clash is where an attribute of this name stands when it has a name that the record
// said; nil: beside the others.
func (r *record) clash(key []byte) *[]byte {
	switch string(key) {
	case "timestamp":
		if r.said.time {
			return &r.clashes
		}
	case "status":
		if r.said.status {
			return &r.clashes
		}
	case "message":
		if r.said.message {
			return &r.clashes
		}
	}
	return nil
}

// appendAttributes appends the members of a message's attributes, which are its
// field of this number, each followed by a comma. What elsewhere names goes there.
func appendAttributes(out, message []byte, number protowire.Number, prefix string, elsewhere func(key []byte) *[]byte) ([]byte, error) {
	err := wire.EachText(message, number, func(pair []byte) (err error) {
		key, value, err := wire.Pair(pair)
		if err != nil {
			return err
		}
		to := &out
		if elsewhere != nil {
			if other := elsewhere(key); other != nil {
				to = other
			}
		}
		if prefix == "" && string(key) == "datadog.log.source" {
			key = []byte("ddsource")
		}
		*to = append(appendKey(*to, prefix, key), ':')
		if *to, err = appendValue(*to, value, 0); err == nil {
			*to = append(*to, ',')
		}
		return err
	})
	return out, err
}

func appendKey(out []byte, prefix string, key []byte) []byte {
	if prefix == "" {
		return schema.AppendJSON(out, key)
	}
	return schema.AppendJSON(out, prefix+string(key))
}

// appendValue appends an AnyValue as JSON. Of several, the last counts, as in
// protobuf; none is null.
func appendValue(out, message []byte, depth int) ([]byte, error) {
	if depth > maxNesting {
		return out, errNesting
	}
	start := len(out)
	err := wire.EachField(message, func(field protowire.Number, text []byte, number uint64) (err error) {
		isNumber := field >= 2 && field <= 4
		if field < 1 || field > 7 || isNumber != (text == nil) {
			return nil
		}
		out = out[:start]
		switch field {
		case 1:
			out = schema.AppendJSON(out, text)
		case 2:
			out = strconv.AppendBool(out, number != 0)
		case 3:
			out = strconv.AppendInt(out, int64(number), 10)
		case 4:
			out = appendDouble(out, math.Float64frombits(number))
		case 5:
			out, err = appendArray(out, text, depth)
		case 6:
			out, err = appendObject(out, text, depth)
		case 7:
			out = appendBytes(out, text)
		}
		return err
	})
	if len(out) == start {
		out = append(out, "null"...)
	}
	return out, err
}

// appendDouble writes what JSON has no number for as the word for it.
func appendDouble(out []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(out, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(out, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(out, `"-Infinity"`...)
	}
	return append(out, schema.FormatFloat(f)...)
}

// appendBytes writes bytes that are text as text, and others as base64.
func appendBytes(out, b []byte) []byte {
	if utf8.Valid(b) {
		return schema.AppendJSON(out, b)
	}
	return schema.AppendJSON(out, base64.StdEncoding.EncodeToString(b))
}

func appendArray(out, message []byte, depth int) ([]byte, error) {
	out = append(out, '[')
	err := wire.EachText(message, 1, func(value []byte) (err error) {
		out, err = appendValue(out, value, depth+1)
		out = append(out, ',')
		return err
	})
	return append(bytes.TrimSuffix(out, []byte{','}), ']'), err
}

func appendObject(out, message []byte, depth int) ([]byte, error) {
	out = append(out, '{')
	err := wire.EachText(message, 1, func(pair []byte) error {
		key, value, err := wire.Pair(pair)
		if err != nil {
			return err
		}
		out = append(schema.AppendJSON(out, key), ':')
		out, err = appendValue(out, value, depth+1)
		out = append(out, ',')
		return err
	})
	return append(bytes.TrimSuffix(out, []byte{','}), '}'), err
}
