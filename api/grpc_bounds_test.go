package api

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "nightjar/api/v1"
)

// wire is a connection of a caller that keeps to no rules of gRPC.
type wire struct {
	t      testing.TB
	framer *http2.Framer
	text   bytes.Buffer
	header *hpack.Encoder
	mu     sync.Mutex // of writing
}

func openWire(t testing.TB, s *Server) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", s.GRPCAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, framer: http2.NewFramer(conn, conn)}
	w.header = hpack.NewEncoder(&w.text)
	w.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := w.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return w
}

// begin opens a call whose message says that it has size bytes, and sends none.
func (w *wire) begin(stream uint32, key string, size int) {
	w.t.Helper()
	w.text.Reset()
	fields := []string{":method", "POST", ":scheme", "http", ":path", pb.LogService_SubmitLogs_FullMethodName, ":authority", "x", "content-type", "application/grpc", "te", "trailers"}
	if key != "" {
		fields = append(fields, "dd-api-key", key)
	}
	for i := 0; i < len(fields); i += 2 {
		if err := w.header.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: w.text.Bytes(), EndHeaders: true})
	if err == nil {
		err = w.framer.WriteData(stream, false, []byte{0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// statuses reads until it has the status of n calls; asked says how many messages
// the server made room for.
func (w *wire) statuses(n int) (out []string, asked int) {
	w.t.Helper()
	for len(out) < n {
		frame, err := w.framer.ReadFrame()
		if err != nil {
			w.t.Fatalf("after %d of %d answers: %v", len(out), n, err)
		}
		switch frame := frame.(type) {
		case *http2.WindowUpdateFrame:
			if frame.StreamID != 0 {
				asked++
			}
		case *http2.MetaHeadersFrame:
			for _, f := range frame.Fields {
				if f.Name == "grpc-status" {
					out = append(out, f.Value)
				}
			}
		}
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
				w.begin(stream, key, 10_000_000)
			}
			got, asked := w.statuses(6)
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
	small := &countedMemory{Memory: newOwnMemory()}
	world.intake = &door{}
	world.memory, world.messageTime = small, 4*time.Second
	s := world.start(t)
	const stalled = 20
	w := openWire(t, s)
	for i := range uint32(stalled) {
		w.begin(2*i+1, testKey, 10_000_000)
	}
	client := pb.NewLogServiceClient(dial(t, s))
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, err := client.SubmitLogs(withKey(t.Context()), &pb.SubmitLogsRequest{Logs: []*pb.LogEntry{{Message: new("m")}}})
		if status.Code(err) == codes.ResourceExhausted && strings.Contains(err.Error(), "quota of memory") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a call beside stalled ones: %v", err)
		}
	}
	if most := small.most(); most > callMemory {
		t.Errorf("%d bytes were held, of %d", most, callMemory)
	}
	ended := map[string]int{}
	answers, asked := w.statuses(stalled)
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
	Memory
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
