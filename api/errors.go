package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"nightjar/api/access"
	"nightjar/schema"
)

// This file is the one place where our errors meet gRPC and HTTP. Mistakes of
// the caller are told in full; what is not recognised here becomes "internal
// error" and a line in the log, with an id that joins the two.

// ErrUnavailable is wrapped by adapters whose server does not answer just now.
var ErrUnavailable = schema.ErrUnavailable

// noSpace reports whether the disk took no more.
func noSpace(err error) bool {
	return errors.Is(err, schema.ErrNoSpace) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// RefusedError is an answer of the database to a query that the caller wrote: what is
// wrong with it, in the database's words.
type RefusedError struct{ Message string }

func (r *RefusedError) Error() string { return r.Message }

// Error is an error as a caller sees it.
type Error struct {
	Code    Code // zero: InvalidArgument
	Message string
	// Target is the field that a message without details is about, as a path.
	Target  string
	Details []schema.Detail
	// Placed has the targets in `errors` too, where the recordings have none.
	Placed bool
	// Entry is the JSON value in `errors`, or several with commas, where the
	// recordings have one of their own; empty: as the dialect has it.
	Entry string
	// Status is that of HTTP where the code has another; 0: the code's.
	Status int
	// RetryAfter is how long to wait before another try; 0: no advice.
	RetryAfter time.Duration
	// Label is the word that the configuration endpoints put around a message,
	// such as not_found; empty for none.
	Label string
}

// Code is the kind of an Error. Its values are gRPC's; no service needs to import them.
type Code = codes.Code

// The codes that services use.
const (
	CodeInvalidArgument    = codes.InvalidArgument
	CodeNotFound           = codes.NotFound
	CodeAlreadyExists      = codes.AlreadyExists
	CodeAborted            = codes.Aborted
	CodeFailedPrecondition = codes.FailedPrecondition
	CodeUnauthenticated    = codes.Unauthenticated
	CodePermissionDenied   = codes.PermissionDenied
	CodeResourceExhausted  = codes.ResourceExhausted
	CodeUnavailable        = codes.Unavailable
	CodeDeadlineExceeded   = codes.DeadlineExceeded
	CodeInternal           = codes.Internal
	// Codes of HTTP that gRPC has no name for travel as these.
	CodeTooLarge         = codes.OutOfRange
	CodeMethodNotAllowed = codes.Unimplemented
)

func (p *Error) Error() string {
	text := p.Message
	for i, d := range p.Details {
		text += map[bool]string{true: ": ", false: "; "}[i == 0]
		if d.Target != "" {
			text += d.Target + ": "
		}
		text += d.Message
	}
	return text
}

// Describe turns any error into what its caller may see.
func Describe(ctx context.Context, log *slog.Logger, err error) *Error {
	var (
		known    *Error
		invalid  *schema.InvalidError
		missing  *schema.NotFoundError
		conflict *schema.ConflictError
		refused  *RefusedError
		busy     *BusyError
		denied   *access.DeniedError
		limited  *access.LimitedError
	)
	switch {
	case errors.As(err, &known):
		p := *known
		if p.Code == codes.OK {
			p.Code = codes.InvalidArgument
		}
		return &p
	case errors.As(err, &denied):
		return &Error{Code: map[bool]codes.Code{true: codes.Unauthenticated, false: codes.PermissionDenied}[denied.Reason == access.NoKey], Message: denied.Error()}
	case errors.As(err, &limited):
		return &Error{Code: codes.ResourceExhausted, Message: limited.Error(), RetryAfter: limited.After}
	case errors.As(err, &invalid):
		return &Error{Code: codes.InvalidArgument, Message: "Invalid request", Details: invalid.Details, Label: "input_validation_error"}
	case errors.As(err, &missing):
		return &Error{Code: codes.NotFound, Message: notFoundText(missing), Label: "not_found"}
	case errors.As(err, &conflict):
		return &Error{Code: codes.Aborted, Message: conflict.Error(), Target: "version", Label: "conflict"}
	case errors.As(err, &refused):
		return &Error{Code: codes.InvalidArgument, Message: refused.Message, Target: "query"}
	case errors.As(err, &busy):
		return &Error{Code: map[bool]codes.Code{true: codes.ResourceExhausted, false: codes.Unavailable}[busy.Full], Message: busy.Error(), RetryAfter: busy.After}
	case noSpace(err):
		log.WarnContext(ctx, "not saved", "error", err)
		return &Error{Code: codes.ResourceExhausted, Status: http.StatusInsufficientStorage, Message: "not saved: the disk is full, or takes no writes; make room, or let older events go (--retention, --disk-quota), and try again"}
	case errors.As(err, new(*access.UnwrittenError)):
		log.WarnContext(ctx, "a change was refused", "error", err)
		return &Error{Code: codes.Unavailable, Message: err.Error(), RetryAfter: 10 * time.Second}
	case errors.Is(err, ErrUnavailable):
		log.WarnContext(ctx, "database unavailable", "error", err)
		return &Error{Code: codes.Unavailable, Message: ErrUnavailable.Error()}
	case errors.Is(err, context.Canceled):
		return &Error{Code: codes.Canceled, Message: "the caller went away"}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: codes.DeadlineExceeded, Message: "this took longer than allowed"}
	}
	if s, ok := status.FromError(err); ok && fromGateway[s.Code()] {
		return &Error{Code: s.Code(), Message: s.Message()}
	}
	id := NewRequestID()
	log.ErrorContext(ctx, "internal error", "id", id, "error", err)
	return &Error{Code: codes.Internal, Message: "internal error " + id}
}

// fromGateway are the codes that the gateway itself makes, of requests that it
// cannot read; nothing else hands us a status.
var fromGateway = map[codes.Code]bool{codes.InvalidArgument: true, codes.NotFound: true, codes.Unimplemented: true}

// notFoundText is the reference's: an id of the right form is named, any other
// cannot be one.
func notFoundText(e *schema.NotFoundError) string {
	switch {
	case e.Kind == "rule" && schema.IsID(e.ID):
		return "Threat detection rule not found: " + e.ID
	case e.Kind == "rule":
		return "Not found"
	}
	if format, ok := notFoundFormats[e.Kind]; ok {
		return fmt.Sprintf(format, e.ID)
	}
	return e.Error()
}

// notFoundFormats are the reference's, by kind of object.
var notFoundFormats = map[string]string{
	"suppression":       "Suppression with ID %s not found",
	"security filter":   "Security filter with ID %s not found",
	"critical asset":    "Critical asset with ID %s not found",
	"notification rule": "Notification rule with id '%s' not found",

	"vulnerability notification rule": "Notification rule with id '%s' not found",
	"agent rule":                      "Agent rule not found: agentRuleId=%s",
	"agent policy":                    "Agent policy not found: agentPolicyId=%s",
}

// HTTPStatus is what HTTP calls the problem.
func (p *Error) HTTPStatus() int {
	if p.Status != 0 {
		return p.Status
	}
	switch p.Code {
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	}
	return runtime.HTTPStatusFromCode(p.Code)
}

// GRPCError is the problem over gRPC.
func (p *Error) GRPCError() error {
	s := status.New(p.Code, p.Error())
	bad := &errdetails.BadRequest{}
	for _, d := range p.all() {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: d.Target, Description: d.Message})
	}
	if len(bad.FieldViolations) > 0 {
		if with, err := s.WithDetails(bad); err == nil {
			s = with
		}
	}
	if p.RetryAfter > 0 {
		if with, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(p.RetryAfter)}); err == nil {
			s = with
		}
	}
	return s.Err()
}

// all are the details; a problem with only a target has itself as one.
func (p *Error) all() []schema.Detail {
	if len(p.Details) == 0 && p.Target != "" {
		return []schema.Detail{{Target: p.Target, Message: p.Message}}
	}
	return p.Details
}

// dialect is how one part of the reference's API words its errors. All of them
// have an array `errors`; what is in it differs, and so do its clients.
type dialect int

const (
	plainErrors   dialect = iota // ["message", …]
	codedErrors                  // ["not_found(message)", …]
	titledErrors                 // as codedErrors, but [{"title"}] for what is not there
	jsonAPIErrors                // [{"status","title","detail"}]
)

// dialects are those of the paths that begin so; the others have plainErrors.
var dialects = []struct {
	prefix string
	dialect
}{
	{"/api/v2/security_monitoring/configuration/", codedErrors},
	{"/api/v2/security_monitoring/cloud_workload_security/", codedErrors},
	{"/api/v2/security/signals/", codedErrors},
	{bulkSignals, jsonAPIErrors},
	{"/api/v2/security/vulnerabilities/", codedErrors},
	{"/api/v2/remote_config/", titledErrors},
	{"/api/v2/siem-historical-detections/", jsonAPIErrors},
	{"/api/v2/reference-tables/", jsonAPIErrors},
	{"/api/v2/security/siem/ioc-explorer", jsonAPIErrors},
}

func dialectOf(path string) dialect {
	for _, d := range dialects {
		if strings.HasPrefix(path, d.prefix) {
			return d.dialect
		}
	}
	if strings.HasPrefix(path, signalsPath) && strings.HasSuffix(path, "/update") {
		return jsonAPIErrors
	}
	return plainErrors
}

const (
	signalsPath = "/api/v2/security_monitoring/signals/"
	bulkSignals = signalsPath + "bulk/"
)

// body is the problem over REST: the array of the dialect, and beside it always
// the `error` of the reference's newest endpoints, which says which field is
// meant.
func (p *Error) body(d dialect) []byte {
	out := append([]byte(`{"errors":[`), strings.Join(p.entries(d), ",")...)
	out = append(out, `],"error":{"code":`...)
	out = AppendQuoted(out, p.Code.String())
	out = append(out, `,"message":`...)
	out = AppendQuoted(out, p.Message)
	for i, detail := range p.all() {
		out = append(out, map[bool]string{true: `,"details":[`, false: ","}[i == 0]...)
		out = append(out, `{"code":`...)
		out = AppendQuoted(out, p.Code.String())
		out = append(out, `,"message":`...)
		out = AppendQuoted(out, detail.Message)
		out = append(out, `,"target":`...)
		out = AppendQuoted(out, detail.Target)
		out = append(out, '}')
	}
	if len(p.all()) > 0 {
		out = append(out, ']')
	}
	return append(out, "}}\n"...)
}

// entries are the JSON values in `errors`.
func (p *Error) entries(d dialect) (out []string) {
	quote := func(s string) string { return string(AppendQuoted(nil, s)) }
	switch {
	case p.Entry != "":
		out = append(out, p.Entry)
	case d == jsonAPIErrors:
		title := "Generic Error"
		if p.Code != codes.InvalidArgument {
			title = http.StatusText(p.HTTPStatus())
		}
		for _, text := range p.texts() {
			out = append(out, fmt.Sprintf(`{"status":"%d","title":%s,"detail":%s}`, p.HTTPStatus(), quote(title), quote(text)))
		}
	case d == titledErrors && p.Code == codes.NotFound:
		out = append(out, `{"title":`+quote(p.Message)+`}`)
	case d == plainErrors || p.Label == "":
		out = append(out, quote(p.Message))
		for _, detail := range p.Details {
			if p.Placed {
				detail.Message = detail.Target + ": " + detail.Message
			}
			out = append(out, quote(detail.Message))
		}
	case len(p.Details) > 0:
		for _, detail := range p.Details {
			out = append(out, quote(fmt.Sprintf("%s(Field '%s' is invalid: %s)", p.Label, detail.Target, detail.Message)))
		}
	default:
		out = append(out, quote(p.Label+"("+p.Message+")"))
	}
	return out
}

// texts are the details, or else the message, for readers.
func (p *Error) texts() []string {
	if len(p.Details) == 0 {
		return []string{p.Message}
	}
	var out []string
	for _, d := range p.Details {
		out = append(out, strings.TrimPrefix(d.Target+": "+d.Message, ": "))
	}
	return out
}

// Write answers r with the problem.
func (p *Error) Write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	p.AskPatience(w)
	w.WriteHeader(p.HTTPStatus())
	_, _ = w.Write(p.body(dialectOf(r.URL.Path))) // the caller has gone: nobody to tell
}

// AskPatience says in the answer's headers how long to wait, where that helps.
func (p *Error) AskPatience(w http.ResponseWriter) {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((p.RetryAfter+time.Second-1)/time.Second), 10))
	}
}

// BadRequest is a mistake of the caller in a field of the request; "" is the whole of it.
func BadRequest(target, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if target != "" {
		message = target + ": " + message
	}
	return &Error{Code: codes.InvalidArgument, Message: message, Target: target}
}

// BusyError refuses something for now: it may be sent again after a while.
type BusyError struct {
	After time.Duration
	// Full says that a quota is used up, rather than that something is broken.
	Full bool
	Err  error
}

func (b *BusyError) Error() string { return b.Err.Error() }

// Unwrap is what was refused.
func (b *BusyError) Unwrap() error { return b.Err }

// NewRuleSuppressions is where it is asked what would suppress a rule.
const NewRuleSuppressions = "/api/v2/security_monitoring/configuration/suppressions/rules"

// NewRuleError words what is wrong with such a rule as the recordings do.
func NewRuleError(path string, err error) error {
	var known *Error
	var invalid *schema.InvalidError
	out := &Error{Message: "Invalid rule configuration", Entry: `"invalid_argument(Invalid rule configuration)"`}
	switch {
	case path != NewRuleSuppressions:
		return err
	case errors.As(err, &invalid):
		out.Details = invalid.Details
	case errors.As(err, &known):
		out.Details = known.Details
	default:
		return err
	}
	return out
}

// NotFoundAs gives the error about what is not there other words.
func NotFoundAs(err error, words string) error {
	var missing *schema.NotFoundError
	if errors.As(err, &missing) {
		return &Error{Code: codes.NotFound, Message: words}
	}
	return err
}
