package client_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightjar/agent/client"
	"nightjar/agent/orders"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// server answers as the engine does.
type server struct {
	*httptest.Server
	t       *testing.T
	mu      sync.Mutex
	orders  orders.Signed // to be given to whoever has others
	has     uint64        // sequence of these
	changed chan struct{}
	syncs   []orders.Sync
	fault   int // status of all answers; 0: none
}

func newServer(t *testing.T) *server {
	s := &server{t: t, changed: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/api/nightjar/v1/agents/enroll" {
		if r.Header.Get("DD-API-KEY") != "token" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"errors":["Unauthorized: the key was used up"]}`))
			return
		}
		_ = json.NewEncoder(w).Encode(orders.Enrolled{Agent: "agent-1", Key: "key-1", ServerKey: keyOf(1).Public().(ed25519.PublicKey)})
		return
	}
	if r.Header.Get("DD-API-KEY") != "key-1" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var sync orders.Sync
	if err := json.NewDecoder(r.Body).Decode(&sync); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	changed := s.changed
	s.syncs = append(s.syncs, sync)
	s.mu.Unlock()
	if !s.news(sync) {
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-time.After(time.Duration(sync.WaitSeconds) * time.Second):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fault != 0:
		w.WriteHeader(s.fault)
	case s.has == sync.Sequence || s.has == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		_ = json.NewEncoder(w).Encode(s.orders)
	}
}

func (s *server) news(sync orders.Sync) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.has != sync.Sequence || s.fault != 0
}

// give signs orders and offers them.
func (s *server) give(key ed25519.PrivateKey, o orders.Orders) {
	s.t.Helper()
	o.Agent, o.Issued, o.Expires = "agent-1", time.Now(), time.Now().Add(time.Hour)
	signed, err := orders.Sign(key, &o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders, s.has = signed, o.Sequence
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = status
	close(s.changed)
	s.changed = make(chan struct{})
}

// last waits until the last sync is as wanted.
func (s *server) await(what string, wanted func(orders.Sync) bool) {
	s.t.Helper()
	for range 12000 {
		s.mu.Lock()
		ok := slices.ContainsFunc(s.syncs, wanted)
		s.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("no sync said: %s", what)
}

// host is an agent of a test: policies whose text is "wrong" do not check.
type host struct {
	mu       sync.Mutex
	obeyed   []orders.Orders
	followed []uint64
	results  []orders.Result
	changed  chan struct{}
}

func newHost() *host { return &host{changed: make(chan struct{})} }

func (h *host) About() orders.Sync { return orders.Sync{Host: "web-1"} }
func (h *host) Obey(o orders.Orders) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.obeyed = append(h.obeyed, o)
	return nil
}
func (h *host) Follow(_ context.Context, p orders.Policies) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range p.Set {
		if one.Text == "wrong" {
			return &client.PoliciesError{Errors: []string{"rule x: wrong"}}
		}
	}
	h.followed = append(h.followed, p.Version)
	return nil
}
func (h *host) Results() []orders.Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.results)
}
func (h *host) Sent(taken []orders.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.results = slices.DeleteFunc(h.results, func(r orders.Result) bool {
		return slices.ContainsFunc(taken, func(t orders.Result) bool { return t.ID == r.ID })
	})
}
func (h *host) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}
func (h *host) done(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.results = append(h.results, orders.Result{ID: id, Status: "performed"})
	close(h.changed)
	h.changed = make(chan struct{})
}

func version(n uint64, text string) orders.Orders {
	return orders.Orders{Sequence: n, Policies: orders.Policies{Version: n, Set: []orders.Policy{{Name: "p", Mode: orders.Monitoring, Text: text}}}}
}

// start enrolls, or goes on, and runs a client until the test or stop ends it.
func start(t *testing.T, s *server, dir string, h *host) (c *client.Client, stop func()) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	to := client.Server{Base: s.URL, HTTP: &http.Client{Transport: transport}}
	who, err := client.Load(dir)
	if errors.Is(err, client.ErrNotEnrolled) {
		who, err = client.Enroll(t.Context(), to, "token", orders.Enrolment{Host: "web-1"}, dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	c = client.New(client.Config{Server: to, Identity: who, Dir: dir, Pause: time.Millisecond, MaxPause: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); c.Run(ctx, h) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return c, stop
}

func TestATokenBecomesAKeyOfTheAgentsOwn(t *testing.T) {
	s, dir := newServer(t), filepath.Join(t.TempDir(), "state")
	to := client.Server{Base: s.URL, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if _, err := client.Load(dir); !errors.Is(err, client.ErrNotEnrolled) {
		t.Fatal(err)
	}
	_, err := client.Enroll(t.Context(), to, "secret-and-old", orders.Enrolment{}, dir)
	if err == nil || !strings.Contains(err.Error(), "used up") || strings.Contains(err.Error(), "secret-and-old") {
		t.Errorf("got %v", err)
	}
	if _, err := client.Enroll(t.Context(), to, "token", orders.Enrolment{}, dir); err != nil {
		t.Fatal(err)
	}
	got, err := client.Load(dir)
	if err != nil || got.ID != "agent-1" || got.Key != "key-1" || !got.ServerKey.Equal(keyOf(1).Public()) {
		t.Errorf("kept is %+v: %v", got, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("%d files: %v", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(text), "token") {
			t.Errorf("%s has mode %s: %s (%v)", f.Name(), info.Mode(), text, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "server-key.pub"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Load(dir); err == nil || !strings.Contains(err.Error(), "enroll again") {
		t.Errorf("with a damaged key: %v", err)
	}
}

func TestOrdersAreFollowedAsSoonAsTheyAreGiven(t *testing.T) {
	s, h := newServer(t), newHost()
	start(t, s, t.TempDir(), h)
	for n := range uint64(5) {
		s.give(keyOf(1), version(n+1, "right"))
		s.await("in force", func(y orders.Sync) bool { return y.InForce == n+1 && y.Sequence == n+1 })
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.followed, []uint64{1, 2, 3, 4, 5}) || len(h.obeyed) != 5 {
		t.Errorf("followed %v", h.followed)
	}
}

func TestOrdersThatAreRefusedChangeNothing(t *testing.T) {
	s, h := newServer(t), newHost()
	dir := t.TempDir()
	c, stop := start(t, s, dir, h)
	s.give(keyOf(1), version(3, "right"))
	s.await("in force", func(y orders.Sync) bool { return y.InForce == 3 })
	for reason, give := range map[string]func(){
		"bad_signature": func() { s.give(keyOf(2), version(4, "right")) },
		"older":         func() { s.give(keyOf(1), version(2, "right")) },
	} {
		give()
		s.await(reason, func(y orders.Sync) bool {
			return strings.Contains(y.OrdersRefused, reason) && y.Sequence == 3 && y.InForce == 3
		})
	}
	s.give(keyOf(1), version(5, "right"))
	s.await("the next ones", func(y orders.Sync) bool { return y.InForce == 5 && y.OrdersRefused == "" })
	stop()
	if got := c.Orders().Sequence; got != 5 || !slices.Equal(h.followed, []uint64{3, 5}) {
		t.Errorf("orders %d, followed %v", got, h.followed)
	}
}

func TestPoliciesThatDoNotCheckLeaveTheLastGoodOnes(t *testing.T) {
	s, h := newServer(t), newHost()
	dir := t.TempDir()
	_, stop := start(t, s, dir, h)
	s.give(keyOf(1), version(1, "right"))
	s.await("in force", func(y orders.Sync) bool { return y.InForce == 1 })
	s.give(keyOf(1), version(2, "wrong"))
	s.await("refused", func(y orders.Sync) bool {
		return y.InForce == 1 && y.Sequence == 2 && y.Refused != nil && y.Refused.Version == 2 && slices.Equal(y.Refused.Errors, []string{"rule x: wrong"})
	})
	stop()
	s.await("goodbye", func(y orders.Sync) bool { return y.Leaving })
	again, stop := start(t, s, dir, newHost())
	defer stop()
	if good, ok := again.Good(); again.Orders().Policies.Version != 2 || !ok || good.Version != 1 {
		t.Errorf("after a restart the orders are %+v and the last good policies %+v", again.Orders(), good)
	}
}

func TestAnAgentStartsFromItsLastOrders(t *testing.T) {
	s, h := newServer(t), newHost()
	dir := t.TempDir()
	_, stop := start(t, s, dir, h)
	s.give(keyOf(1), version(7, "right"))
	s.await("in force", func(y orders.Sync) bool { return y.InForce == 7 })
	stop()
	s.fail(http.StatusServiceUnavailable)
	again := newHost()
	c, stop := start(t, s, dir, again)
	if c.Orders().Sequence != 7 {
		t.Errorf("it begins with %+v", c.Orders())
	}
	s.fail(0)
	s.give(keyOf(1), version(8, "right"))
	s.await("in force", func(y orders.Sync) bool { return y.InForce == 8 })
	stop()
	// An older server's orders, and a file that was damaged.
	if err := os.WriteFile(filepath.Join(dir, "orders"), []byte(`{"payload":"e30="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, stop = start(t, s, dir, newHost())
	defer stop()
	if c.Orders().Sequence != 8 {
		t.Errorf("of a damaged file it takes %+v, and those in force are kept too", c.Orders())
	}
}

func TestResultsAreOfferedUntilTheyAreTaken(t *testing.T) {
	s, h := newServer(t), newHost()
	start(t, s, t.TempDir(), h)
	s.give(keyOf(1), version(1, "right"))
	s.await("in force", func(y orders.Sync) bool { return y.InForce == 1 })
	s.fail(http.StatusBadGateway)
	h.done("c1")
	offered := func(y orders.Sync) bool { return len(y.Results) == 1 && y.Results[0].ID == "c1" }
	s.await("a result", offered)
	if len(h.Results()) != 1 {
		t.Error("a result is gone that the server did not take")
	}
	s.fail(0)
	for range 12000 {
		if len(h.Results()) == 0 {
			return
		}
		s.give(keyOf(1), version(uint64(time.Now().UnixNano()), "right")) // answers those that wait
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("a result is offered still")
}

// TestManyResultsAreSentInParts holds that no server refuses a sync for its size, and with
// it all that comes after.
func TestManyResultsAreSentInParts(t *testing.T) {
	s, h := newServer(t), newHost()
	for i := range 200 {
		h.results = append(h.results, orders.Result{ID: fmt.Sprint(i), Report: json.RawMessage(`"` + strings.Repeat("x", 96<<10) + `"`)})
	}
	start(t, s, t.TempDir(), h)
	s.give(keyOf(1), version(1, "right"))
	s.await("the last of them", func(y orders.Sync) bool {
		return slices.ContainsFunc(y.Results, func(r orders.Result) bool { return r.ID == "199" })
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sync := range s.syncs {
		if text, err := json.Marshal(sync); err != nil || len(text) > 2<<20 {
			t.Fatalf("a sync has %d bytes (%v)", len(text), err)
		}
	}
}
