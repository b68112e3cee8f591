package api

import (
	"context"
	"net/http"

	"google.golang.org/grpc/codes"
)

// throughDoor lets in who has the key, in the way of the door's protocol.
func (h *restHandler) throughDoor(w http.ResponseWriter, r *http.Request, door Door, next http.Handler) {
	if door.Open(r) {
		next.ServeHTTP(w, r)
		return
	}
	ctx, err := h.admit(r, door.Keys(r)...)
	if err != nil {
		p := explain(r.Context(), h.deps.Log, err)
		door.Refuse(w, r, p.httpStatus(), p.message)
		return
	}
	next.ServeHTTP(w, r.WithContext(ctx))
}

// locked lets in who has the key.
func (h *restHandler) locked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := h.admit(r)
		if err != nil {
			if r.URL.Path == "/api/v1/validate" { // as the reference answers who has no key, too
				err = &problem{code: codes.PermissionDenied, message: "Forbidden"}
			}
			explain(r.Context(), h.deps.Log, err).write(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// admit finds out who makes a request: by the headers that everybody may use, and by
// the keys that it carries elsewhere. The caller is in the context that it returns.
func (h *restHandler) admit(r *http.Request, others ...string) (context.Context, error) {
	sent := append(sentKeys(r.Header.Values("DD-API-KEY"), r.Header.Values("Authorization")), others...)
	caller, err := h.deps.Access.Admit(r.Context(), credentials{Keys: sent})
	if err != nil {
		return nil, err
	}
	return withCaller(r.Context(), caller), nil
}
