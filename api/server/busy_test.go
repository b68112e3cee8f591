package server

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"nightjar/api/limits"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
)

// stuckLogs answer when they are let.
type stuckLogs struct {
	events.Store
	begun chan struct{}
	let   chan struct{}
}

func (l stuckLogs) SearchLogs(ctx context.Context, _ events.LogSearch) (events.LogPage, error) {
	l.begun <- struct{}{}
	select {
	case <-l.let:
	case <-ctx.Done():
	}
	return events.LogPage{}, nil
}

// Over HTTP too many searches are 429 with Retry-After, over gRPC
// RESOURCE_EXHAUSTED, and the status has them.
func TestTooManySearchesAreToldSo(t *testing.T) {
	w := newWorld()
	stuck := stuckLogs{w, make(chan struct{}, 10), make(chan struct{})}
	w.stuck, w.queries = stuck, limits.QueryConfig{Running: 1, PerKey: 1, Waiting: 1, Patience: 50 * time.Millisecond}
	s := w.start(t)
	first := make(chan int)
	go func() {
		code, _ := call(t, s, "POST", "/api/v2/logs/events/search", "{}", "DD-API-KEY", testKey)
		first <- code
	}()
	<-stuck.begun
	req, err := http.NewRequest("POST", "http://"+s.HTTPAddr().String()+"/api/v2/logs/events/search", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("DD-API-KEY", testKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("got %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	_, err = pb.NewSearchServiceClient(dial(t, s)).SearchLogs(withKey(t.Context()), &pb.SearchLogsRequest{})
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "too many searches") {
		t.Errorf("got %v", err)
	}
	if _, answer := call(t, s, "GET", "/api/nightjar/v1/status", "", "DD-API-KEY", testKey); !strings.Contains(answer, `"kind":"searches","running":1,"waiting":0,"limit":1,"refused":2`) {
		t.Errorf("the status has %s", answer)
	}
	close(stuck.let)
	if code := <-first; code != 200 {
		t.Errorf("the search that ran: %d", code)
	}
}
