package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "nightjar/api/v1"
)

func TestTheKeyOpensBothDoors(t *testing.T) {
	s := newWorld().start(t)
	conn := dial(t, s)
	for _, c := range []struct {
		name, header, value string
		http                int
		grpc                codes.Code
	}{
		{"api key", "DD-API-KEY", testKey, 200, codes.OK},
		{"api key in small letters", "dd-api-key", testKey, 200, codes.OK},
		{"bearer", "Authorization", "Bearer " + testKey, 200, codes.OK},
		{"api key scheme", "Authorization", "apikey " + testKey, 200, codes.OK},
		{"splunk scheme", "Authorization", "Splunk " + testKey, 200, codes.OK},
		{"nothing", "X-None", "x", 401, codes.Unauthenticated},
		{"empty", "DD-API-KEY", "", 401, codes.Unauthenticated},
		{"application key alone", "DD-APPLICATION-KEY", testKey, 401, codes.Unauthenticated},
		{"another scheme", "Authorization", "Basic " + testKey, 401, codes.Unauthenticated},
		{"wrong", "DD-API-KEY", testKey + "x", 403, codes.PermissionDenied},
		{"a prefix", "DD-API-KEY", testKey[:3], 403, codes.PermissionDenied},
		{"wrong bearer", "Authorization", "Bearer x", 403, codes.PermissionDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, answer := call(t, s, "GET", "/api/nightjar/v1/status", "", "DD-API-KEY", "", c.header, c.value)
			if got != c.http || (got == 200) != strings.HasPrefix(answer, `{"version":"test"`) {
				t.Errorf("HTTP: %d %s, want %d", got, answer, c.http)
			}
			// Whoever asks whether a key is valid is told no, also without one.
			valid, answer := call(t, s, "GET", "/api/v1/validate", "", "DD-API-KEY", "", c.header, c.value)
			if want := map[int]int{200: 200, 401: 403, 403: 403}[c.http]; valid != want || (valid == 200) != (answer == `{"valid":true}`) {
				t.Errorf("validate: %d %s, want %d", valid, answer, want)
			}
			if valid == 403 && !strings.HasPrefix(answer, `{"errors":["Forbidden"]`) || strings.Contains(answer, testKey) {
				t.Errorf("HTTP: %s", answer)
			}
			ctx := metadata.AppendToOutgoingContext(t.Context(), strings.ToLower(c.header), c.value)
			_, err := pb.NewStatusServiceClient(conn).ValidateKey(ctx, &pb.ValidateKeyRequest{})
			if status.Code(err) != c.grpc {
				t.Errorf("gRPC: %v, want %s", err, c.grpc)
			}
		})
	}
}

func TestOnlyHealthIsOpen(t *testing.T) {
	s := newWorld().start(t)
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/openapi.json": 200, "/": 200,
		"/metrics": 401, "/api/nightjar/v1/status": 401, "/api/v2/logs": 401, "/nothing": 401,
	} {
		if got, answer := call(t, s, "GET", path, "", "DD-API-KEY", ""); got != want {
			t.Errorf("%s: %d %s, want %d", path, got, answer, want)
		}
	}
	if got, answer := call(t, s, "GET", "/metrics", ""); got != 200 || !strings.Contains(answer, "nightjar_api_requests_total") {
		t.Errorf("/metrics with the key: %d %s", got, answer)
	}
	conn := dial(t, s)
	if _, err := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("health: %v", err)
	}
	if _, err := listServices(t.Context(), conn); status.Code(err) != codes.Unauthenticated {
		t.Errorf("reflection without the key: %v", err)
	}
	names, err := listServices(withKey(t.Context()), conn)
	for _, noun := range []string{"Rule", "SQL", "Search", "Signal", "SecurityFilter", "AgentPolicy"} {
		if err != nil || !strings.Contains(names, "nightjar.v1."+noun+"Service ") {
			t.Errorf("reflection lacks %s: %s, %v", noun, names, err)
		}
	}
}

func TestServerWithoutAKeyIsNotMade(t *testing.T) {
	if _, err := New(Deps{HTTP: "127.0.0.1:0", GRPC: "127.0.0.1:0"}); err == nil {
		t.Error("made one")
	}
}

func TestReadyWhenTheEngineIs(t *testing.T) {
	w := newWorld()
	w.ready = context.DeadlineExceeded
	s := w.start(t)
	if got, _ := call(t, s, "GET", "/readyz", ""); got != http.StatusServiceUnavailable {
		t.Errorf("got %d", got)
	}
}

func dial(t *testing.T, s *Server) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.GRPCAddr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func withKey(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "dd-api-key", testKey)
}

func listServices(ctx context.Context, conn *grpc.ClientConn) (string, error) {
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return "", err
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil && !errors.Is(err, io.EOF) { // EOF: Recv says why
		return "", err
	}
	answer, err := stream.Recv()
	if err != nil {
		return "", err
	}
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.Name)
	}
	return strings.Join(names, " "), stream.CloseSend()
}
