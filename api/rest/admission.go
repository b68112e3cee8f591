package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"nightjar/api"
	"nightjar/api/access"
)

// throughDoor lets in who may send events, in the way of the door's protocol.
func (h *Handler) throughDoor(w http.ResponseWriter, r *http.Request, door api.Door, next http.Handler) {
	if door.Open(r) {
		next.ServeHTTP(w, r)
		return
	}
	ctx, err := h.admit(w, r, access.Endpoint{Need: access.WriteEvents}, door.Keys(r)...)
	if err != nil {
		p := api.Describe(r.Context(), h.deps.Log, err)
		p.AskPatience(w)
		door.Refuse(w, r, p.HTTPStatus(), p.Message)
		return
	}
	next.ServeHTTP(w, r.WithContext(ctx))
}

// locked lets in who may do what the endpoint is for.
func (h *Handler) locked(e access.Endpoint, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := h.admit(w, r, e)
		if err != nil {
			if r.URL.Path == "/api/v1/validate" { // as the reference answers who has no key, too
				err = &api.Error{Code: api.CodePermissionDenied, Message: "Forbidden"}
			}
			api.Describe(r.Context(), h.deps.Log, err).Write(w, r)
			return
		}
		deed := access.Deed{Noted: e.Noted, Action: action(r), Address: r.RemoteAddr, Request: w.Header().Get(requestIDHeader)}
		err = h.deps.Guard.Do(ctx, deed, func() (string, error) {
			answered := &outcome{ResponseWriter: w}
			next.ServeHTTP(answered, r.WithContext(ctx))
			return "", answered.err()
		})
		if err != nil && !errors.Is(err, errAnswered) {
			api.Describe(r.Context(), h.deps.Log, err).Write(w, r)
		}
	})
}

// outcome is a response that knows whether it tells of a failure, for the audit log.
type outcome struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (o *outcome) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (o *outcome) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// errAnswered is of what failed and was answered.
var errAnswered = errors.New("answered")

func (o *outcome) err() error {
	if o.status >= http.StatusBadRequest {
		return errAnswered
	}
	return nil
}

// admit finds out who makes a request and whether they may: by the headers that everybody
// may use, and by the keys that it carries elsewhere. The caller is in the context that it
// returns.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request, e access.Endpoint, others ...string) (context.Context, error) {
	k := h.knock(w, r)
	k.Sent = access.SentBy(r, others...)
	caller, err := h.deps.Guard.Admit(k)
	if err == nil {
		err = h.deps.Guard.Check(k, caller, e, e.Need != "")
	}
	if err != nil {
		return nil, err
	}
	return access.With(r.Context(), caller), nil
}

// knock is a request as the guard knows it.
func (h *Handler) knock(w http.ResponseWriter, r *http.Request) access.Knock {
	return access.Knock{Session: r, Certificate: access.OfCertificate(r.TLS), Action: action(r), Address: r.RemoteAddr, Request: w.Header().Get(requestIDHeader)}
}

// action names a request that stands for no method.
func action(r *http.Request) string { return r.Method + " " + shownPath(r.URL.Path) }

// permitted refuses a call that its caller may not make before anything of it is read.
func (h *Handler) permitted(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, path map[string]string) {
		if pattern, ok := runtime.HTTPPattern(r.Context()); ok {
			method := methodsByRoute()[r.Method+" "+pattern.String()]
			e, known := access.OfMethod(method)
			k := h.knock(w, r)
			k.Action = method
			if err := h.deps.Guard.Check(k, access.Of(r.Context()), e, known); err != nil {
				api.Describe(r.Context(), h.deps.Log, err).Write(w, r)
				return
			}
		}
		next(w, r, path)
	}
}

// methodsByRoute are the full names of the methods that requests stand for, by what the
// gateway calls their routes.
var methodsByRoute = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	all, _ := bindings() // read before, by New
	for _, b := range all {
		service, method := b.method.Parent().FullName(), b.method.Name()
		out[strings.ToUpper(b.verb)+" "+strings.ReplaceAll(b.path, "}", "=*}")] = "/" + string(service) + "/" + string(method)
	}
	return out
})
