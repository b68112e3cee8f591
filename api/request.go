package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

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

// withExchange keeps an exchange in the context of its call.
func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

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

func newID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

const uploadsPath = "/api/nightjar/v1/uploads/"
