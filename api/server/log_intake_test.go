package server

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
)

// door notes what it is sent, and refuses what it is told to.
type door struct {
	batch, body string
	refuse      error
}

func (d *door) SubmitJSON(_ context.Context, batch string, body []byte) (int, bool, []string, error) {
	d.batch, d.body = batch, string(body)
	return 2, false, nil, d.refuse
}

func TestLogsAreTakenInOverGRPC(t *testing.T) {
	d := &door{}
	w := newWorld()
	w.intake = d
	client, ctx := pb.NewLogServiceClient(dial(t, w.start(t))), withKey(t.Context())
	ctx = metadata.AppendToOutgoingContext(ctx, "nightjar-batch-id", "b1")
	logs := []*pb.LogEntry{
		{Timestamp: new(int64(5)), Source: new("sshd"), Message: new("a \"line\"")},
		{Host: new("h"), Tags: []string{"env:prod"}, Attributes: asStruct(t, `{"usr":{"id":7}}`)},
	}
	answer, err := client.SubmitLogs(ctx, &pb.SubmitLogsRequest{Logs: logs})
	if err != nil || answer.GetEvents() != 2 {
		t.Fatalf("%v, %v", answer, err)
	}
	const want = `[{"timestamp":5,"ddsource":"sshd","message":"a \"line\""},{"hostname":"h","tags":["env:prod"],"attributes":{"usr":{"id":7}}}]`
	if d.body != want || d.batch != "b1" {
		t.Errorf("batch %q, body %s\nwant %s", d.batch, d.body, want)
	}
	for _, c := range []struct {
		full bool
		code codes.Code
	}{{true, codes.ResourceExhausted}, {false, codes.Unavailable}} {
		d.refuse = &api.BusyError{After: 3 * time.Second, Full: c.full, Err: errors.New("not now")}
		_, err := client.SubmitLogs(ctx, &pb.SubmitLogsRequest{Logs: logs})
		s := status.Convert(err)
		var delay time.Duration
		for _, detail := range s.Details() {
			if retry, ok := detail.(*errdetails.RetryInfo); ok {
				delay = retry.GetRetryDelay().AsDuration()
			}
		}
		if s.Code() != c.code || delay != 3*time.Second {
			t.Errorf("got %v after %s, want %v after 3 s", s.Code(), delay, c.code)
		}
	}
	d.refuse = nil
	for _, bad := range []*pb.SubmitLogsRequest{{}, {Logs: []*pb.LogEntry{{AttributesText: new("{}")}}}} {
		if _, err := client.SubmitLogs(ctx, bad); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}

// asStruct is JSON as gRPC carries it.
func asStruct(t *testing.T, text string) *structpb.Struct {
	t.Helper()
	out := &structpb.Struct{}
	if err := codec.Structured(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}
