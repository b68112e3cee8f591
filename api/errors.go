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
	// placed has the targets in `errors` too, where the recordings have none.
	placed bool
	// entry is the JSON value in `errors`, or several with commas, where the
	// recordings have one of their own; empty: as the dialect has it.
	entry string
	// status is that of HTTP where the code has another; 0: the code's.
	status int
	// again is when to try again; 0 when that is not known.
	again time.Duration
	// sort is the word that the configuration endpoints put around a message,
	// such as not_found; empty for none.
	sort string
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
		busy     *Busy
	)
	switch {
	case errors.As(err, &known):
		p := *known
		if p.code == codes.OK {
			p.code = codes.InvalidArgument
		}
		return &p
	case errors.As(err, &invalid):
		return &problem{code: codes.InvalidArgument, message: "Invalid request", details: invalid.Details, sort: "input_validation_error"}
	case errors.As(err, &missing):
		return &problem{code: codes.NotFound, message: notFoundText(missing), sort: "not_found"}
	case errors.As(err, &conflict):
		return &problem{code: codes.Aborted, message: conflict.Error(), target: "version", sort: "conflict"}
	case errors.As(err, &refused):
		return &problem{code: codes.InvalidArgument, message: refused.Message, target: "query"}
	case errors.As(err, &busy):
		return &problem{code: map[bool]codes.Code{true: codes.ResourceExhausted, false: codes.Unavailable}[busy.Full], message: busy.Error(), again: busy.After}
	case noSpace(err):
		log.WarnContext(ctx, "not saved", "error", err)
		return &problem{code: codes.ResourceExhausted, status: http.StatusInsufficientStorage, message: "not saved: the disk is full, or takes no writes; make room, or let older events go (--retention, --disk-quota), and try again"}
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

// httpStatus is what HTTP calls the problem.
func (p *problem) httpStatus() int {
	if p.status != 0 {
		return p.status
	}
	switch p.code {
	case tooLargeCode:
		return http.StatusRequestEntityTooLarge
	case methodCode:
		return http.StatusMethodNotAllowed
	}
	return runtime.HTTPStatusFromCode(p.code)
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
	if p.again > 0 {
		if with, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(p.again)}); err == nil {
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
func (p *problem) body(d dialect) []byte {
	out := append([]byte(`{"errors":[`), strings.Join(p.entries(d), ",")...)
	out = append(out, `],"error":{"code":`...)
	out = appendQuoted(out, p.code.String())
	out = append(out, `,"message":`...)
	out = appendQuoted(out, p.message)
	for i, detail := range p.all() {
		out = append(out, map[bool]string{true: `,"details":[`, false: ","}[i == 0]...)
		out = append(out, `{"code":`...)
		out = appendQuoted(out, p.code.String())
		out = append(out, `,"message":`...)
		out = appendQuoted(out, detail.Message)
		out = append(out, `,"target":`...)
		out = appendQuoted(out, detail.Target)
		out = append(out, '}')
	}
	if len(p.all()) > 0 {
		out = append(out, ']')
	}
	return append(out, "}}\n"...)
}

// entries are the JSON values in `errors`.
func (p *problem) entries(d dialect) (out []string) {
	quote := func(s string) string { return string(appendQuoted(nil, s)) }
	switch {
	case p.entry != "":
		out = append(out, p.entry)
	case d == jsonAPIErrors:
		title := "Generic Error"
		if p.code != codes.InvalidArgument {
			title = http.StatusText(p.httpStatus())
		}
		for _, text := range p.texts() {
			out = append(out, fmt.Sprintf(`{"status":"%d","title":%s,"detail":%s}`, p.httpStatus(), quote(title), quote(text)))
		}
	case d == titledErrors && p.code == codes.NotFound:
		out = append(out, `{"title":`+quote(p.message)+`}`)
	case d == plainErrors || p.sort == "":
		out = append(out, quote(p.message))
		for _, detail := range p.details {
			if p.placed {
				detail.Message = detail.Target + ": " + detail.Message
			}
			out = append(out, quote(detail.Message))
		}
	case len(p.details) > 0:
		for _, detail := range p.details {
			out = append(out, quote(fmt.Sprintf("%s(Field '%s' is invalid: %s)", p.sort, detail.Target, detail.Message)))
		}
	default:
		out = append(out, quote(p.sort+"("+p.message+")"))
	}
	return out
}

// texts are the details, or else the message, for readers.
func (p *problem) texts() []string {
	if len(p.details) == 0 {
		return []string{p.message}
	}
	var out []string
	for _, d := range p.details {
		out = append(out, strings.TrimPrefix(d.Target+": "+d.Message, ": "))
	}
	return out
}

// write answers r with the problem.
func (p *problem) write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if p.again > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((p.again+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(p.httpStatus())
	_, _ = w.Write(p.body(dialectOf(r.URL.Path))) // the caller has gone: nobody to tell
}

func badRequest(target, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if target != "" {
		message = target + ": " + message
	}
	return &problem{code: codes.InvalidArgument, message: message, target: target}
}

// Busy refuses something for now: it may be sent again after a while.
type Busy struct {
	After time.Duration
	// Full says that a quota is used up, rather than that something is broken.
	Full bool
	Err  error
}

func (b *Busy) Error() string { return b.Err.Error() }

// Unwrap is what was refused.
func (b *Busy) Unwrap() error { return b.Err }

// newRuleSuppressions is where it is asked what would suppress a rule.
const newRuleSuppressions = "/api/v2/security_monitoring/configuration/suppressions/rules"

// newRuleProblem words what is wrong with such a rule as the recordings do.
func newRuleProblem(path string, err error) error {
	var known *problem
	var invalid *schema.Invalid
	out := &problem{message: "Invalid rule configuration", entry: `"invalid_argument(Invalid rule configuration)"`}
	switch {
	case path != newRuleSuppressions:
		return err
	case errors.As(err, &invalid):
		out.details = invalid.Details
	case errors.As(err, &known):
		out.details = known.details
	default:
		return err
	}
	return out
}

// notThere gives the error about what is not there other words.
func notThere(err error, words string) error {
	var missing *schema.NotFound
	if errors.As(err, &missing) {
		return &problem{code: codes.NotFound, message: words}
	}
	return err
}
