package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"nightjar/schema"
)

// This file is the one place where our errors meet gRPC and HTTP. Mistakes of
// the caller are told in full; what is not recognised here becomes "internal
// error" and a line in the log, with an id that joins the two.

// ErrUnavailable is wrapped by adapters whose server does not answer just now.
var ErrUnavailable = errors.New("the database does not answer; try again")

// Refused is an answer of the database to a query that the caller wrote: what is
// wrong with it, in the database's words.
type Refused struct{ Message string }

func (r *Refused) Error() string { return r.Message }

// problem is an error as a caller sees it.
type problem struct {
	code    codes.Code // zero: InvalidArgument
	message string
	// target is the place that a message without details is about.
	target  string
	details []schema.Detail
}

// Codes of HTTP that gRPC has no name for travel as these.
const (
	tooLargeCode = codes.OutOfRange
	methodCode   = codes.Unimplemented
)

func (p *problem) Error() string {
	text := p.message
	for i, d := range p.details {
		text += map[bool]string{true: ": ", false: "; "}[i == 0]
		if d.Target != "" {
			text += d.Target + ": "
		}
		text += d.Message
	}
	return text
}

// explain turns any error into what its caller may see.
func explain(ctx context.Context, log *slog.Logger, err error) *problem {
	var (
		known    *problem
		invalid  *schema.Invalid
		missing  *schema.NotFound
		conflict *schema.Conflict
		refused  *Refused
	)
	switch {
	case errors.As(err, &known):
		p := *known
		if p.code == codes.OK {
			p.code = codes.InvalidArgument
		}
		return &p
	case errors.As(err, &invalid):
		return &problem{code: codes.InvalidArgument, message: "Invalid request", details: invalid.Details}
	case errors.As(err, &missing):
		return &problem{code: codes.NotFound, message: notFoundText(missing)}
	case errors.As(err, &conflict):
		return &problem{code: codes.Aborted, message: conflict.Error(), target: "version"}
	case errors.As(err, &refused):
		return &problem{code: codes.InvalidArgument, message: refused.Message, target: "query"}
	case errors.Is(err, ErrUnavailable):
		log.WarnContext(ctx, "database unavailable", "error", err)
		return &problem{code: codes.Unavailable, message: ErrUnavailable.Error()}
	case errors.Is(err, context.Canceled):
		return &problem{code: codes.Canceled, message: "the caller went away"}
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{code: codes.DeadlineExceeded, message: "this took longer than allowed"}
	}
	if s, ok := status.FromError(err); ok && fromGateway[s.Code()] {
		return &problem{code: s.Code(), message: s.Message()}
	}
	id := newID()
	log.ErrorContext(ctx, "internal error", "id", id, "error", err)
	return &problem{code: codes.Internal, message: "internal error " + id}
}

// fromGateway are the codes that the gateway itself makes, of requests that it
// cannot read; nothing else hands us a status.
var fromGateway = map[codes.Code]bool{codes.InvalidArgument: true, codes.NotFound: true, codes.Unimplemented: true}

// notFoundText is the reference's: an id of the right form is named, any other
// cannot be one.
func notFoundText(e *schema.NotFound) string {
	switch {
	case e.Kind == "rule" && schema.IsID(e.ID):
		return "Threat detection rule not found: " + e.ID
	case e.Kind == "rule":
		return "Not found"
	}
	return e.Error()
}

// httpStatus is the code's status.
func httpStatus(code codes.Code) int {
	switch code {
	case tooLargeCode:
		return http.StatusRequestEntityTooLarge
	case methodCode:
		return http.StatusMethodNotAllowed
	}
	return runtime.HTTPStatusFromCode(code)
}

// grpcStatus is the problem over gRPC.
func (p *problem) grpcStatus() error {
	s := status.New(p.code, p.Error())
	bad := &errdetails.BadRequest{}
	for _, d := range p.all() {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: d.Target, Description: d.Message})
	}
	if len(bad.FieldViolations) > 0 {
		if with, err := s.WithDetails(bad); err == nil {
			s = with
		}
	}
	return s.Err()
}

// all are the details; a problem with only a target has itself as one.
func (p *problem) all() []schema.Detail {
	if len(p.details) == 0 && p.target != "" {
		return []schema.Detail{{Target: p.target, Message: p.message}}
	}
	return p.details
}

// body is the problem over REST: the reference has two forms, `errors` for its
// older endpoints and `error` for its newer ones, and clients read either; both
// are sent.
func (p *problem) body() []byte {
	out := []byte(`{"errors":[`)
	out = appendQuoted(out, p.message)
	for _, d := range p.details {
		out = append(out, ',')
		out = appendQuoted(out, d.Message)
	}
	out = append(out, `],"error":{"code":`...)
	out = appendQuoted(out, p.code.String())
	out = append(out, `,"message":`...)
	out = appendQuoted(out, p.message)
	for i, d := range p.all() {
		out = append(out, map[bool]string{true: `,"details":[`, false: ","}[i == 0]...)
		out = append(out, `{"code":`...)
		out = appendQuoted(out, p.code.String())
		out = append(out, `,"message":`...)
		out = appendQuoted(out, d.Message)
		out = append(out, `,"target":`...)
		out = appendQuoted(out, d.Target)
		out = append(out, '}')
	}
	if len(p.all()) > 0 {
		out = append(out, ']')
	}
	return append(out, "}}\n"...)
}

func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(httpStatus(p.code))
	_, _ = w.Write(p.body()) // the caller has gone: nobody to tell
}

func newID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func badRequest(target, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if target != "" {
		message = target + ": " + message
	}
	return &problem{code: codes.InvalidArgument, message: message, target: target}
}
