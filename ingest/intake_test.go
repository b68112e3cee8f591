package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"nightjar/ingest/times"
	"nightjar/schema"
	"nightjar/wal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a sink that behaves like ClickHouse: one token, one block.
type world struct {
	mu       sync.Mutex
	tokens   map[string]int
	events   []schema.Event
	away     bool
	half     bool // takes the block, and says that it failed
	loses    int  // so many blocks: keeps the token and no event, and says that it failed
	refuse   string
	heavy    string // a block with such a message is too much
	hangs    string // an insert of such a message never ends
	inserts  int
	lastAway bool
}

func newWorld() *world { return &world{tokens: map[string]int{}} }

var errAway = errors.New("connection refused")

func (w *world) Insert(ctx context.Context, token string, events []schema.Event) error {
	w.mu.Lock()
	hangs := w.hangs != "" && slices.ContainsFunc(events, func(e schema.Event) bool { return strings.Contains(e.Message, w.hangs) })
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inserts++
	if w.away {
		return errAway
	}
	for _, e := range events {
		if w.heavy != "" && strings.Contains(e.Message, w.heavy) {
			return fmt.Errorf("%w: %s", ErrTooMuch, w.heavy)
		}
		if w.refuse != "" && strings.Contains(e.Message, w.refuse) {
			return fmt.Errorf("%w: no %s here", ErrRejected, w.refuse)
		}
		if e.Seen/86400000 != events[0].Seen/86400000 {
			panic("two days in a block")
		}
	}
	if n, ok := w.tokens[token]; ok && n != len(events) {
		panic(fmt.Sprintf("token %s came with %d events, then with %d", token, n, len(events)))
	} else if !ok {
		w.tokens[token] = len(events)
		if w.loses > 0 {
			w.loses--
			return errAway
		}
		w.events = append(w.events, events...)
	}
	if w.half {
		return errAway
	}
	return nil
}

func (w *world) LastSeq(context.Context) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lastAway {
		return 0, errAway
	}
	var last uint64
	for _, e := range w.events {
		last = max(last, e.Seq)
	}
	return last, nil
}

func (w *world) Settle(_ context.Context, _ string, first, last uint64) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away && !w.half {
		return 0, errAway
	}
	through := first - 1
	for _, e := range w.events {
		if e.Seq <= last {
			through = max(through, e.Seq)
		}
	}
	return through, nil
}

func (w *world) Present(_ context.Context, first, last uint64) (map[uint64]bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[uint64]bool{}
	for _, e := range w.events {
		out[e.Seq] = e.Seq >= first && e.Seq <= last
	}
	return out, nil
}

func (w *world) set(f func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

// check wants every event once, in order.
func (w *world) check(t *testing.T, want int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	last := uint64(0)
	for _, e := range w.events {
		if seen[e.Message] || e.Seq <= last {
			t.Fatalf("event %d (%s) is doubled or out of order", e.Seq, e.Message)
		}
		seen[e.Message], last = true, e.Seq
	}
	if len(w.events) != want {
		t.Fatalf("%d events are stored, want %d", len(w.events), want)
	}
}

type harness struct {
	*Intake
	t    *testing.T
	stop func()
}

// run starts an intake; edit changes what it is made of.
func run(t *testing.T, dir string, sink Sink, edit ...func(*Deps)) *harness {
	t.Helper()
	deps := Deps{
		Dir: dir, Sink: sink, Now: func() time.Time { return testNow }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Metrics: prometheus.NewRegistry(),
		Config:  Config{Linger: time.Millisecond, SegmentBytes: 2000, BlockEvents: 7},
	}
	for _, f := range edit {
		f(&deps)
	}
	in, err := New(deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	h := &harness{Intake: in, t: t}
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

func (h *harness) await() {
	h.t.Helper()
	deadline := time.After(time.Minute)
	for {
		changed := h.StoredChanged()
		if h.Stored() >= h.Acknowledged() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			h.t.Fatalf("stored %d, acknowledged %d", h.Stored(), h.Acknowledged())
		}
	}
}

func batch(id string, n int) Batch {
	b := Batch{ID: id}
	for i := range n {
		a, _ := schema.ParseAttributes(`{"k":1}`)
		b.Events = append(b.Events, schema.Event{At: schema.MillisOf(testNow), Message: fmt.Sprintf("%s-%d", id, i), Attributes: a})
	}
	return b
}

func (h *harness) submit(b Batch) Receipt {
	h.t.Helper()
	r, err := h.Submit(context.Background(), b)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func TestNumbersAreConsecutiveAcrossRestarts(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	next := uint64(1)
	for round := range 5 {
		h := run(t, dir, w)
		for i := range 20 {
			r := h.submit(batch(fmt.Sprintf("%d/%d", round, i), i%4+1))
			if r.First != next || r.Last != next+uint64(i%4) || r.Duplicate {
				t.Fatalf("got %+v, want first %d", r, next)
			}
			next = r.Last + 1
		}
		if round%2 == 0 {
			h.await()
		}
		if h.Acknowledged() != next-1 {
			t.Fatalf("acknowledged %d, want %d", h.Acknowledged(), next-1)
		}
		h.stop()
	}
	h := run(t, dir, w)
	h.await()
	w.check(t, int(next-1))
	if files, _ := filepath.Glob(filepath.Join(dir, "log", "*.wal")); len(files) > 3 {
		t.Fatalf("stored segments are still there: %d", len(files))
	}
}

// crashImage is a folder as a crash would leave it, of an intake that runs. A crash has all
// of one moment, and a copy does not: the log comes first, since ids are written beside it
// before a part of it is deleted. A part that is deleted while it is copied is one of those.
func crashImage(t *testing.T, dir string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	for _, part := range []string{"log", "."} {
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, d os.DirEntry, err error) error {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			name, err := filepath.Rel(dir, path)
			switch {
			case err != nil:
				return err
			case d.IsDir() && part == "." && name == "log":
				return filepath.SkipDir
			case d.IsDir():
				return os.MkdirAll(filepath.Join(image, name), 0o700)
			}
			text, err := os.ReadFile(path)
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(image, name), text, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return image
}

func TestBatchIsTakenOnce(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	h := run(t, dir, w)
	for i := range 50 {
		h.submit(batch(fmt.Sprint(i), 5))
	}
	again := func() {
		t.Helper()
		for i := range 50 {
			if r := h.submit(batch(fmt.Sprint(i), 5)); !r.Duplicate {
				t.Fatalf("batch %d was taken again", i)
			}
		}
	}
	again()
	// As a crash would leave it, after all is stored.
	h.await()
	image := crashImage(t, dir)
	h.stop()
	dir = image
	h = run(t, dir, w)
	again()
	for range 3 { // from the log, from the files, from both
		h.stop()
		h = run(t, dir, w)
		again()
		h.await()
		again()
	}
	h.stop()
	// A day later they are still known; after the time they are not.
	h = run(t, dir, w, func(d *Deps) { d.Now = func() time.Time { return testNow.Add(24*time.Hour + time.Minute) } })
	again()
	h.stop()
	h = run(t, dir, w, func(d *Deps) { d.Now = func() time.Time { return testNow.Add(48 * time.Hour) } })
	if n := h.batches.len(); n != 0 {
		// What is still in the log is remembered for longer; it goes with it.
		t.Logf("%d ids are still in the log", n)
	}
	h.await()
	w.check(t, 250)
}

func TestSameBatchAtOnceIsTakenOnce(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	var fresh, duplicate int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			r := h.submit(batch("same", 3))
			mu.Lock()
			defer mu.Unlock()
			if r.Duplicate {
				duplicate++
			} else {
				fresh++
			}
		})
	}
	wg.Wait()
	if fresh != 1 || duplicate != 31 {
		t.Fatalf("taken %d times, duplicate %d times", fresh, duplicate)
	}
	h.await()
	w.check(t, 3)
}

func TestClickHouseAwayKeepsEverythingAndSaysSoOnce(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	var log bytes.Buffer
	var mu sync.Mutex
	h := run(t, dir, w, func(d *Deps) { d.Log = slog.New(slog.NewTextHandler(writer{&mu, &log}, nil)) })
	h.submit(batch("a", 5))
	h.await()
	w.set(func(w *world) { w.away = true })
	for i := range 30 {
		h.submit(batch(fmt.Sprint("away", i), 5))
	}
	if h.Stored() != 5 || h.Backlog() == 0 {
		t.Fatalf("stored %d, backlog %d", h.Stored(), h.Backlog())
	}
	time.Sleep(400 * time.Millisecond)
	w.set(func(w *world) { w.away = false })
	h.await()
	w.check(t, 155)
	if h.Backlog() != 0 {
		t.Fatalf("backlog %d after all is stored", h.Backlog())
	}
	mu.Lock()
	defer mu.Unlock()
	if n := strings.Count(log.String(), "cannot insert"); n != 1 || !strings.Contains(log.String(), "works again") {
		t.Fatalf("said %d times:\n%s", n, &log)
	}
}

type writer struct {
	mu *sync.Mutex
	w  io.Writer
}

func (w writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(b)
}

// TestUncertainInsertGoesOutAgainUnchanged: the block was stored, the answer was
// lost, more events have arrived since and the process was restarted.
func TestUncertainInsertGoesOutAgainUnchanged(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	w.half = true
	for round := range 6 {
		h := run(t, dir, w)
		h.submit(batch(fmt.Sprint(round), 3))
		time.Sleep(30 * time.Millisecond)
		h.stop()
	}
	w.set(func(w *world) { w.half = false })
	h := run(t, dir, w)
	h.await()
	w.check(t, 18)
	for end := time.Now().Add(time.Minute); h.Backlog() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("all is stored, and %d bytes count as backlog", h.Backlog())
		}
	}
}

func TestRefusedEventsArePutAside(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	w.refuse = "poison"
	h := run(t, dir, w, func(d *Deps) { d.Config.BlockEvents = 1000 })
	b := batch("b", 300)
	b.Events[0].Message, b.Events[137].Message, b.Events[299].Message = "poison-1", "poison-2", "poison-3"
	h.submit(b)
	h.submit(batch("after", 10))
	h.await()
	w.check(t, 307)
	dead, err := os.ReadFile(filepath.Join(dir, "dead-letters.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(dead, []byte("\n")); n != 3 || !bytes.Contains(dead, []byte(`"message":"poison-2"`)) || !bytes.Contains(dead, []byte("no poison here")) {
		t.Fatalf("dead letters:\n%s", dead)
	}
}

func TestFullBacklogIsBackpressure(t *testing.T) {
	w := newWorld()
	w.away = true
	h := run(t, t.TempDir(), w, func(d *Deps) { d.Config.MaxBacklog = 20_000 })
	taken := 0
	var full *BackpressureError
	for i := range 100 {
		_, err := h.Submit(context.Background(), batch(fmt.Sprint(i), 10))
		if err == nil {
			taken += 10
		} else if !errors.As(err, &full) || full.RetryAfter == 0 {
			t.Fatal(err)
		}
	}
	if full == nil || taken == 0 {
		t.Fatalf("taken %d, refused %v", taken, full)
	}
	w.set(func(w *world) { w.away = false })
	h.await()
	// What was refused was not taken, and is now.
	for i := range 100 {
		h.submit(batch(fmt.Sprint(i), 10))
		h.await()
	}
	w.check(t, 1000)
}

// disk fails on demand.
type disk struct {
	wal.OS
	mu  sync.Mutex
	err error
}

type diskFile struct {
	wal.File
	d *disk
}

func (d *disk) fail() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *disk) set(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *disk) Create(path string) (wal.File, error) {
	f, err := d.OS.Create(path)
	return diskFile{f, d}, err
}

func (f diskFile) Write(b []byte) (int, error) {
	if err := f.d.fail(); errors.Is(err, syscall.ENOSPC) {
		return 0, err
	}
	return f.File.Write(b)
}

func (f diskFile) Sync() error {
	if err := f.d.fail(); err != nil {
		return err
	}
	return f.File.Sync()
}

func TestFailingDiskRefusesAndRecovers(t *testing.T) {
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
		w, dir, d := newWorld(), t.TempDir(), &disk{}
		h := run(t, dir, w, func(deps *Deps) { deps.FS = d })
		taken := 0
		for i := range 40 {
			if i%10 == 5 {
				d.set(fault)
			}
			if i%10 == 0 {
				d.set(nil)
			}
			_, err := h.Submit(context.Background(), batch(fmt.Sprint(i), 4))
			var away *UnavailableError
			switch {
			case err == nil:
				taken += 4
			case !errors.As(err, &away) || !errors.Is(err, fault):
				t.Fatal(err)
			}
		}
		if taken != 80 {
			t.Fatalf("%v: %d events acknowledged, want those of the healthy half", fault, taken)
		}
		d.set(nil)
		h.await()
		w.check(t, 80)
		for i := range 40 {
			if r := h.submit(batch(fmt.Sprint(i), 4)); r.Duplicate != (i%10 < 5) {
				t.Fatalf("%v: batch %d sent again: %+v", fault, i, r)
			}
		}
		h.await()
		w.check(t, 160)
		h.stop()
	}
}

func TestNewFolderGoesOnBehindWhatIsStored(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	h.submit(batch("a", 10))
	h.await()
	h.stop()
	w.set(func(w *world) { w.lastAway = true })
	h = run(t, t.TempDir(), w)
	go func() {
		time.Sleep(50 * time.Millisecond)
		w.set(func(w *world) { w.lastAway = false })
	}()
	if r := h.submit(batch("b", 1)); r.First != 11 {
		t.Fatalf("first is %d", r.First)
	}
	h.await()
	w.check(t, 11)
}

func TestLostCheckpointDoublesNothing(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	for round, spoil := range []func(string) error{os.Remove, func(p string) error { return os.WriteFile(p, []byte("garbage"), 0o600) }, func(string) error { return nil }} {
		h := run(t, dir, w)
		for i := range 20 {
			h.submit(batch(fmt.Sprintf("%d/%d", round, i), 3))
		}
		if round == 0 {
			h.await()
		}
		h.stop()
		if err := spoil(filepath.Join(dir, "checkpoint")); err != nil {
			t.Fatal(err)
		}
	}
	h := run(t, dir, w)
	h.await()
	w.check(t, 180)
}

func TestBlocksEndWithTheDay(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	w.away = true
	var mu sync.Mutex
	clock := testNow
	h := run(t, dir, w, func(d *Deps) {
		d.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
		d.Config.BlockEvents = 1000
	})
	for i := range 5 {
		h.submit(batch(fmt.Sprint(i), 3))
		mu.Lock()
		clock = clock.Add(9 * time.Hour)
		mu.Unlock()
	}
	w.set(func(w *world) { w.away = false })
	h.await()
	w.check(t, 15)
}

func TestTimesAheadAreArrivalTimes(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	now := schema.MillisOf(testNow)
	for _, c := range []struct {
		at   schema.Millis
		json string
		want schema.Millis
		out  string
	}{
		{now, `{"k":1}`, now, `{"k":1}`},
		{now.Add(10 * time.Minute), `{}`, now.Add(10 * time.Minute), `{}`},
		{now.Add(10*time.Minute) + 1, `{"k":1}`, now, fmt.Sprintf(`{"k":1,"nightjar":{"original_timestamp":%d,"timestamp_problem":"ahead of the clock"}}`, now.Add(10*time.Minute)+1)},
		{times.Earliest, `{}`, times.Earliest, `{}`},
		{times.Earliest - 1, `{}`, now, fmt.Sprintf(`{"nightjar":{"original_timestamp":%d,"timestamp_problem":"before the year 2000"}}`, times.Earliest-1)},
		{schema.MinMillis - 1, `{"nightjar":{"x":1}}`, now, fmt.Sprintf(`{"nightjar":{"x":1,"original_timestamp":%d,"timestamp_problem":"before the year 2000"}}`, schema.MinMillis-1)},
		{schema.MaxMillis + 1, `{}`, now, fmt.Sprintf(`{"nightjar":{"original_timestamp":%d,"timestamp_problem":"ahead of the clock"}}`, schema.MaxMillis+1)},
	} {
		a, err := schema.ParseAttributes(c.json)
		if err != nil {
			t.Fatal(err)
		}
		h.submit(Batch{Events: []schema.Event{{At: c.at, Attributes: a}}})
		h.await()
		got := w.events[len(w.events)-1]
		if got.At != c.want || got.Seen != now || got.JSON != c.out {
			t.Errorf("%d with %s became %d with %s", c.at, c.json, got.At, got.JSON)
		}
	}
}

func TestEncodingIsTheRoundTrip(t *testing.T) {
	d := Decoder{Now: testNow, Source: "sshd", Tags: []string{"a:b", "c"}}
	events, err := d.JSON([]byte(`[{"message":"Failed password for x from 1.2.3.4 port 5 ssh2","n":9223372036854775807,"f":[0.1,1e300,true,null,{"a":"\u0000ü"}]},{},{"a":1e400,"usr":{"id":5}}]`))
	if err != nil {
		t.Fatal(err)
	}
	buf := encodeBatch(Batch{ID: "id", Events: events}, schema.MillisOf(testNow))
	got, err := decodeBatch(wal.Record{First: 7, Count: 3, Payload: buf.b})
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		events[i].Seq = uint64(7 + i)
		if fmt.Sprintf("%#v", got[i]) != fmt.Sprintf("%#v", events[i]) {
			t.Errorf("\n got %#v\nwant %#v", got[i], events[i])
		}
	}
	for cut := range len(buf.b) {
		if _, err := decodeBatch(wal.Record{First: 1, Count: 3, Payload: buf.b[:cut]}); err == nil {
			t.Fatalf("cut at %d is read", cut)
		}
	}
}
