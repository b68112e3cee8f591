package calls

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Conn reaches services of this process without a network: what a service returns comes
// back as it is, errors too. It is a grpc.ServiceRegistrar for those who serve, and a
// grpc.ClientConnInterface for those who ask. Services are registered before it is used.
type Conn struct {
	intercept grpc.UnaryServerInterceptor
	methods   map[string]method
}

type method struct {
	service any
	handle  grpc.MethodHandler
}

// NewConn makes a Conn whose calls all pass the interceptor.
func NewConn(intercept grpc.UnaryServerInterceptor) *Conn {
	return &Conn{intercept: intercept, methods: map[string]method{}}
}

// RegisterService implements grpc.ServiceRegistrar.
func (c *Conn) RegisterService(desc *grpc.ServiceDesc, service any) {
	for _, m := range desc.Methods {
		c.methods[fmt.Sprintf("/%s/%s", desc.ServiceName, m.MethodName)] = method{service, m.Handler}
	}
}

// Invoke implements grpc.ClientConnInterface.
func (c *Conn) Invoke(ctx context.Context, name string, in, out any, _ ...grpc.CallOption) error {
	m, ok := c.methods[name]
	if !ok {
		return status.Error(codes.Unimplemented, "there is no method "+name)
	}
	if said, ok := metadata.FromOutgoingContext(ctx); ok {
		ctx = metadata.NewIncomingContext(ctx, said)
	}
	answer, err := m.handle(m.service, ctx, func(message any) error { return move(message, in) }, c.intercept)
	if err != nil {
		return err
	}
	return move(out, answer)
}

// NewStream implements grpc.ClientConnInterface: REST has no streams.
func (c *Conn) NewStream(_ context.Context, _ *grpc.StreamDesc, name string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, name+" is a stream")
}

// move gives a message the fields of another, which is not used any more.
func move(to, from any) error {
	dst, ok := to.(proto.Message)
	src, same := from.(proto.Message)
	if !ok || !same || dst.ProtoReflect().Descriptor() != src.ProtoReflect().Descriptor() {
		return status.Errorf(codes.Internal, "a %T is no %T", from, to)
	}
	src.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		dst.ProtoReflect().Set(f, v)
		return true
	})
	dst.ProtoReflect().SetUnknown(src.ProtoReflect().GetUnknown())
	return nil
}
