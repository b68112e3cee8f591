package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
)

// Credentials are what a request says of who makes it.
type Credentials struct {
	// Keys are those that it carries, in the order in which they were found.
	Keys []string
}

// Access decides who may come in. It is asked once for each request, over REST, over
// gRPC and at every door of an intake alike.
type Access interface {
	// Admit returns who makes the request, or why he may not: an *Error with the code
	// Unauthenticated or PermissionDenied. It must not wait: a connection waits for it.
	Admit(context.Context, Credentials) (Caller, error)
}

// Caller is who makes a request.
type Caller struct {
	// Key is a hash of the key with which he came. What callers may do at once is
	// counted by it.
	Key [sha256.Size]byte
}

type callerContext struct{}

// WithCaller keeps who makes a request in its context.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerContext{}, c)
}

// CallerOf is who makes the request of this context; the zero Caller where the request
// needs no key.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerContext{}).(Caller)
	return c
}

// oneKey admits whoever knows the one key. It keeps only a hash.
type oneKey struct{ sum [sha256.Size]byte }

// NewOneKey is the access of one key.
func NewOneKey(key string) (Access, error) {
	if key == "" {
		return nil, errors.New("api: no key; the API is never served without one")
	}
	return oneKey{sha256.Sum256([]byte(key))}, nil
}

// Admit implements Access.
func (k oneKey) Admit(_ context.Context, c Credentials) (Caller, error) {
	if len(c.Keys) == 0 {
		return Caller{}, &Error{
			Code:    codes.Unauthenticated,
			Message: "Unauthorized: send the API key in the header DD-API-KEY, or as Authorization: Bearer",
		}
	}
	right := 0
	for _, sent := range c.Keys {
		sum := sha256.Sum256([]byte(sent))
		right |= subtle.ConstantTimeCompare(sum[:], k.sum[:])
	}
	if right == 0 {
		return Caller{}, &Error{Code: codes.PermissionDenied, Message: "Forbidden"}
	}
	return Caller{Key: sha256.Sum256([]byte(c.Keys[0]))}, nil
}

// schemes are those of Authorization that carry the key.
var schemes = []string{"Bearer", "ApiKey", "Splunk"}

// SentKeys are the keys in the headers. DD-APPLICATION-KEY comes beside
// DD-API-KEY and may say anything.
func SentKeys(apiKey, authorization []string) []string {
	var sent []string
	for _, k := range apiKey {
		if k != "" {
			sent = append(sent, k)
		}
	}
	for _, a := range authorization {
		scheme, key, _ := strings.Cut(a, " ")
		for _, s := range schemes {
			if key = strings.TrimSpace(key); strings.EqualFold(s, scheme) && key != "" {
				sent = append(sent, key)
			}
		}
	}
	return sent
}
