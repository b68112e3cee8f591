package calls

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"nightjar/api/access"
)

// From says of a call where it came from, and by which id its caller knows it.
type From func(ctx context.Context) (address, request string)

// Interceptor lets through the calls that their callers may make, and has them written
// down. Who calls is in the context (access.With).
func Interceptor(g *access.Guard, from From) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, in any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (out any, err error) {
		address, request := from(ctx)
		e, known := access.OfMethod(info.FullMethod)
		k := access.Knock{Action: info.FullMethod, Address: address, Request: request}
		if err := g.Check(k, access.Of(ctx), e, known); err != nil {
			return nil, err
		}
		d := access.Deed{Noted: e.Noted, Action: info.FullMethod, Address: address, Request: request}
		if m, ok := in.(proto.Message); ok && e.Noted != access.Quiet {
			d.Object, d.Detail = objectOf(m), detailOf(m, e.Noted)
		}
		err = g.Do(ctx, d, func() (string, error) {
			out, err = next(ctx, in)
			return madeOf(d.Object, out), err
		})
		return out, err
	}
}

// detailOf is more of what a call says: a statement of SQL as it is, and of a deletion
// only a hash of its query, since that may name the person whose events are to be gone.
func detailOf(m proto.Message, noted access.Noted) string {
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName("query")
	if field == nil || field.Kind() != stringKind || field.IsList() {
		return ""
	}
	query := r.Get(field).String()
	switch noted {
	case access.SQL:
		return query
	case access.Deletion:
		sum := sha256.Sum256([]byte(query))
		return "SHA-256 of the query: " + hex.EncodeToString(sum[:])
	}
	return ""
}
