package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightjar/agent/delivery"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
	}
	goleak.VerifyTestMain(m)
}

// server takes batches as the intake does, each id once, and has the faults that a
// test gives it.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	ids    map[string]bool
	events []string
	// fault answers a request in the server's place; after says that the batch was
	// taken all the same, and the sender does not hear of it.
	fault func(n int, body []byte) (status int, after bool)
	n     int
}

func newServer(t *testing.T, fault func(n int, body []byte) (int, bool)) *server {
	s := &server{ids: map[string]bool{}, fault: fault}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	if t != nil {
		t.Cleanup(s.Close)
	}
	return s
}

func (s *server) take(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.n++
	status, after := http.StatusAccepted, false
	if s.fault != nil {
		if f, a := s.fault(s.n, body); f != 0 {
			status, after = f, a
		}
	}
	if status < 300 || after {
		s.store(r.Header.Get("Nightjar-Batch-Id"), body)
	}
	if r.Header.Get("DD-API-KEY") != "key" {
		status = http.StatusForbidden
	}
	w.WriteHeader(status)
}

func (s *server) store(id string, body []byte) {
	if s.ids[id] {
		return
	}
	s.ids[id] = true
	var events []json.RawMessage
	_ = json.Unmarshal(body, &events) // nothing is stored of what is none
	for _, e := range events {
		s.events = append(s.events, string(e))
	}
}

func (s *server) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// start runs a sender; the end returns what Run did.
func start(t *testing.T, s *server, memory int64) (*delivery.Sender, func() error) {
	return startWith(t, delivery.Config{Server: s.URL, Memory: memory})
}

func startWith(t *testing.T, c delivery.Config) (*delivery.Sender, func() error) {
	t.Helper()
	d := sender(t, c)
	return d, running(t, d)
}

// sender makes a sender that does not pause for long, and does not run yet.
func sender(t *testing.T, c delivery.Config) *delivery.Sender {
	t.Helper()
	if c.Spool == "" {
		c.Spool = t.TempDir()
	}
	c.Key, c.Linger, c.Pause, c.MaxPause, c.Farewell = "key", time.Millisecond, time.Millisecond, 4*time.Millisecond, time.Minute
	c.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	d, err := delivery.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// running runs a sender; the end returns what Run did.
func running(t *testing.T, d *delivery.Sender) (end func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return func() error { cancel(); return <-ended }
}

func event(n int) []byte { return fmt.Appendf(nil, `{"n":%d}`, n) }

// Of every third request the answer is lost, of others the request; in the middle
// the sender is stopped.
func TestEventsArriveOnceAndInOrderThroughFaults(t *testing.T) {
	s := newServer(t, func(n int, _ []byte) (int, bool) {
		switch n % 4 {
		case 1:
			return http.StatusServiceUnavailable, true
		case 2:
			return http.StatusTooManyRequests, false
		case 3:
			return http.StatusForbidden, false
		}
		return 0, false
	})
	d, end := start(t, s, 0)
	const events = 5000
	for i := range events {
		if !d.Send(event(i)) {
			t.Fatal("no room")
		}
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	got := s.received()
	if len(got) != events {
		t.Fatalf("%d events arrived, want %d", len(got), events)
	}
	for i, e := range got {
		if e != string(event(i)) {
			t.Fatalf("event %d is %s", i, e)
		}
	}
	if c := d.Counts(); c.Delivered != events || c.Waiting != 0 || len(c.Lost) != 0 {
		t.Errorf("counts %+v", c)
	}
}

// The server takes nothing, and the spool has room for a few batches; then the server takes
// everything, and there is room again.
func TestSendNeverWaitsAndCountsWhatItHasNoRoomFor(t *testing.T) {
	hold := make(chan struct{})
	s := newServer(t, func(int, []byte) (int, bool) { <-hold; return 0, false })
	d, end := startWith(t, delivery.Config{Server: s.URL, Memory: 1000, SpoolBytes: 4000})
	events, taken := 0, 0
	for ; d.Counts().Lost[delivery.LostSpoolFull] < 100; events++ {
		if d.Send(event(events)) {
			taken++
		} else {
			time.Sleep(time.Millisecond) // for the disk
		}
	}
	c := d.Counts()
	if taken == 0 || c.Waiting != uint64(taken) || c.Lost[delivery.LostQueueFull]+c.Lost[delivery.LostSpoolFull] != uint64(events-taken) {
		t.Errorf("took %d of %d, counts %+v", taken, events, c)
	}
	if at := d.Delivery(); at.SpoolBytes > 4000 || at.Disk == "" || at.Waiting != c.Waiting {
		t.Errorf("the state is %+v", at)
	}
	close(hold)
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if got := s.received(); len(got) != taken {
		t.Errorf("%d arrived of %d taken", len(got), taken)
	}
	if !d.Send(event(0)) {
		t.Error("no room although all has been delivered")
	}
}

func TestAnEventThatIsRefusedTakesNoOtherWithIt(t *testing.T) {
	s := newServer(t, func(_ int, body []byte) (int, bool) {
		if strings.Contains(string(body), `{"n":7}`) {
			return http.StatusBadRequest, false
		}
		return 0, false
	})
	d, end := startWith(t, delivery.Config{Server: s.URL, Report: func() ([]byte, func()) { return []byte(`{"report":1}`), func() {} }})
	for i := range 100 {
		d.Send(event(i))
	}
	d.ReportSoon()
	if err := end(); err != nil {
		t.Fatal(err)
	}
	got := s.received()
	if len(got) != 100 { // 99 and the report
		t.Errorf("%d arrived", len(got))
	}
	if c := d.Counts(); c.Delivered != 99 || c.Lost[delivery.LostRefused] != 1 {
		t.Errorf("counts %+v", c)
	}
}

// Reports are asked for all the time, the queue is full, and of every other request
// the answer is lost.
func TestWhatReportsSaySinceTheLastOneIsSaidOnce(t *testing.T) {
	total, said := 0, 0 // of the one goroutine that sends
	s := newServer(t, func(n int, _ []byte) (int, bool) {
		if n%2 == 1 {
			return http.StatusBadGateway, n%4 == 1
		}
		return 0, false
	})
	d, end := startWith(t, delivery.Config{Server: s.URL, Memory: 100, Report: func() ([]byte, func()) {
		total++
		now := total
		return fmt.Appendf(nil, `{"since":%d}`, now-said), func() { said = now }
	}})
	for i := 0; len(s.received()) < 20; i++ {
		d.Send(event(i))
		d.ReportSoon()
		time.Sleep(100 * time.Microsecond)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, e := range s.received() {
		var report struct{ Since int }
		if err := json.Unmarshal([]byte(e), &report); err != nil {
			t.Fatal(err)
		}
		sum += report.Since
	}
	if sum == 0 || sum != total {
		t.Errorf("the reports that arrived say %d, want %d", sum, total)
	}
}

func TestWhatIsLeftAtTheEndIsSentByTheNextRun(t *testing.T) {
	away := true
	s := newServer(t, func(int, []byte) (int, bool) {
		if away {
			return http.StatusBadGateway, false
		}
		return 0, false
	})
	c := delivery.Config{Server: s.URL, Spool: t.TempDir(), Key: "key", Pause: time.Millisecond, Farewell: 50 * time.Millisecond,
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	d, err := delivery.New(c)
	if err != nil {
		t.Fatal(err)
	}
	d.Send(event(1))
	d.Send(event(2))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Run(ended); err != nil {
		t.Fatal(err)
	}
	if c := d.Counts(); len(c.Lost) != 0 || c.Waiting != 2 {
		t.Errorf("counts %+v", c)
	}
	s.mu.Lock()
	away = false
	s.mu.Unlock()
	next := sender(t, c)
	if at := next.Delivery(); at.Earlier != 2 { // asked before they are sent
		t.Errorf("%d events are said to wait", at.Earlier)
	}
	end := running(t, next)
	next.Send(event(3))
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.received()); got != `[{"n":1} {"n":2} {"n":3}]` {
		t.Errorf("got %s", got)
	}
	if c := next.Counts(); c.Delivered != 1 || c.Waiting != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestWhereToSendIsChecked(t *testing.T) {
	for _, address := range []string{"", "localhost:8420", "ftp://host", "http://", "://"} {
		if _, err := delivery.New(delivery.Config{Server: address, Key: "secret", Spool: t.TempDir()}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", address, err)
		}
	}
	if _, err := delivery.New(delivery.Config{Server: "http://host", Spool: t.TempDir()}); err == nil {
		t.Error("took no key")
	}
}
