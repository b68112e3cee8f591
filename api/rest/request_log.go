package rest

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"nightjar/api"
)

// shownPath is the path without the key that the vendor's senders may put into it.
func shownPath(path string) string {
	path = withSingleSlashes(path)
	if at := strings.Index(path, keyedPath); at >= 0 {
		return path[:at+len(keyedPath)] + "…"
	}
	return path
}

const keyedPath = "/v1/input/"

const requestIDHeader = "X-Request-Id"

// outermost names, counts and logs every request, and keeps a panic from ending
// the process.
func (h *Handler) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, start := api.NewRequestID(), time.Now()
		w.Header().Set(requestIDHeader, id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if cause := recover(); cause != nil && cause != any(http.ErrAbortHandler) {
				h.deps.Log.ErrorContext(r.Context(), "panic in a handler", "id", id, "path", shownPath(r.URL.Path), "cause", cause, "stack", string(debug.Stack()))
				if rec.status == 0 {
					(&api.Error{Code: api.CodeInternal, Message: "internal error " + id}).Write(rec, r)
				}
			} else if cause != nil {
				panic(cause)
			}
			h.requests.WithLabelValues(r.Method, strconv.Itoa(rec.status)).Inc()
			h.deps.Log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("id", id), slog.String("method", r.Method),
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
