package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"

	"nightjar/ingest"
	"nightjar/ingest/wire"
	"nightjar/schema"
)

// took is what a sender is told of a request that was taken in.
type took struct {
	rejected int
	said     string
}

// asProtobuf is the form of a request that is not JSON.
const asProtobuf = false

// reader is how a request is read by ingest.Handler; what it rejected goes to t.
func reader(t *took, isJSON bool) ingest.Decode {
	return func(d *ingest.Decoder, body []byte) (ingest.Batch, error) {
		message, err := body, error(nil)
		if isJSON {
			if message, err = fromJSON(body); err != nil {
				return ingest.Batch{}, err
			}
		}
		r := request{d: d}
		if err := r.decode(message); err != nil {
			return ingest.Batch{}, err
		}
		if t.rejected = r.rejected; r.rejected > 0 {
			t.said = r.why.Error()
		}
		b := ingest.Batch{Events: r.events}
		b.Resendable(d, body, "otlp")
		return b, nil
	}
}

// answer is that of a request that was taken in.
func (t *took) answer(taken ingest.Taken) *collector.ExportLogsServiceResponse {
	said := taken.Warnings
	if t.said != "" {
		said = append([]string{t.said}, said...)
	}
	out := &collector.ExportLogsServiceResponse{}
	if t.rejected > 0 || len(said) > 0 {
		out.PartialSuccess = &collector.ExportLogsPartialSuccess{
			RejectedLogRecords: int64(t.rejected), ErrorMessage: strings.ToValidUTF8(strings.Join(said, "; "), "\uFFFD"),
		}
	}
	return out
}

// request is one ExportLogsServiceRequest while it is read.
type request struct {
	d      *ingest.Decoder
	events []schema.Event
	// rejected counts the records that can't be read, now or later, and why says what
	// the first of them lacks.
	rejected int
	records  int
	why      error
	outer    outer
	record   record
}

// outer is what the records of a resource and scope share, as members of JSON, each
// followed by a comma. Clashes have names that are the records' to say, and are
// attributes only.
type outer struct{ resource, scope, clashes []byte }

func (o *outer) clash(key []byte) *[]byte {
	switch string(key) {
	case "timestamp", "status", "message":
		return &o.clashes
	}
	return nil
}

// decode reads a request as protobuf.
func (r *request) decode(body []byte) error {
	err := wire.EachText(body, 1, r.resourceLogs)
	if errors.Is(err, wire.ErrBroken) {
		return ingest.NewBadInput(body, r.records, 0, "broken protobuf; want an ExportLogsServiceRequest, whole")
	}
	return err
}

// resourceLogs reads what one resource logged. Its own attributes may stand behind
// its records.
func (r *request) resourceLogs(message []byte) error {
	o := &r.outer
	o.resource, o.clashes = o.resource[:0], o.clashes[:0]
	err := wire.EachText(message, 1, func(text []byte) (err error) {
		o.resource, err = appendAttributes(o.resource, text, 1, "", o.clash)
		return err
	})
	if err != nil {
		return err
	}
	return wire.EachText(message, 2, r.scopeLogs)
}

func (r *request) scopeLogs(message []byte) error {
	r.outer.scope = r.outer.scope[:0]
	err := wire.EachText(message, 1, func(text []byte) (err error) {
		r.outer.scope, err = appendScope(r.outer.scope, text)
		return err
	})
	if err != nil {
		return err
	}
	return wire.EachText(message, 2, r.logRecord)
}

// appendScope appends the scope's name and version, and its attributes under the
// same name.
func appendScope(out, message []byte) ([]byte, error) {
	err := wire.EachField(message, func(field protowire.Number, text []byte, _ uint64) error {
		switch {
		case field == 1 && len(text) > 0:
			out = schema.AppendMember(out, "otel.scope.name", text)
		case field == 2 && len(text) > 0:
			out = schema.AppendMember(out, "otel.scope.version", text)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	return appendAttributes(out, message, 3, "otel.scope.", nil)
}

// logRecord adds the event of a record. One that can't be read is rejected, and the
// others are not.
func (r *request) logRecord(message []byte) error {
	r.records++
	object, err := r.record.object(message, r.outer)
	if err != nil {
		if r.rejected++; r.why == nil {
			r.why = fmt.Errorf("record %d: %w", r.records-1, err)
		}
		return nil
	}
	events, err := r.d.Append(r.events, object)
	if err == nil {
		r.events = events
	}
	return err
}

// maxJSONValues bounds a request in JSON, whose tree takes some hundred bytes for
// each.
const maxJSONValues = ingest.MaxRequestValues / 2

// fromJSON is a request in JSON as protobuf. Names are in lower camel case, ids in
// hexadecimal digits; what is unknown is left out.
func fromJSON(body []byte) ([]byte, error) {
	if n := wire.CountValues(body); n > maxJSONValues {
		bad := ingest.NewBadInput(body, -1, 0, fmt.Sprintf("more than %d values in a request; send smaller batches, or protobuf", maxJSONValues))
		bad.TooLarge = true
		return nil, bad
	}
	body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	var in collector.ExportLogsServiceRequest
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, &in); err != nil {
		return nil, ingest.NewBadJSON(body, plainError(err), "want an ExportLogsServiceRequest in the JSON of OTLP")
	}
	message, err := proto.Marshal(&in)
	if err != nil {
		return nil, fmt.Errorf("encode a request that was read as JSON: %w", err)
	}
	return message, nil
}

// plainError is the error without what protobuf puts into its texts so that nobody
// compares them.
func plainError(err error) error {
	return errors.New(strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "proto:"), "\u00a0", " ")))
}
