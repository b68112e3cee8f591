package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "nightjar/api/v1"
)

// maxBody is the largest JSON body.
const maxBody = 10 << 20

// exchange is one HTTP request and what was noticed on its way.
type exchange struct {
	id   string // X-Request-Id of the answer
	base string // scheme and host that the caller used
	path string // that was asked for
	// present are the fields that the outermost object of the body has, by proto
	// name; keys are the paths of all its keys, as they are written.
	present []string
	keys    map[string]bool
	status  int   // of the answer; 0: 200, or 204 when it is empty
	failed  error // why the body could not be read
}

type exchangeKey struct{}

// exchangeOf is nil when the call came over gRPC.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// answerWith sets the status of the answer, when the call came over HTTP.
func answerWith(ctx context.Context, status int) {
	if x := exchangeOf(ctx); x != nil {
		x.status = status
	}
}

// url is the path as the caller can follow it.
func (x *exchange) url(path string) string {
	if x == nil {
		return path
	}
	return x.base + path
}

// requestID names the call to its caller.
func requestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.id
	}
	return newID()
}

const backtestsPath = "/api/nightjar/v1/backtests"

// handler is everything that HTTP serves.
func (s *Server) handler() (http.Handler, error) {
	gateway, err := s.gateway()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /openapi.json", gzhttp.GzipHandler(http.HandlerFunc(s.openAPI)))
	mux.HandleFunc("GET /{$}", s.root)
	mux.Handle("PUT "+uploadsPath+"{id}/{token}/{part}", s.referenceTables.uploads)
	metrics := promhttp.HandlerFor(s.deps.Metrics, promhttp.HandlerOpts{})
	if s.deps.OpenMetrics {
		mux.Handle("GET /metrics", metrics)
	} else {
		mux.Handle("GET /metrics", s.locked(metrics))
	}
	raw, rawPaths := s.rawHandlers()
	locked := s.locked(gateway)
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := raw.Handler(r)
		door, isDoor := h.(Door)
		switch {
		case pattern != "" && isDoor:
			s.throughDoor(w, r, door, raw)
		case pattern != "":
			s.locked(raw).ServeHTTP(w, r)
		case s.deps.Rest != nil && s.deps.Rest.Claims(r):
			s.throughDoor(w, r, s.deps.Rest, s.deps.Rest)
		case rawPaths[r.URL.Path]:
			s.locked(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s.routingError(r.Context(), nil, nil, w, r, http.StatusMethodNotAllowed)
			})).ServeHTTP(w, r)
		default:
			locked.ServeHTTP(w, r)
		}
	}))
	return s.outermost(s.known(singleSlashes(mux))), nil
}

// root is the page for people who have no key to send, and the banner that senders
// ask for.
func (s *Server) root(w http.ResponseWriter, r *http.Request) {
	isPerson := takesHTML(r.Header.Values("Accept")) && r.Header.Get("Authorization") == ""
	if isPerson || s.deps.Rest == nil || !s.deps.Rest.Claims(r) {
		s.index(w, r)
		return
	}
	s.throughDoor(w, r, s.deps.Rest, s.deps.Rest)
}

// takesHTML reports whether an answer in HTML would do. Senders of logs that say what
// they take want JSON.
func takesHTML(accept []string) bool {
	said := strings.Join(accept, ",")
	for _, a := range strings.Split(said, ",") {
		kind, parameters, err := mime.ParseMediaType(a)
		if err != nil || kind != "text/html" && kind != "text/*" && kind != "*/*" {
			continue
		}
		if q, err := strconv.ParseFloat(parameters["q"], 64); err != nil || q > 0 {
			return true
		}
	}
	return strings.TrimSpace(said) == ""
}

// singleSlashes serves //path as /path: senders put a path behind an address that
// ends with a slash, and lose their body when they are redirected.
func singleSlashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "//") {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = slashes.ReplaceAllString(r.URL.Path, "/"), slashes.ReplaceAllString(r.URL.RawPath, "/")
		}
		next.ServeHTTP(w, r)
	})
}

var slashes = regexp.MustCompile("/{2,}")

// shownPath is the path without the key that the vendor's senders may put into it.
func shownPath(path string) string {
	path = slashes.ReplaceAllString(path, "/")
	if at := strings.Index(path, keyedPath); at >= 0 {
		return path[:at+len(keyedPath)] + "…"
	}
	return path
}

const keyedPath = "/v1/input/"

// rawHandlers are those that read their bodies themselves, and their paths.
func (s *Server) rawHandlers() (*http.ServeMux, map[string]bool) {
	raw, paths := http.NewServeMux(), map[string]bool{}
	for pattern, h := range s.deps.Raw {
		raw.Handle(pattern, h)
		if _, path, has := strings.Cut(pattern, " "); has { // else any method is served
			paths[path] = true
		}
	}
	return raw, paths
}

// throughDoor lets in who has the key, in the way of the door's protocol.
func (s *Server) throughDoor(w http.ResponseWriter, r *http.Request, door Door, next http.Handler) {
	if !door.Open(r) {
		if err := s.keys.admitHTTP(r, door.Keys(r)...); err != nil {
			p := explain(r.Context(), s.deps.Log, err)
			door.Refuse(w, r, p.httpStatus(), p.message)
			return
		}
	}
	next.ServeHTTP(w, r)
}

// gateway is the REST form of the services.
func (s *Server) gateway() (http.Handler, error) {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, codec{}),
		runtime.WithErrorHandler(s.serviceError),
		runtime.WithRoutingErrorHandler(s.routingError),
		runtime.WithForwardResponseOption(finish),
		runtime.SetQueryParameterParser(queryParser{}),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
	)
	ctx := context.Background()
	for _, err := range []error{
		pb.RegisterRuleServiceHandlerServer(ctx, mux, s.rules),
		pb.RegisterSignalServiceHandlerServer(ctx, mux, s.signals),
		pb.RegisterLogServiceHandlerServer(ctx, mux, s.logs),
		pb.RegisterBacktestServiceHandlerServer(ctx, mux, s.backtests),
		pb.RegisterSearchServiceHandlerServer(ctx, mux, s.searches),
		pb.RegisterSQLServiceHandlerServer(ctx, mux, s.sqls),
		pb.RegisterStatusServiceHandlerServer(ctx, mux, s.statuses),
		pb.RegisterCoverageServiceHandlerServer(ctx, mux, s.coverages),
		pb.RegisterAgentServiceHandlerServer(ctx, mux, s.agents),
		pb.RegisterExplainServiceHandlerServer(ctx, mux, s.explains),
		pb.RegisterAnomalyServiceHandlerServer(ctx, mux, s.anomalies),
		pb.RegisterNotificationServiceHandlerServer(ctx, mux, s.notifications),
		pb.RegisterReparseServiceHandlerServer(ctx, mux, s.reparses),
		pb.RegisterThreatIntelServiceHandlerServer(ctx, mux, s.threatIntel),
		pb.RegisterSuppressionServiceHandlerServer(ctx, mux, s.suppressions),
		pb.RegisterReferenceTableServiceHandlerServer(ctx, mux, s.referenceTables),
		pb.RegisterTerraformServiceHandlerServer(ctx, mux, s.terraforms),
		pb.RegisterSecurityFilterServiceHandlerServer(ctx, mux, s.securityFilters),
		pb.RegisterCriticalAssetServiceHandlerServer(ctx, mux, s.criticalAssets),
		pb.RegisterNotificationRuleServiceHandlerServer(ctx, mux, s.notificationRules),
		pb.RegisterAgentRuleServiceHandlerServer(ctx, mux, s.agentRules),
		pb.RegisterAgentPolicyServiceHandlerServer(ctx, mux, s.agentPolicies),
		pb.RegisterIndicatorServiceHandlerServer(ctx, mux, s.indicators),
		pb.RegisterPipelineServiceHandlerServer(ctx, mux, s.pipelines),
	} {
		if err != nil {
			return nil, fmt.Errorf("register services: %w", err)
		}
	}
	compressed := gzhttp.GzipHandler(mux) // what is large, and no archive
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
			(&problem{code: codes.InvalidArgument, message: "Content-Encoding: want identity here, got " + shorten(e)}).write(w, r)
			return
		}
		if r.URL.Path == backtestsPath {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it takes what it takes, or until its caller hangs up
		}
		x := &exchange{id: w.Header().Get(requestIDHeader), base: baseURL(r), path: r.URL.Path}
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		body, err := s.newBody(w, r, x)
		if err != nil {
			explain(r.Context(), s.deps.Log, err).write(w, r)
			return
		}
		defer body.hold.shrink(0)
		r.Body = body
		compressed.ServeHTTP(w, r)
	}), nil
}

// finish puts what the codec noticed beside the answer, and the status where it
// is not 200.
func finish(ctx context.Context, w http.ResponseWriter, m proto.Message) error {
	x := exchangeOf(ctx)
	if file, ok := m.(*pb.File); ok {
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.GetName()}))
	}
	if _, empty := m.(*emptypb.Empty); empty && (x == nil || x.status == 0) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if x != nil && x.status != 0 {
		defer w.WriteHeader(x.status)
	}
	return nil
}

func (s *Server) serviceError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if x := exchangeOf(ctx); x != nil && x.failed != nil {
		err = x.failed
	}
	explain(ctx, s.deps.Log, err).write(w, r)
}

func (s *Server) routingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, status int) {
	p := &problem{code: codes.InvalidArgument, message: http.StatusText(status)}
	switch status {
	case http.StatusNotFound:
		p = &problem{code: codes.NotFound, message: "Not found: there is nothing at " + shorten(r.URL.Path)}
	case http.StatusMethodNotAllowed:
		p = &problem{code: methodCode, message: r.Method + " is not what " + shorten(r.URL.Path) + " answers to"}
	}
	p.write(w, r)
}

// locked lets in who has the key.
func (s *Server) locked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.keys.admitHTTP(r); err != nil {
			if r.URL.Path == "/api/v1/validate" { // as the reference answers who has no key, too
				err = &problem{code: codes.PermissionDenied, message: "Forbidden"}
			}
			explain(r.Context(), s.deps.Log, err).write(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(withCaller(r.Context(), sentKeys(r.Header.Values("DD-API-KEY"), r.Header.Values("Authorization")))))
	})
}

const requestIDHeader = "X-Request-Id"

// outermost names, counts and logs every request, and keeps a panic from ending
// the process.
func (s *Server) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, start := newID(), time.Now()
		w.Header().Set(requestIDHeader, id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if cause := recover(); cause != nil && cause != any(http.ErrAbortHandler) {
				s.deps.Log.ErrorContext(r.Context(), "panic in a handler", "id", id, "path", shownPath(r.URL.Path), "cause", cause, "stack", string(debug.Stack()))
				if rec.status == 0 {
					(&problem{code: codes.Internal, message: "internal error " + id}).write(rec, r)
				}
			} else if cause != nil {
				panic(cause)
			}
			s.metrics.requests.WithLabelValues(r.Method, strconv.Itoa(rec.status)).Inc()
			s.deps.Log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("id", id), slog.String("method", r.Method),
				slog.String("path", shownPath(r.URL.Path)), slog.Int("status", rec.status), slog.Duration("took", time.Since(start)))
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is inside.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// readyTime is how long readiness may take to find out. What does not answer by
// then is not ready.
const readyTime = 800 * time.Millisecond

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	what := Readiness(r.URL.Query().Get("for"))
	if what != ReadyForEvents && what != ReadyForEvaluation && what != ReadyForSearch {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "for: want evaluate or search, or nothing: whether events can be taken\n")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- s.deps.Ready(ctx, what) }() // which may be held up by a server that hangs
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = errors.New("no answer in time")
	}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintf(w, "not ready: %s\n", err)
		return
	}
	_, _ = io.WriteString(w, "ready\n")
}

func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
