package delivery_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nightjar/agent"
	"nightjar/agent/delivery"
	"nightjar/schema"
	"nightjar/wal"
)

// fullDisk is a disk that takes nothing while it is full.
type fullDisk struct {
	wal.OS
	full atomic.Bool
}

type fullFile struct {
	wal.File
	disk *fullDisk
}

func (d *fullDisk) Create(path string) (wal.File, error) {
	if d.full.Load() {
		return nil, syscall.ENOSPC
	}
	f, err := d.OS.Create(path)
	return fullFile{f, d}, err
}

func (f fullFile) Write(b []byte) (int, error) {
	if f.disk.full.Load() {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	return f.File.Write(b)
}

// The disk is full from the start of the second third to its end, and all the while the
// server fails now and then.
func TestADiskThatIsFullCostsNothingWhileTheServerTakes(t *testing.T) {
	s := newServer(t, func(n int, _ []byte) (int, bool) {
		if n%3 == 0 {
			return http.StatusServiceUnavailable, n%2 == 0
		}
		return 0, false
	})
	disk := &fullDisk{}
	d, end := startWith(t, delivery.Config{Server: s.URL, FS: disk})
	const events = 3000
	for i := range events {
		if !d.Send(event(i)) {
			t.Fatal("no room")
		}
		if i%100 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
		disk.full.Store(i >= events/3 && i < 2*events/3)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	inOrderOnce(t, s.received(), events)
	if c := d.Counts(); c.Delivered != events || len(c.Lost) != 0 || c.Waiting != 0 {
		t.Errorf("counts %+v", c)
	}
}

func inOrderOnce(t *testing.T, got []string, events int) {
	t.Helper()
	if len(got) != events {
		t.Fatalf("%d events arrived, want %d", len(got), events)
	}
	for i, e := range got {
		if e != string(event(i)) {
			t.Fatalf("event %d is %s", i, e)
		}
	}
}

// Neither the disk nor the server takes anything until the end.
func TestWhatNobodyTookUntilTheEndIsSaid(t *testing.T) {
	s := newServer(t, func(int, []byte) (int, bool) { return http.StatusBadGateway, false })
	disk := &fullDisk{}
	disk.full.Store(true)
	d, err := delivery.New(delivery.Config{Server: s.URL, Key: "key", Spool: t.TempDir(), FS: disk, Pause: time.Millisecond, Farewell: 50 * time.Millisecond,
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	d.Send(event(1))
	d.Send(event(2))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Run(ended); err == nil || !strings.Contains(err.Error(), "2 events are lost") {
		t.Errorf("got %v", err)
	}
	if c := d.Counts(); c.Lost[delivery.LostStopped] != 2 || c.Waiting != 0 {
		t.Errorf("counts %+v", c)
	}
}

// slowDisk is a disk on which nothing is synced before a time.
type slowDisk struct {
	wal.OS
	until atomic.Pointer[chan struct{}] // closed then; nil: the disk is fast
}

type slowFile struct {
	wal.File
	disk *slowDisk
}

func (d *slowDisk) Create(path string) (wal.File, error) {
	f, err := d.OS.Create(path)
	return slowFile{f, d}, err
}

func (f slowFile) Sync() error {
	if until := f.disk.until.Load(); until != nil {
		<-*until
	}
	return f.File.Sync()
}

// The server does not answer, and the disk takes no batch before the time for the end is
// over: what is queued behind that is written all the same.
func TestWhatIsQueuedWhenTheTimeForTheEndIsOverIsWritten(t *testing.T) {
	asked, over := make(chan struct{}), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done() // the sender gives up
		close(over)
	}))
	defer silent.Close()
	disk, dir := &slowDisk{}, t.TempDir()
	d, err := delivery.New(delivery.Config{Server: silent.URL, Key: "key", Spool: dir, FS: disk, Linger: time.Nanosecond, Farewell: time.Nanosecond,
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	end := running(t, d)
	const events = 2500 // further ones than a batch has
	d.Send(event(0))
	<-asked
	disk.until.Store(&over)
	for i := 1; i < events; i++ {
		d.Send(event(i))
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if c := d.Counts(); c.Waiting != events || len(c.Lost) != 0 {
		t.Errorf("counts %+v", c)
	}
	s := newServer(t, nil)
	_, end = startWith(t, delivery.Config{Server: s.URL, Spool: dir})
	if err := end(); err != nil {
		t.Fatal(err)
	}
	inOrderOnce(t, s.received(), events)
}

// fill leaves batches of one event each in a spool that no server takes.
func fill(t *testing.T, dir string, events int) {
	t.Helper()
	s := newServer(t, func(int, []byte) (int, bool) { return http.StatusBadGateway, false })
	d, err := delivery.New(delivery.Config{Server: s.URL, Key: "key", Spool: dir, Linger: time.Nanosecond, Farewell: time.Millisecond,
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	for i := range events {
		before := d.Delivery().Syncs
		d.Send(event(i))
		for d.Delivery().Syncs == before {
			time.Sleep(time.Millisecond)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// The file is damaged in the middle, or its end is missing, or torn: what can be read
// arrives, in order, and what can't is counted; the report says since when.
func TestADamagedRecordCostsItselfAndIsCounted(t *testing.T) {
	const events = 20
	for name, damage := range map[string]func([]byte) []byte{
		"flipped": func(b []byte) []byte { b[bytes.Index(b, event(7))] ^= 1; return b },
		"cut":     func(b []byte) []byte { return b[:bytes.Index(b, event(events-2))] },
		"torn":    func(b []byte) []byte { return append(b, b[len(b)-40:]...) },
		"empty":   func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, events)
			files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], damage(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := newServer(t, nil)
			d, end := startWith(t, delivery.Config{Server: s.URL, Spool: dir})
			d.Send(event(events))
			if err := end(); err != nil {
				t.Fatal(err)
			}
			got := s.received()
			if !slices.IsSortedFunc(got, func(a, b string) int { return number(a) - number(b) }) || got[len(got)-1] != string(event(events)) {
				t.Errorf("there arrived %v", got)
			}
			lost := d.Counts().Lost[delivery.LostDamaged]
			if want := events + 1 - len(got); lost != uint64(want) {
				t.Errorf("%d events are said to be damaged, %d did not arrive", lost, want)
			}
			if name == "torn" && lost != 0 || name == "flipped" && lost != 1 {
				t.Errorf("%d are lost", lost)
			}
		})
	}
}

func number(event string) int {
	var e struct{ N int }
	_ = json.Unmarshal([]byte(event), &e) // 0 of what is none
	return e.N
}

const childVariable = "NIGHTJAR_DELIVERY_CHILD"

// child is an agent that sees numbered events, as fast as it can, until it is killed; the
// first number is an argument. It says each number before it hands the event on.
func child() {
	s, err := delivery.NewSink(delivery.Config{
		Server: os.Getenv(childVariable), Key: "key", Spool: os.Args[1], Linger: 5 * time.Millisecond, Pause: time.Millisecond, MaxPause: 4 * time.Millisecond,
	}, delivery.About{Host: "web-1", Report: 20 * time.Millisecond})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.Ready(nil)
	out := bufio.NewWriter(os.Stdout)
	var n int
	_, _ = fmt.Sscan(os.Args[2], &n) // the test's own
	for ; ; n++ {
		fmt.Fprintln(out, n, time.Now().UnixMilli())
		out.Flush()
		s.Match(agent.Match{JSON: event(n)})
		if n%10 == 0 {
			now := time.Now()
			s.Report(agent.Report{Time: now, Through: now})
			time.Sleep(200 * time.Microsecond)
		}
	}
}

// A seen event is what the agent of a child process saw, and when, in ms since 1970.
type seen struct {
	n  int
	at int64
}

// runUntilKilled lets a child run until it has seen as much as is asked for and the time is
// over, kills it, and returns what it saw.
func runUntilKilled(t *testing.T, server, dir string, first, least int, after time.Duration) []seen {
	t.Helper()
	c := exec.Command("/proc/self/exe", dir, fmt.Sprint(first))
	c.Env = append(os.Environ(), childVariable+"="+server)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	over := time.Now().Add(after)
	var saw []seen
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			break // the last line may be half: what it saw then was not told to anybody
		}
		var s seen
		if _, err := fmt.Sscan(line, &s.n, &s.at); err != nil {
			t.Fatal(err)
		}
		if saw = append(saw, s); len(saw) == least {
			time.AfterFunc(time.Until(over), func() { _ = c.Process.Kill() })
		}
	}
	_ = c.Wait() // it was killed
	return saw
}

// An agent is killed twenty times at moments of chance, while the server fails as it may.
// Whatever it has seen arrives once and in order, but for what was seen in the times that
// its reports say it was blind.
func TestAnAgentThatIsKilledGoesOnWhereItWas(t *testing.T) {
	s := newServer(t, func(n int, _ []byte) (int, bool) {
		switch n % 5 {
		case 1:
			return http.StatusServiceUnavailable, true
		case 2:
			return http.StatusTooManyRequests, false
		}
		return 0, false
	})
	dir, saw, ends := t.TempDir(), []seen{}, []int{}
	const runs = 20
	for range runs {
		saw = append(saw, runUntilKilled(t, s.URL, dir, len(saw)+1, 1, time.Duration(50+rand.IntN(200))*time.Millisecond)...)
		ends = append(ends, len(saw))
	}
	sink, err := delivery.NewSink(delivery.Config{Server: s.URL, Key: "key", Spool: dir, Pause: time.Millisecond, MaxPause: 4 * time.Millisecond, Farewell: time.Minute,
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}, delivery.About{Host: "web-1"})
	if err != nil {
		t.Fatal(err)
	}
	sink.Ready(nil)
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	arrived, gaps := map[int]bool{}, []schema.AgentGap{}
	before := 0
	for _, text := range s.received() {
		if strings.Contains(text, "report") {
			if r := reportOf(t, text); r.Blind != nil {
				gaps = append(gaps, *r.Blind)
			}
			continue
		}
		var e struct{ N int }
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if e.N <= before {
			t.Fatalf("event %d arrived after %d", e.N, before)
		}
		before, arrived[e.N] = e.N, true
	}
	missing := 0
	for _, e := range saw {
		if arrived[e.n] {
			continue
		}
		missing++
		if !slices.ContainsFunc(gaps, func(g schema.AgentGap) bool { return int64(g.From) <= e.at && e.at <= int64(g.To) }) {
			t.Errorf("event %d did not arrive, and nobody was blind at %d: %v", e.n, e.at, gaps)
		}
	}
	if len(gaps) == 0 || len(arrived) < missing {
		t.Errorf("%d events arrived, %d are missing, %d gaps", len(arrived), missing, len(gaps))
	}
	t.Logf("%d events arrived once and in order, %d were seen in %d gaps of %d ends; ends at %v", len(arrived), missing, len(gaps), runs, ends)
}

// An agent that is killed before anything of it is in the spool says with its next run since
// when nobody watched, also after its first run ever.
func TestAFirstRunThatIsKilledAtOnceIsNotForgotten(t *testing.T) {
	s := newServer(t, nil)
	dir := t.TempDir()
	saw := runUntilKilled(t, s.URL, dir, 1, 1, 0)
	run(t, s, dir)
	gap := lastBlind(t, s)
	if gap == nil || int64(gap.From) > saw[0].at || int64(gap.To) < saw[len(saw)-1].at {
		t.Errorf("it saw %v, and the gap is %+v", saw, gap)
	}
}

// run is a run of an agent that sees nothing and ends well.
func run(t *testing.T, s *server, dir string) {
	t.Helper()
	sink, err := delivery.NewSink(delivery.Config{Server: s.URL, Key: "key", Spool: dir, Farewell: time.Minute, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}, delivery.About{Host: "web-1"})
	if err != nil {
		t.Fatal(err)
	}
	sink.Ready(nil)
	sink.Report(agent.Report{Time: time.Now(), Through: time.Now()})
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// lastBlind is the gap that was reported last; nil when none was.
func lastBlind(t *testing.T, s *server) *schema.AgentGap {
	t.Helper()
	for _, text := range slices.Backward(s.received()) {
		if r := reportOf(t, text); r != nil && r.Blind != nil {
			return r.Blind
		}
	}
	return nil
}

// The first run ever was not blind before; one after a killed one was, and one after a run
// that was stopped.
func TestTheTimeInWhichAnAgentWasBlindIsReported(t *testing.T) {
	s := newServer(t, nil)
	dir := t.TempDir()
	run(t, s, dir)
	if got := lastBlind(t, s); got != nil {
		t.Fatalf("the first run says that it was blind: %+v", got)
	}
	run(t, s, dir)
	if got := lastBlind(t, s); got == nil || got.Reason != "it was stopped" || got.To < got.From {
		t.Errorf("after a run that was stopped: %+v", got)
	}
	runUntilKilled(t, s.URL, dir, 1, 1, 2*time.Second)
	run(t, s, dir)
	if got := lastBlind(t, s); got == nil || !strings.Contains(got.Reason, "without a goodbye") || got.To <= got.From {
		t.Errorf("after a run that was killed: %+v", got)
	}
}

// A folder belongs to one agent.
func TestTwoAgentsDoNotShareASpool(t *testing.T) {
	s := newServer(t, nil)
	dir := t.TempDir()
	_, end := startWith(t, delivery.Config{Server: s.URL, Spool: dir})
	if _, err := delivery.New(delivery.Config{Server: s.URL, Key: "key", Spool: dir}); err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Errorf("got %v", err)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

// How much a batch costs until it is durable is what the writer waits; Send does not.
func BenchmarkSend(b *testing.B) {
	s := newServer(nil, func(int, []byte) (int, bool) { return http.StatusBadGateway, false })
	defer s.Close()
	d, err := delivery.New(delivery.Config{Server: s.URL, Key: "key", Spool: b.TempDir(), SpoolBytes: 4 << 30, Memory: 1 << 30, Farewell: time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	text := []byte(`{"n":"` + strings.Repeat("x", 1500) + `"}`)
	b.SetBytes(int64(len(text)))
	var longest time.Duration
	for b.Loop() {
		start := time.Now()
		d.Send(text)
		longest = max(longest, time.Since(start))
	}
	at := d.Delivery()
	b.ReportMetric(float64(longest.Microseconds()), "longest-µs")
	b.ReportMetric(float64(at.SyncTime.Microseconds())/float64(max(at.Syncs, 1)), "sync-µs")
	cancel()
	<-ended
}
