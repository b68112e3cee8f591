package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"nightjar/schema"
	"nightjar/wal"
)

// TestEveryDamagedPieceOfTheFolderGivesAStart breaks one piece at a time, in
// every way, and wants an intake that starts, says so, and takes events in.
func TestEveryDamagedPieceOfTheFolderGivesAStart(t *testing.T) {
	breaks := map[string]func(path string) error{
		"removed": os.RemoveAll,
		"empty":   func(path string) error { return errors.Join(os.RemoveAll(path), os.WriteFile(path, nil, 0o600)) },
		"garbage": func(path string) error {
			return errors.Join(os.RemoveAll(path), os.WriteFile(path, bytes.Repeat([]byte("garbage"), 999), 0o600))
		},
		"a folder": func(path string) error {
			return errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Join(path, "x"), 0o700))
		},
		"a broken link": func(path string) error { return errors.Join(os.RemoveAll(path), os.Symlink("/nowhere/at/all", path)) },
	}
	pieces := []string{"", "log", "log/LOCK", "log/*.wal", "batches", "batches/*.ids", "batches/reserve", "checkpoint", "dead-letters.jsonl"}
	tried := 0
	for _, piece := range pieces {
		for how, do := range breaks {
			t.Run(piece+" "+how, func(t *testing.T) {
				w, dir := newWorld(), filepath.Join(t.TempDir(), "intake")
				h := run(t, dir, w)
				for i := range 10 {
					h.submit(batch(fmt.Sprint(i), 100))
				}
				h.await()
				h.stop()
				if err := os.WriteFile(filepath.Join(dir, "batches", "0.ids"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				found, err := filepath.Glob(filepath.Join(dir, piece))
				if err != nil || len(found) == 0 {
					t.Fatalf("there is no %q to break: %v", piece, err)
				}
				if err := do(found[0]); err != nil {
					t.Fatal(err)
				}
				if piece == "" && how != "removed" {
					return // the folder's place is taken: that is told at once, and nothing is lost
				}
				tried++
				h = run(t, dir, w)
				h.submit(batch("after", 5))
				h.await()
				h.stop()
				w.check(t, 1005) // all of it was stored before: nothing is lost, nothing is doubled
				h = run(t, dir, w)
				h.stop()
			})
		}
	}
	if tried < 35 {
		t.Errorf("only %d breakages were tried", tried)
	}
}

// TestLateEventsAreTakenInAndCounted has a lateness allowance of an hour.
func TestLateEventsAreTakenInAndCounted(t *testing.T) {
	var log bytes.Buffer
	w := newWorld()
	h := run(t, t.TempDir(), w, func(d *Deps) {
		d.Lateness, d.Log = time.Hour, slog.New(slog.NewTextHandler(&log, nil))
	})
	at := schema.MillisOf(testNow)
	events := []schema.Event{{At: at, Message: "a"}, {At: at.Add(-59 * time.Minute), Message: "b"}, {At: at.Add(-61 * time.Minute), Message: "c"}, {At: at.Add(-10 * 365 * 24 * time.Hour), Message: "d"}}
	for i := range events {
		events[i].Attributes, _ = schema.NewAttributes(nil)
	}
	h.submit(Batch{Events: events})
	h.submit(Batch{Events: append([]schema.Event{}, schema.Event{At: at.Add(-2 * time.Hour), Message: "e", Attributes: events[0].Attributes})})
	h.await()
	w.check(t, 5)
	if n := valueOf(t, h.metrics.late); n != 3 {
		t.Errorf("%v late events were counted, want 3", n)
	}
	if n := strings.Count(log.String(), "later than rules look back"); n != 1 {
		t.Errorf("it was told %d times within a minute: %s", n, &log)
	}
}

// TestATimeOfBefore2000IsNotLate is because such an event happens when it arrives, and
// rules see it.
func TestATimeOfBefore2000IsNotLate(t *testing.T) {
	h := run(t, t.TempDir(), newWorld(), func(d *Deps) { d.Lateness = time.Hour })
	for body, late := range map[string]bool{`[{"timestamp":0,"message":"a"}]`: false, `[{"ts":-5,"message":"a"}]`: false, `[{"timestamp":946684800000,"message":"a"}]`: true} {
		if got := post(NewHandler(h.Intake), "", body); got.Code != 202 || strings.Contains(got.Body.String(), "late") != late {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
}

// unreadable is a disk that does not give back a part of the log.
type unreadable struct {
	wal.OS
	mu   sync.Mutex
	from int64 // in every segment; 0: all is well
}

type unreadableFile struct {
	wal.ReadFile
	d *unreadable
}

func (d *unreadable) bad(off, end int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.from > 0 && end > d.from && off < d.from+4096
}

func (d *unreadable) Open(path string) (wal.ReadFile, error) {
	f, err := d.OS.Open(path)
	return unreadableFile{f, d}, err
}

func (d *unreadable) ReadFile(path string, limit int) ([]byte, error) {
	b, err := d.OS.ReadFile(path, limit)
	if err == nil && d.bad(0, int64(len(b))) {
		return nil, syscall.EIO
	}
	return b, err
}

func (f unreadableFile) ReadAt(b []byte, off int64) (int, error) {
	if f.d.bad(off, off+int64(len(b))) {
		return 0, syscall.EIO
	}
	return f.ReadFile.ReadAt(b, off)
}

// TestAPartOfTheLogThatStaysUnreadableIsGoneBehind: the events in it are lost and
// counted, the others are stored, and an unreadable moment costs nothing.
func TestAPartOfTheLogThatStaysUnreadableIsGoneBehind(t *testing.T) {
	for _, lasts := range []bool{false, true} {
		w, d := newWorld(), &unreadable{}
		w.away = true
		h := run(t, t.TempDir(), w, func(deps *Deps) {
			deps.FS, deps.Config.ReadTries, deps.Config.SegmentBytes = d, 3, 1<<20
		})
		const batches = 400
		for i := range batches {
			h.submit(batch(fmt.Sprint(i), 1))
		}
		d.mu.Lock()
		d.from = 8192
		d.mu.Unlock()
		w.set(func(w *world) { w.away = false })
		if !lasts {
			time.Sleep(60 * time.Millisecond)
			d.mu.Lock()
			d.from = 0
			d.mu.Unlock()
		}
		h.await()
		lost := int(valueOf(t, h.metrics.lost))
		if lasts != (lost > 0) || lost > 100 {
			t.Errorf("lasting %v: %d events are counted as lost", lasts, lost)
		}
		w.check(t, batches-lost)
		h.stop()
	}
}

// TestAFullDiskDoesNotKeepTheLogFromBeingLetGo has no room for a batch id.
func TestAFullDiskDoesNotKeepTheLogFromBeingLetGo(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("needs root or another kernel: mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	w := newWorld()
	w.away = true
	h := run(t, filepath.Join(dir, "intake"), w, func(d *Deps) { d.Config.SegmentBytes = 1 << 20 })
	taken := 0
	for i := 0; ; i++ {
		_, err := h.Submit(context.Background(), batch(fmt.Sprint(i), 100))
		if err != nil {
			break
		}
		taken++
	}
	fill, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = fill.Write(make([]byte, 4096))
	}
	fill.Close()
	full := h.log.Size()
	w.set(func(w *world) { w.away = false })
	h.await()
	// The last release may still be under way.
	for end := time.Now().Add(time.Minute); h.log.Size() > full/4 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if size := h.log.Size(); size > full/4 {
		t.Errorf("the log still takes %d of %d bytes", size, full)
	}
	for i := range taken {
		if r := h.submit(batch(fmt.Sprint(i), 100)); !r.Duplicate {
			t.Fatalf("batch %d was forgotten", i)
		}
	}
	w.check(t, taken*100)
}

// TestABlockThatIsThereIsNotSentAgain has a server that lost the memory of its
// tokens in a power cut, and kept the block.
func TestABlockThatIsThereIsNotSentAgain(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	w.half = true // it stores the block, and its answer is lost
	h := run(t, dir, w)
	h.submit(batch("x", 5))
	for {
		w.mu.Lock()
		n := len(w.events)
		w.mu.Unlock()
		if n > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	h.stop()
	w.set(func(w *world) { w.half, w.tokens = false, map[string]int{} })
	h = run(t, dir, w)
	h.submit(batch("y", 5))
	h.await()
	w.check(t, 10)
}

// TestABlockThatIsNotThereIsSentUnderAnotherToken has a server whose disk was full: of blocks
// whose inserts failed it kept the token, and says of the next insert that it has them.
func TestABlockThatIsNotThereIsSentUnderAnotherToken(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	w.loses = 3
	h := run(t, dir, w)
	h.submit(batch("x", 5))
	h.await()
	h.stop()
	w.set(func(w *world) { w.loses = 1 })
	h = run(t, dir, w)
	h.submit(batch("y", 5))
	h.await()
	w.check(t, 10)
}

// TestRequestsShareTheirMemory has room for one large request at a time.
func TestRequestsShareTheirMemory(t *testing.T) {
	b := newBudget(1000)
	one, two := share{of: b}, share{of: b}
	if err := one.cover(t.Context(), 800/MemoryFactor, 0); err != nil {
		t.Fatal(err)
	}
	var full *BackpressureError
	if err := two.cover(t.Context(), 400/MemoryFactor, 0); !errors.As(err, &full) || full.RetryAfter == 0 {
		t.Errorf("a second share of more than there is: %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- two.cover(context.Background(), 400/MemoryFactor, time.Minute) }()
	time.Sleep(5 * time.Millisecond)
	one.giveBack()
	if err := <-waited; err != nil {
		t.Errorf("it waited for room that came: %v", err)
	}
	two.giveBack()
	if b.used() != 0 {
		t.Errorf("%d bytes were not given back", b.used())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := one.cover(ctx, 2000, time.Minute); err == nil {
		t.Error("more than there is was given")
	}
}

// TestAStillHoldsWhatWasAcknowledgedAndNoMore takes states while events come.
func TestAStillHoldsWhatWasAcknowledgedAndNoMore(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_, _ = h.Submit(context.Background(), batch(fmt.Sprint(i), 3)) // a refused one is not in a still
			}
		}
	}()
	for range 10 {
		before := h.Acknowledged()
		var held int
		s, err := h.Still(t.Context(), func(context.Context) error {
			w.mu.Lock()
			held = len(w.events)
			w.mu.Unlock()
			time.Sleep(5 * time.Millisecond)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if s.Through < before || uint64(held) != s.Through || s.Next <= s.Through {
			t.Fatalf("acknowledged %d before, held %d, state through %d, next %d", before, held, s.Through, s.Next)
		}
		ids := 0
		for _, entries := range s.Batches {
			ids += len(entries) / entrySize
		}
		if uint64(ids)*3 != s.Through {
			t.Fatalf("%d batch ids for %d events", ids, s.Through)
		}
	}
	close(stop)
	<-done
}

// TestAStillDoesNotWaitForASinkThatTakesNothing, and is taken when it does again.
func TestAStillDoesNotWaitForASinkThatTakesNothing(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w, soon)
	w.set(func(w *world) { w.away = true })
	h.submit(batch("x", 3))
	nothing := func(context.Context) error { return nil }
	var waiting *NotStoredError
	if _, err := h.Still(t.Context(), nothing); !errors.As(err, &waiting) || waiting.Acknowledged != 3 || waiting.Stored != 0 {
		t.Fatalf("while the sink is away: %v", err)
	}
	w.set(func(w *world) { w.away = false })
	h.await()
	if s, err := h.Still(t.Context(), nothing); err != nil || s.Through != 3 {
		t.Errorf("when it is back: through %d, %v", s.Through, err)
	}
}

// TestNobodyIsLetInBeforeABlockThatWasBegunIsStored: after a crash it may be on its way
// into the sink still.
func TestNobodyIsLetInBeforeABlockThatWasBegunIsStored(t *testing.T) {
	dir, w := t.TempDir(), newWorld()
	h := run(t, dir, w, soon)
	w.set(func(w *world) { w.away = true })
	h.submit(batch("x", 3))
	for begun := false; !begun; time.Sleep(time.Millisecond) {
		w.set(func(w *world) { begun = w.inserts > 0 })
	}
	h.stop()
	w.set(func(w *world) { w.away = false; w.lastAway = true })
	h = run(t, dir, w, soon)
	held := make(chan int, 1)
	go func() {
		_ = h.Hold(context.Background(), func(context.Context) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			held <- len(w.events)
			return nil
		})
	}()
	time.Sleep(20 * time.Millisecond)
	w.set(func(w *world) { w.lastAway = false })
	if n := <-held; n != 3 {
		t.Errorf("somebody was let in with %d events stored, want the 3 of the block that was begun", n)
	}
}

// TestASeededFolderGoesOnBehindEveryNumberThatWasGiven makes one of a state.
func TestASeededFolderGoesOnBehindEveryNumberThatWasGiven(t *testing.T) {
	w := newWorld()
	h := run(t, t.TempDir(), w)
	for i := range 5 {
		h.submit(batch(fmt.Sprint(i), 2))
	}
	s, err := h.Still(t.Context(), func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	h.stop()
	s.Next += 100 // given after the moment of the snapshot, and lost
	dir := filepath.Join(t.TempDir(), "intake")
	if err := Seed(dir, s); err != nil {
		t.Fatal(err)
	}
	if err := Seed(dir, s); err == nil {
		t.Error("a folder in use was seeded")
	}
	h = run(t, dir, w, func(d *Deps) { d.Now = time.Now })
	for i := range 5 {
		if r := h.submit(batch(fmt.Sprint(i), 2)); r.Duplicate != (time.Since(testNow) < 24*time.Hour) {
			t.Errorf("batch %d sent again: %+v", i, r)
		}
	}
	r := h.submit(batch("new", 1))
	if r.First < s.Next {
		t.Errorf("number %d was given again", r.First)
	}
}

func valueOf(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
