package server

import (
	"cmp"
	"context"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/reflection"
	"google.golang.org/protobuf/proto"

	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/access/calls"
	"nightjar/api/codec"
	"nightjar/api/rest"
)

// grpcServer is the services over gRPC, with health and reflection. Everything
// but health is behind the key.
func (s *Server) grpcServer() *grpc.Server {
	plain := grpc.NewServer(append(s.bounds(), grpc.Creds(newAccepted()), grpc.ChainUnaryInterceptor(s.unary, s.guarded), grpc.ChainStreamInterceptor(s.stream))...)
	said := func(ctx context.Context, err error) error { return api.Describe(ctx, s.deps.Log, err).GRPCError() }
	server := boundedServices{plain, s.memory, rest.MaxBody, said, s.deps.MessageTime}
	events := boundedServices{plain, cmp.Or(s.deps.Memory, s.memory), s.maxMessage(), said, s.deps.MessageTime}
	for _, register := range s.deps.Services {
		register(events)
	}
	s.services.registerGRPC(server, events)
	healthpb.RegisterHealthServer(server, health.NewServer())
	reflection.Register(plain)
	return plain
}

func (s *Server) unary(ctx context.Context, in any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (out any, err error) {
	defer s.recovered(ctx, info.FullMethod, &err)
	if out, err = typedCall(ctx, in, next); err != nil {
		if !strings.HasPrefix(info.FullMethod, ownServices) {
			return nil, err // others' protocols say themselves what is wrong
		}
		return nil, api.Describe(ctx, s.deps.Log, err).GRPCError()
	}
	return out, nil
}

// ownServices begins the methods of our own services, and is what /grpc.health and
// the protocols of others do not begin with.
const ownServices = "/nightjar."

// typedCall answers a call; any JSON in it travels as Structs and the like.
func typedCall(ctx context.Context, in any, next grpc.UnaryHandler) (any, error) {
	if m, ok := in.(proto.Message); ok {
		if err := codec.TextsOfTyped(m.ProtoReflect()); err != nil {
			return nil, err
		}
	}
	out, err := next(ctx, in)
	if err != nil {
		return nil, err
	}
	if m, ok := out.(proto.Message); ok {
		err = codec.TypedOfTexts(m.ProtoReflect())
	}
	return out, err
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer s.recovered(ss.Context(), info.FullMethod, &err)
	return next(srv, ss)
}

// admit finds out who makes a call, by its headers, and whether they may. The caller is
// in the context that it returns. Whether the server is well may be asked by anybody.
func (s *Server) admit(ctx context.Context, method string, header metadata.MD) (context.Context, error) {
	e, known := access.OfMethod(method)
	if known && e.Need == access.Open {
		return ctx, nil
	}
	k := access.Knock{Sent: access.SentIn(header.Get), Certificate: certificateOf(ctx), Action: method, Address: peerOf(ctx)}
	caller, err := s.deps.Guard.Admit(k)
	if err == nil {
		err = s.deps.Guard.Check(k, caller, e, known)
	}
	if err != nil {
		return nil, err
	}
	return access.With(ctx, caller), nil
}

// peerOf is the address that a call over gRPC came from.
func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr.String()
	}
	return ""
}

// certificateOf is who showed a client's certificate over gRPC.
func certificateOf(ctx context.Context) access.Caller {
	if p, ok := peer.FromContext(ctx); ok {
		if secure, isTLS := p.AuthInfo.(credentials.TLSInfo); isTLS {
			return access.OfCertificate(&secure.State)
		}
	}
	return access.Caller{}
}

// guarded lets through what its caller may do, and has it written down. Calls over REST
// pass it too.
func (s *Server) guarded(ctx context.Context, in any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if e, known := access.OfMethod(info.FullMethod); known && e.Need == access.Open {
		return next(ctx, in)
	}
	named := func(ctx context.Context, in any) (any, error) {
		if x := api.ExchangeOf(ctx); x != nil {
			of, end := s.services.running.Begin(ctx, access.Of(ctx).ID, x.Search)
			defer end()
			ctx = of
		}
		return next(ctx, in)
	}
	return calls.Interceptor(s.deps.Guard, origin)(ctx, in, info, named)
}

// origin is where a call came from, and its id.
func origin(ctx context.Context) (address, request string) {
	if x := api.ExchangeOf(ctx); x != nil {
		return x.From, x.ID
	}
	return peerOf(ctx), api.NewRequestID()
}

func (s *Server) recovered(ctx context.Context, method string, err *error) {
	if cause := recover(); cause != nil {
		id := api.NewRequestID()
		s.deps.Log.ErrorContext(ctx, "panic in a call", "id", id, "method", method, "cause", cause, "stack", string(debug.Stack()))
		*err = (&api.Error{Code: api.CodeInternal, Message: "internal error " + id}).GRPCError()
	}
}
