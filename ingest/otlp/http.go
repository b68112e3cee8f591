package otlp

import (
	"mime"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"nightjar/ingest"
)

// Door is POST /v1/logs. It answers in the encoding of the request, under exactly
// its type, because senders read no other.
type Door struct {
	ingest.Keyed
	intake *ingest.Handler
}

// NewDoor is the door of this intake.
func NewDoor(intake *ingest.Handler) *Door { return &Door{intake: intake} }

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

// ServeHTTP implements http.Handler.
func (o *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ingest.Alive(w, r) {
		return
	}
	kind := typeOf(r)
	if kind == "" {
		refuse(w, typeJSON, http.StatusUnsupportedMediaType, codes.InvalidArgument, 0, "Content-Type: want "+typeProto+" or "+typeJSON)
		return
	}
	var t took
	taken, err := o.intake.Receive(w, r, reader(&t, kind == typeJSON))
	if err != nil {
		f := ingest.RefusalOf(err)
		f.SetRetryAfter(w.Header())
		refuse(w, kind, statusOf(f), codeOf(f), f.RetryAfter, f.Detail)
		return
	}
	write(w, kind, http.StatusOK, t.answer(taken))
}

// typeOf is the encoding of the request, empty when it is none of ours.
func typeOf(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return ""
	case kind == typeProto || kind == "application/protobuf":
		return typeProto
	case kind == typeJSON:
		return typeJSON
	}
	return ""
}

// statusOf is the refusal's status where senders know only 429 and 503 for what they
// may send again: they give up on all else.
func statusOf(f ingest.Refusal) int {
	if f.Status == http.StatusRequestTimeout {
		return http.StatusServiceUnavailable
	}
	return f.Status
}

func codeOf(f ingest.Refusal) codes.Code {
	switch {
	case f.Status == http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case f.Busy:
		return codes.Unavailable
	}
	return codes.InvalidArgument
}

// problem is a refusal as both protocols say it.
func problem(code codes.Code, after time.Duration, detail string) *spb.Status {
	s := &spb.Status{Code: int32(code), Message: detail}
	if after > 0 {
		if info, err := anypb.New(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)}); err == nil {
			s.Details = append(s.Details, info)
		}
	}
	return s
}

func refuse(w http.ResponseWriter, kind string, status int, code codes.Code, after time.Duration, detail string) {
	write(w, kind, status, problem(code, after, detail))
}

func write(w http.ResponseWriter, kind string, status int, m proto.Message) {
	encode := proto.Marshal
	if kind == typeJSON {
		encode = protojson.Marshal
	}
	text, err := encode(m)
	if err != nil { // its texts are valid: it can't be
		status, text = http.StatusServiceUnavailable, nil
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// Refuse answers who may not come in.
func (o *Door) Refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	kind, code := typeOf(r), codes.Unauthenticated
	if kind == "" {
		kind = typeJSON
	}
	if status == http.StatusForbidden {
		code = codes.PermissionDenied
	}
	refuse(w, kind, status, code, 0, why)
}
