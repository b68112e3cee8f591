package e2e

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"

	pb "nightjar/api/v1"
)

// TestALogMeansTheSameByBothDoors sends one log over gRPC, twice under one batch
// id, and its like over REST.
func TestALogMeansTheSameByBothDoors(t *testing.T) {
	t.Parallel()
	p := startEngine(t)
	conn, err := grpc.NewClient(p.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	at := time.Now().UnixMilli()
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "dd-api-key", p.key), patience)
	defer cancel()
	attributes, err := structpb.NewStruct(map[string]any{"usr": map[string]any{"id": 7}})
	if err != nil {
		t.Fatal(err)
	}
	entry := &pb.LogEntry{
		Timestamp: new(at), Source: new("sshd"), Host: new("web-1"), Tags: []string{"env:prod"}, Attributes: attributes,
		Message: new("Failed password for root from 203.0.113.66 port 22 ssh2"),
	}
	for _, duplicate := range []bool{false, true} {
		answer, err := pb.NewLogServiceClient(conn).SubmitLogs(ctx, &pb.SubmitLogsRequest{Logs: []*pb.LogEntry{entry}, BatchId: "b"})
		if err != nil || answer.GetDuplicate() != duplicate {
			t.Fatalf("%v, %v; want duplicate %t", answer, err, duplicate)
		}
	}
	p.call(http.MethodPost, "/api/v2/logs", []byte(`{"timestamp":`+strconv.FormatInt(at, 10)+`,"ddsource":"sshd","hostname":"web-1","tags":["env:prod"],"attributes":{"usr":{"id":7}},
		"message":"Failed password for root from 203.0.113.66 port 22 ssh2"}`), nil)
	p.caughtUp()
	if n := p.count("SELECT count() FROM events"); n != 2 {
		t.Errorf("%d events, want 2: a batch that was acknowledged is no second one", n)
	}
	const alike = "SELECT count() FROM (SELECT DISTINCT timestamp, source, host, message, tags, raw FROM events)"
	if n := p.count(alike); n != 1 {
		t.Errorf("the same log is %d different events", n)
	}
}
