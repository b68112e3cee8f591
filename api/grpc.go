package api

import (
	"cmp"
	"context"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/protobuf/proto"

	pb "nightjar/api/v1"
)

// grpcServer is the services over gRPC, with health and reflection. Everything
// but health is behind the key.
func (s *Server) grpcServer() *grpc.Server {
	plain := grpc.NewServer(append(s.bounds(), grpc.ChainUnaryInterceptor(s.unary), grpc.ChainStreamInterceptor(s.stream))...)
	said := func(ctx context.Context, err error) error { return explain(ctx, s.deps.Log, err).grpcStatus() }
	server := boundedServices{plain, s.memory, maxBody, said, s.deps.MessageTime}
	events := boundedServices{plain, cmp.Or(s.deps.Memory, s.memory), s.maxMessage(), said, s.deps.MessageTime}
	for _, register := range s.deps.Services {
		register(events)
	}
	pb.RegisterLogServiceServer(events, s.logs)
	pb.RegisterRuleServiceServer(server, s.rules)
	pb.RegisterSignalServiceServer(server, s.signals)
	pb.RegisterBacktestServiceServer(server, s.backtests)
	pb.RegisterSearchServiceServer(server, s.searches)
	pb.RegisterSQLServiceServer(server, s.sqls)
	pb.RegisterStatusServiceServer(server, s.statuses)
	pb.RegisterCoverageServiceServer(server, s.coverages)
	pb.RegisterAgentServiceServer(server, s.agents)
	pb.RegisterExplainServiceServer(server, s.explains)
	pb.RegisterAnomalyServiceServer(server, s.anomalies)
	pb.RegisterNotificationServiceServer(server, s.notifications)
	pb.RegisterReparseServiceServer(server, s.reparses)
	pb.RegisterThreatIntelServiceServer(server, s.threatIntel)
	pb.RegisterSuppressionServiceServer(server, s.suppressions)
	pb.RegisterReferenceTableServiceServer(server, s.referenceTables)
	pb.RegisterTerraformServiceServer(server, s.terraforms)
	pb.RegisterSecurityFilterServiceServer(server, s.securityFilters)
	pb.RegisterCriticalAssetServiceServer(server, s.criticalAssets)
	pb.RegisterNotificationRuleServiceServer(server, s.notificationRules)
	pb.RegisterAgentRuleServiceServer(server, s.agentRules)
	pb.RegisterAgentPolicyServiceServer(server, s.agentPolicies)
	pb.RegisterIndicatorServiceServer(server, s.indicators)
	pb.RegisterPipelineServiceServer(server, s.pipelines)
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
		return nil, explain(ctx, s.deps.Log, err).grpcStatus()
	}
	return out, nil
}

// ownServices begins the methods of our own services, and is what /grpc.health and
// the protocols of others do not begin with.
const ownServices = "/nightjar."

// typedCall answers a call; any JSON in it travels as Structs and the like.
func typedCall(ctx context.Context, in any, next grpc.UnaryHandler) (any, error) {
	if m, ok := in.(proto.Message); ok {
		if err := flatten(m.ProtoReflect()); err != nil {
			return nil, err
		}
	}
	out, err := next(ctx, in)
	if err != nil {
		return nil, err
	}
	if m, ok := out.(proto.Message); ok {
		err = withTyped(m.ProtoReflect())
	}
	return out, err
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer s.recovered(ss.Context(), info.FullMethod, &err)
	return next(srv, ss)
}

// admitCall is nil where the call may be made with these headers.
func (s *Server) admitCall(method string, header metadata.MD) error {
	if method == healthpb.Health_Check_FullMethodName || method == healthpb.Health_Watch_FullMethodName {
		return nil
	}
	return s.keys.admit(keysOfCall(header))
}

func keysOfCall(header metadata.MD) []string {
	return sentKeys(header.Get("dd-api-key"), header.Get("authorization"))
}

func (s *Server) recovered(ctx context.Context, method string, err *error) {
	if cause := recover(); cause != nil {
		id := newID()
		s.deps.Log.ErrorContext(ctx, "panic in a call", "id", id, "method", method, "cause", cause, "stack", string(debug.Stack()))
		*err = (&problem{code: codes.Internal, message: "internal error " + id}).grpcStatus()
	}
}
