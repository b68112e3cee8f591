package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"google.golang.org/grpc/metadata"
)

// Exchange is one HTTP request and what was noticed on its way.
type Exchange struct {
	ID   string // X-Request-Id of the answer
	Base string // scheme and host that the caller used
	Path string // that was asked for
	From string // address of the caller, with its port
	// Search is what the caller calls the search that the request is part of; see Running.
	Search string
	// Present are the fields that the outermost object of the body has, by proto
	// name; keys are the paths of all its keys, as they are written.
	Present []string
	Keys    map[string]bool
	Status  int   // of the answer; 0: 200, or 204 when it is empty
	Failed  error // why the body could not be read
}

type exchangeKey struct{}

// WithExchange keeps an exchange in the context of its call.
func WithExchange(ctx context.Context, x *Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// ExchangeOf is nil when the call came over gRPC.
func ExchangeOf(ctx context.Context) *Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return x
}

// AnswerWith sets the status of the answer, when the call came over HTTP.
func AnswerWith(ctx context.Context, status int) {
	if x := ExchangeOf(ctx); x != nil {
		x.Status = status
	}
}

// URL is the path as the caller can follow it.
func (x *Exchange) URL(path string) string {
	if x == nil {
		return path
	}
	return x.Base + path
}

// RequestID names the call to its caller.
func RequestID(ctx context.Context) string {
	if x := ExchangeOf(ctx); x != nil {
		return x.ID
	}
	return NewRequestID()
}

// NewRequestID is a name for a request, by which its caller and the log find it.
func NewRequestID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// UploadsPath is where parts of uploads are sent.
const UploadsPath = "/api/nightjar/v1/uploads/"

// Metadata is what a call over gRPC says beside its message under a name in small
// letters; "" where it says nothing.
func Metadata(ctx context.Context, name string) string {
	md, _ := metadata.FromIncomingContext(ctx)
	if values := md.Get(name); len(values) > 0 {
		return values[0]
	}
	return ""
}
