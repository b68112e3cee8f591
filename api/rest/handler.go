package rest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/limits"
)

// Handler is everything that HTTP serves.
type Handler struct {
	deps     Deps
	hosts    hosts
	requests *prometheus.CounterVec
	serve    http.Handler

	documents func() (documents, error) // of the API; see writeDocuments
}

// Deps are what a restHandler is made of.
type Deps struct {
	// Register serves the services over HTTP.
	Register func(context.Context, *runtime.ServeMux) error
	// Guard decides who may come in, and what each caller may do.
	Guard *access.Guard
	// Open are handlers that need no key, by method and path: there, people sign in.
	Open map[string]http.HandlerFunc
	// Memory is what bodies are read within, and MessageTime how long their senders may
	// be silent in the middle of one.
	Memory      limits.Memory
	MessageTime time.Duration
	// Address is where HTTP is served, AllowedHosts by what further names.
	Address      string
	AllowedHosts []string
	Version      string
	// Uploads takes parts of files. It needs no key: only who made an upload knows where
	// its parts are sent.
	Uploads http.Handler
	// Ready, Raw, Rest, Metrics and OpenMetrics are those of Deps.
	Ready    func(context.Context, Readiness) error
	Raw      map[string]http.Handler
	Fallback api.ClaimingDoor
	// Page is what people see who come with a browser; nil: there is none.
	Page        Page
	Metrics     *prometheus.Registry
	OpenMetrics bool
	Log         *slog.Logger
}

// Page is a web application: files, and views whose addresses people follow.
type Page interface {
	http.Handler
	IsFile(path string) bool
	IsView(path string) bool
}

// New makes the handler, and registers its metrics.
func New(deps Deps) (*Handler, error) {
	h := &Handler{
		deps: deps, hosts: newHosts(deps.Address, deps.AllowedHosts),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightjar_api_requests_total", Help: "HTTP requests answered.",
		}, []string{"method", "code"}),
	}
	if err := deps.Metrics.Register(h.requests); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	h.documents = sync.OnceValues(h.writeDocuments)
	var err error
	h.serve, err = h.handler()
	return h, err
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

// handler finds who answers a request.
func (h *Handler) handler() (http.Handler, error) {
	gateway, err := h.gateway()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /openapi.json", gzhttp.GzipHandler(http.HandlerFunc(h.openAPI)))
	mux.Handle("GET /api/reference", gzhttp.GzipHandler(http.HandlerFunc(h.reference)))
	mux.Handle("PUT "+api.UploadsPath+"{id}/{token}/{part}", h.deps.Uploads)
	metrics := promhttp.HandlerFor(h.deps.Metrics, promhttp.HandlerOpts{})
	if h.deps.OpenMetrics {
		mux.Handle("GET /metrics", metrics)
	} else {
		mux.Handle("GET /metrics", h.locked(access.Endpoint{Need: access.ReadEngine}, metrics))
	}
	for pattern, open := range h.deps.Open {
		mux.Handle(pattern, open)
	}
	raw, rawPaths := h.rawHandlers()
	locked := h.locked(access.Endpoint{Need: access.Known}, gateway)
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, pattern := raw.Handler(r)
		door, isDoor := found.(api.Door)
		switch {
		case h.isPages(r):
			h.deps.Page.ServeHTTP(w, r)
		case pattern != "" && isDoor:
			h.throughDoor(w, r, door, raw)
		case pattern != "":
			h.locked(access.OfRoute(pattern), raw).ServeHTTP(w, r)
		case h.deps.Fallback != nil && h.deps.Fallback.Claims(r):
			h.throughDoor(w, r, h.deps.Fallback, h.deps.Fallback)
		case rawPaths[r.URL.Path]:
			h.locked(access.Endpoint{Need: access.Known}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.routingError(r.Context(), nil, nil, w, r, http.StatusMethodNotAllowed)
			})).ServeHTTP(w, r)
		default:
			locked.ServeHTTP(w, r)
		}
	}))
	return h.outermost(h.onlyForHosts(singleSlashes(mux))), nil
}

// isPages reports whether a request is for the page: for one of its files, or, from a
// person who has no key to send, for one of its views. At the same addresses senders
// ask for a banner or an index.
func (h *Handler) isPages(r *http.Request) bool {
	if h.deps.Page == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if h.deps.Page.IsFile(r.URL.Path) {
		return true
	}
	isPerson := takesHTML(r.Header.Values("Accept")) && r.Header.Get("Authorization") == ""
	claimed := h.deps.Fallback != nil && h.deps.Fallback.Claims(r)
	return h.deps.Page.IsView(r.URL.Path) && (isPerson || r.URL.Path == "/" && !claimed)
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
			r.URL.Path, r.URL.RawPath = withSingleSlashes(r.URL.Path), withSingleSlashes(r.URL.RawPath)
		}
		next.ServeHTTP(w, r)
	})
}

var slashes = regexp.MustCompile("/{2,}")

// withSingleSlashes is asked of every request, nearly all of which have single ones.
func withSingleSlashes(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	return slashes.ReplaceAllString(path, "/")
}

// rawHandlers are those that read their bodies themselves, and their paths.
func (h *Handler) rawHandlers() (*http.ServeMux, map[string]bool) {
	raw, paths := http.NewServeMux(), map[string]bool{}
	for pattern, h := range h.deps.Raw {
		raw.Handle(pattern, h)
		if _, path, has := strings.Cut(pattern, " "); has { // else any method is served
			paths[path] = true
		}
	}
	return raw, paths
}
