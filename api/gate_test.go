package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "nightjar/api/v1"
)

func callingAs(name string) context.Context {
	return withCaller(context.Background(), caller{Key: sha256.Sum256([]byte(name))})
}

// A gate for 4, 3 of one key: the others wait in a row, and what is too much is
// refused at once, or when its patience is over.
func TestTheGateBoundsQueriesPerKeyAndInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("searches", GateConfig{Running: 4, PerKey: 3, Waiting: 8, Patience: 5 * time.Second})
		var leaves []func()
		for range 3 {
			leave, err := g.enter(callingAs("greedy"))
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		var mu sync.Mutex
		outcome := map[string]int{}
		for range 20 {
			go func() {
				began := time.Now()
				_, err := g.enter(callingAs("greedy"))
				var busy *Busy
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					outcome["ran"]++
				case errors.As(err, &busy) && busy.Full && busy.After == 5*time.Second && strings.Contains(err.Error(), "too many searches"):
					outcome[fmt.Sprintf("refused after %s", time.Since(began))]++
				default:
					outcome[err.Error()]++
				}
			}()
		}
		synctest.Wait()
		// The row is not all one key's, and somebody else runs at once.
		other, err := g.enter(callingAs("other"))
		if err != nil {
			t.Fatal(err)
		}
		leaves[0]()
		synctest.Wait()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		want := map[string]int{"ran": 1, "refused after 0s": 14, "refused after 5s": 5}
		if fmt.Sprint(outcome) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", outcome, want)
		}
		other()
		if l := g.load(); l.Running != 3 || l.Waiting != 0 || l.Refused != 19 {
			t.Errorf("got %+v", l)
		}
	})
}

func TestWhoWaitsLeavesTheRowWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("searches", GateConfig{Running: 1})
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, hangUp := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { _, err := g.enter(ctx); ended <- err }()
		synctest.Wait()
		hangUp()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		leave()
		leave() // twice does no harm
		if l := g.load(); l.Running != 0 || l.Waiting != 0 || l.Refused != 0 {
			t.Errorf("got %+v", l)
		}
	})
}

// stuckLogs answer when they are let.
type stuckLogs struct {
	Logs
	begun chan struct{}
	let   chan struct{}
}

func (l stuckLogs) SearchLogs(ctx context.Context, _ LogSearch) (LogPage, error) {
	l.begun <- struct{}{}
	select {
	case <-l.let:
	case <-ctx.Done():
	}
	return LogPage{}, nil
}

// Over HTTP too many searches are 429 with Retry-After, over gRPC
// RESOURCE_EXHAUSTED, and the status has them.
func TestTooManySearchesAreToldSo(t *testing.T) {
	w := newWorld()
	stuck := stuckLogs{w, make(chan struct{}, 10), make(chan struct{})}
	w.stuck, w.queries = stuck, GateConfig{Running: 1, PerKey: 1, Waiting: 1, Patience: 50 * time.Millisecond}
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
