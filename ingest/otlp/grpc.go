package otlp

import (
	"context"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // collectors compress unless told not to
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"

	"nightjar/ingest"
)

// Register adds LogsService/Export to a server.
func Register(server grpc.ServiceRegistrar, intake *ingest.Handler) {
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: collector.LogsService_ServiceDesc.ServiceName,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: func(_ any, ctx context.Context, decode func(any) error, through grpc.UnaryServerInterceptor) (any, error) {
			// A message without fields keeps all that it was sent as unknown ones.
			in := new(emptypb.Empty)
			if err := decode(in); err != nil {
				return nil, err
			}
			export := func(ctx context.Context, in any) (any, error) {
				return answer(ctx, intake, in.(*emptypb.Empty).ProtoReflect().GetUnknown())
			}
			if through == nil {
				return export(ctx, in)
			}
			return through(ctx, in, &grpc.UnaryServerInfo{FullMethod: collector.LogsService_Export_FullMethodName}, export)
		}}},
		Metadata: collector.LogsService_ServiceDesc.Metadata,
	}, nil)
}

// answer takes in a request as it came.
func answer(ctx context.Context, intake *ingest.Handler, body []byte) (*collector.ExportLogsServiceResponse, error) {
	var t took
	taken, err := intake.Accept(ctx, batchID(ctx), body, reader(&t, asProtobuf))
	if err != nil {
		f := ingest.RefusalOf(err)
		return nil, status.ErrorProto(problem(codeOf(f), f.RetryAfter, f.Detail))
	}
	return t.answer(taken), nil
}

func batchID(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	if ids := md.Get(ingest.BatchIDHeader); len(ids) > 0 {
		return ids[0]
	}
	return ""
}
