package server

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"nightjar/api"
	"nightjar/api/limits"
	"nightjar/api/rest"
)

// Whoever may not come in costs nothing: the key is looked at when the headers of a
// call have come, before there is room for its message. Whoever may is bounded in
// calls, in memory, and in the time that a message may take to come.

const (
	// maxConnections are served over gRPC at once; more wait to be accepted.
	maxConnections = 1024
	// maxStreams are the calls of one connection, maxCalls those of all, at once.
	maxStreams = 128
	maxCalls   = 2048
	// maxHeaders bounds the headers of a call, in bytes.
	maxHeaders = 64 << 10
)

// bounds are what gRPC itself holds callers to.
func (s *Server) bounds() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.InTapHandle(s.tap),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxRecvMsgSize(int(s.maxMessage())),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: 10 * time.Minute, Time: time.Minute, Timeout: 20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
}

// maxMessage is the largest message that is read, in bytes: that of an intake.
func (s *Server) maxMessage() int64 { return int64(max(rest.MaxBody, s.deps.MaxMessage)) }

// admitted is what the headers of a call left for its message.
type admitted struct{ cancel context.CancelFunc }

type callKey struct{}

// tap lets a call in by its headers. It must not wait: its connection waits for it.
func (s *Server) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	called, err := s.admit(ctx, info.FullMethodName, info.Header)
	if err != nil {
		return nil, api.Describe(ctx, s.deps.Log, err).GRPCError()
	}
	if s.calls.Add(1) > maxCalls {
		s.calls.Add(-1)
		return nil, (&api.Error{Code: api.CodeResourceExhausted, Message: fmt.Sprintf("%d calls are in progress, which is as many as there may be; try again", maxCalls), RetryAfter: time.Second}).GRPCError()
	}
	ctx, cancel := context.WithCancel(called)
	context.AfterFunc(ctx, func() { s.calls.Add(-1) })
	return context.WithValue(ctx, callKey{}, admitted{cancel}), nil
}

// boundedServices registers services whose messages are read within memory and time.
type boundedServices struct {
	*grpc.Server
	memory  limits.Memory
	largest int64 // message, in bytes
	explain func(context.Context, error) error
	time    time.Duration
}

// RegisterService implements grpc.ServiceRegistrar.
func (b boundedServices) RegisterService(desc *grpc.ServiceDesc, service any) {
	bounded := *desc
	bounded.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		bounded.Methods[i] = grpc.MethodDesc{MethodName: m.MethodName, Handler: b.bounded(m.Handler)}
	}
	b.Server.RegisterService(&bounded, service)
}

func (b boundedServices) bounded(next grpc.MethodHandler) grpc.MethodHandler {
	return func(service any, ctx context.Context, decode func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
		mine := limits.Hold{Of: b.memory}
		defer mine.Shrink(0)
		return next(service, ctx, func(message any) error { return b.read(ctx, &mine, decode, message) }, i)
	}
}

// read reads a message. How large it is, is not known before it has come, so room
// for the largest is taken, and what was too much is given back at once. A call
// whose message does not come in time is cancelled.
func (b boundedServices) read(ctx context.Context, mine *limits.Hold, decode func(any) error, message any) error {
	if err := mine.Take(ctx, b.largest); err != nil {
		return b.explain(ctx, err)
	}
	if c, ok := ctx.Value(callKey{}).(admitted); ok {
		late := time.AfterFunc(b.time, c.cancel)
		defer late.Stop()
	}
	err := decode(message)
	if m, ok := message.(proto.Message); ok && err == nil {
		size := int64(proto.Size(m))
		mine.Shrink(size)
		if size > b.largest {
			err = status.Errorf(api.CodeResourceExhausted, "the message is larger than %d bytes; send smaller ones", b.largest)
		}
	}
	return err
}
