package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "nightjar/api/v1"
)

// TestOneAddressServesHTTPAndGRPC: a sender may know that of HTTP only. Connections
// that say nothing, or half of something, keep neither from others.
func TestOneAddressServesHTTPAndGRPC(t *testing.T) {
	s := newWorld().start(t)
	address := s.HTTPAddr().String()
	for _, said := range []string{"", "PRI * HT", "P"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, said)
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rules := pb.NewRuleServiceClient(conn)
	for range 3 {
		if _, err := rules.ListRules(withKey(t.Context()), &pb.ListRulesRequest{}); err != nil {
			t.Errorf("gRPC: %v", err)
		}
		resp, err := http.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("HTTP: %d", resp.StatusCode)
		}
	}
	// The key is asked for there, too.
	if _, err := rules.ListRules(context.Background(), &pb.ListRulesRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a key: %v", err)
	}
	// A method of HTTP that begins like the preface is HTTP's.
	r, err := http.NewRequest("PROPFIND", "http://"+address+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(r); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
}

// TestClosingASideClosesBoth ends who waits at either.
func TestClosingASideClosesBoth(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	one, two := splitHTTP2(l)
	ended := make(chan error, 2)
	for _, side := range []net.Listener{one, two} {
		go func() {
			_, err := side.Accept()
			ended <- err
		}()
	}
	if err := two.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("a connection came")
			}
		case <-time.After(time.Minute):
			t.Fatal("somebody still waits")
		}
	}
}
