package ingest

import (
	"bytes"
	"mime"
	"net/http"
	"strings"

	"nightjar/schema"
)

// Generic is POST /ingest: for senders that speak HTTP and no protocol of logs. It
// takes NDJSON, an array, objects one after the other, one object, and lines of
// text, whatever the type says that they are. The query is that of Handler.
//
// It answers 200 and nothing else when the events are durable: some senders know no
// other success.
type Generic struct{ *Handler }

// NewGeneric is that door of this intake.
func NewGeneric(in *Intake) Generic { return Generic{NewHandler(in)} }

// ServeHTTP implements http.Handler.
func (g Generic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if Alive(w, r) {
		return
	}
	taken, err := g.Receive(w, r, func(d *Decoder, body []byte) (Batch, error) {
		events, err := d.anything(body, r.Header.Get("Content-Type"))
		return Batch{Events: events}, err
	})
	if err != nil {
		f := RefusalOf(err)
		if f.Busy { // many of these senders drop what any 4xx refuses
			f.Status = http.StatusServiceUnavailable
		}
		refuse(w, f)
		return
	}
	thank(w, http.StatusOK, taken)
}

// anything reads events as JSON where the body is JSON, and else as lines.
func (d *Decoder) anything(body []byte, contentType string) ([]schema.Event, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = contentType
	}
	switch {
	case strings.HasSuffix(kind, "msgpack"):
		return nil, &httpError{http.StatusUnsupportedMediaType, "msgpack is not read here; send JSON (in Fluent Bit: Format json_lines)", 0}
	case strings.HasSuffix(kind, "x-protobuf") || strings.HasSuffix(kind, "grpc"):
		return nil, &httpError{http.StatusUnsupportedMediaType, "protobuf is not read here; OTLP has the path /v1/logs, Loki /loki/api/v1/push", 0}
	case kind == "text/plain" || kind == "application/logplex-1" || packedWith(body) != "":
		return decodeBody(d, body, contentType)
	case strings.HasSuffix(kind, "json") || looksLikeJSON(body):
		return d.JSON(body)
	}
	return d.Lines(body)
}

// looksLikeJSON reports whether the body begins as objects do, or as an array of
// them. A line of text may begin with a bracket, too.
func looksLikeJSON(body []byte) bool {
	at := skipSpace(body, len(body)-len(bytes.TrimPrefix(body, []byte("\ufeff"))))
	if at < len(body) && body[at] == '[' {
		at = skipSpace(body, at+1)
		return at < len(body) && (body[at] == '{' || body[at] == ']')
	}
	return at == len(body) || body[at] == '{'
}
