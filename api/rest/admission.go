package rest

import (
	"context"
	"net/http"

	"nightjar/api"
)

// throughDoor lets in who has the key, in the way of the door's protocol.
func (h *Handler) throughDoor(w http.ResponseWriter, r *http.Request, door api.Door, next http.Handler) {
	if door.Open(r) {
		next.ServeHTTP(w, r)
		return
	}
	ctx, err := h.admit(r, door.Keys(r)...)
	if err != nil {
		p := api.Describe(r.Context(), h.deps.Log, err)
		door.Refuse(w, r, p.HTTPStatus(), p.Message)
		return
	}
	next.ServeHTTP(w, r.WithContext(ctx))
}

// locked lets in who has the key.
func (h *Handler) locked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := h.admit(r)
		if err != nil {
			if r.URL.Path == "/api/v1/validate" { // as the reference answers who has no key, too
				err = &api.Error{Code: api.CodePermissionDenied, Message: "Forbidden"}
			}
			api.Describe(r.Context(), h.deps.Log, err).Write(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// admit finds out who makes a request: by the headers that everybody may use, and by
// the keys that it carries elsewhere. The caller is in the context that it returns.
func (h *Handler) admit(r *http.Request, others ...string) (context.Context, error) {
	sent := append(api.SentKeys(r.Header.Values("DD-API-KEY"), r.Header.Values("Authorization")), others...)
	caller, err := h.deps.Access.Admit(r.Context(), api.Credentials{Keys: sent})
	if err != nil {
		return nil, err
	}
	return api.WithCaller(r.Context(), caller), nil
}
