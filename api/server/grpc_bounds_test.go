package server

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"nightjar/api/limits"
	pb "nightjar/api/v1"
	"nightjar/testenv"
)

func openWire(t testing.TB, s *Server) *testenv.Wire {
	t.Helper()
	w, err := testenv.OpenWire(t, s.GRPCAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// begin declares a message of 10 MB and sends nothing of it.
func begin(t testing.TB, w *testenv.Wire, stream uint32, key string) {
	t.Helper()
	if err := w.Begin(stream, pb.LogService_SubmitLogs_FullMethodName, key, 10_000_000, 0); err != nil {
		t.Fatal(err)
	}
}

func statusesOf(t testing.TB, w *testenv.Wire, n int) (out []string, asked int) {
	t.Helper()
	out, asked, err := w.Statuses(n)
	if err != nil {
		t.Fatalf("after %d of %d answers: %v", len(out), n, err)
	}
	return out, asked
}

// 75 connections with 6 calls each declare 10 MB without a key, and wait.
func TestTheKeyIsLookedAtBeforeThereIsRoomForAMessage(t *testing.T) {
	s := newWorld().start(t)
	for _, key := range []string{"", "wrong"} {
		want := map[string]string{"": "16", "wrong": "7"}[key]
		for range 75 {
			w := openWire(t, s)
			for stream := uint32(1); stream < 12; stream += 2 {
				begin(t, w, stream, key)
			}
			got, asked := statusesOf(t, w, 6)
			for _, status := range got {
				if status != want || asked > 0 {
					t.Fatalf("key %q: status %s, want %s; room for %d messages", key, status, want, asked)
				}
			}
		}
	}
	if n := s.calls.Load(); n != 0 {
		t.Errorf("%d calls are counted that were not let in", n)
	}
}

// With the key, calls that stall hold no more than the quota, the others are told
// to wait, and the stalled ones end.
func TestStalledCallsAreBoundedInMemoryAndTime(t *testing.T) {
	world := newWorld()
	small := &countedMemory{Memory: limits.NewMemory()}
	world.intake = &door{}
	world.memory, world.messageTime = small, 4*time.Second
	s := world.start(t)
	const stalled = 20
	w := openWire(t, s)
	for i := range uint32(stalled) {
		begin(t, w, 2*i+1, testKey)
	}
	client := pb.NewLogServiceClient(dial(t, s))
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := client.SubmitLogs(withKey(t.Context()), &pb.SubmitLogsRequest{Logs: []*pb.LogEntry{{Message: new("m")}}})
		if status.Code(err) == codes.ResourceExhausted && strings.Contains(err.Error(), "quota of memory") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a call beside stalled ones: %v", err)
		}
	}
	if most := small.most(); most > limits.CallMemory {
		t.Errorf("%d bytes were held, of %d", most, limits.CallMemory)
	}
	ended := map[string]int{}
	answers, asked := statusesOf(t, w, stalled)
	for _, status := range answers {
		ended[status]++
	}
	if ended["1"] == 0 || ended["1"]+ended["8"] != stalled || asked == 0 { // cancelled, resource exhausted
		t.Errorf("the stalled calls ended so: %v", ended)
	}
	if _, err := client.SubmitLogs(withKey(t.Context()), &pb.SubmitLogsRequest{Logs: []*pb.LogEntry{{Message: new("m")}}}, grpc.WaitForReady(true)); err != nil {
		t.Errorf("after the stalled calls: %v", err)
	}
	if held := small.held(); held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}

// countedMemory knows how much was held.
type countedMemory struct {
	limits.Memory
	mu        sync.Mutex
	now, high int64
}

func (c *countedMemory) Take(ctx context.Context, n int64) error {
	if err := c.Memory.Take(ctx, n); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += n
	c.high = max(c.high, c.now)
	return nil
}

func (c *countedMemory) Give(n int64) {
	c.mu.Lock()
	c.now -= n
	c.mu.Unlock()
	c.Memory.Give(n)
}

func (c *countedMemory) held() int64 { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *countedMemory) most() int64 { c.mu.Lock(); defer c.mu.Unlock(); return c.high }
