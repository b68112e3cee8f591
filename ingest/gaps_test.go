package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// soon tries blocks that were set aside again after a moment.
func soon(d *Deps) {
	d.Now = time.Now
	d.Config.RetryAside, d.Config.Insert = time.Millisecond, 50*time.Millisecond
}

// counted is the metric of lost events.
func (h *harness) counted() float64 {
	families, err := h.deps.Metrics.(*prometheus.Registry).Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "nightjar_ingest_events_lost_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return -1
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// once wants every event of the batches stored once.
func (w *world) once(t *testing.T, want int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]int{}
	for _, e := range w.events {
		if seen[e.Message]++; seen[e.Message] > 1 {
			t.Errorf("%s is stored twice", e.Message)
		}
	}
	if len(seen) != want {
		t.Errorf("%d events are stored, want %d", len(seen), want)
	}
}

// TestABlockThatIsTooMuchStopsNobody: the others are stored, the status names it, a
// restart finds it, and when it is no longer too much it is stored once.
func TestABlockThatIsTooMuchStopsNobody(t *testing.T) {
	for _, kind := range []string{"too much", "never ends"} {
		t.Run(kind, func(t *testing.T) {
			w, dir := newWorld(), t.TempDir()
			poison := func(w *world) { w.heavy = "heavy" }
			if kind == "never ends" {
				poison = func(w *world) { w.hangs = "heavy" }
			}
			w.set(poison)
			h := run(t, dir, w, soon)
			h.submit(batch("before", 5))
			h.await()
			heavy := h.submit(batch("heavy", 7))
			eventually(t, "it is set aside", func() bool { return len(h.Gaps()) == 1 })
			h.submit(batch("after", 30))
			h.await()
			w.once(t, 35)
			for restarts := range 3 {
				g := h.Gaps()
				if len(g) != 1 || g[0].First > heavy.First || g[0].Last < heavy.Last || g[0].State != GapAside || g[0].IsAccepted() || g[0].Seen == 0 {
					t.Fatalf("after %d restarts: gaps %+v, want one of %d to %d", restarts, g, heavy.First, heavy.Last)
				}
				if h.Backlog() == 0 {
					t.Error("what is set aside does not count as waiting")
				}
				h.submit(batch(fmt.Sprint("more", restarts), 3))
				h.await()
				h.stop()
				h = run(t, dir, w, soon)
			}
			if err := h.AcceptLoss("me", "seen"); err != nil {
				t.Fatal(err)
			}
			h.stop()
			h = run(t, dir, w, soon)
			if g := h.Gaps(); len(g) != 1 || !g[0].IsAccepted() || g[0].Accepted.By != "me" || g[0].Accepted.Comment != "seen" {
				t.Errorf("acknowledged: %+v", g)
			}
			w.set(func(w *world) { w.heavy, w.hangs = "", "" })
			eventually(t, "it is stored", func() bool { g := h.Gaps(); return len(g) == 1 && g[0].State == GapStored })
			w.once(t, 51)
			h.stop()
			h = run(t, dir, w, soon)
			g := h.Gaps()
			if len(g) != 1 || g[0].State != GapStored {
				t.Fatalf("stored and not evaluated, after a restart: %+v", g)
			}
			if err := h.Evaluated(g[0].First); err != nil || len(h.Gaps()) != 0 {
				t.Errorf("evaluated: %v, gaps %+v", err, h.Gaps())
			}
			h.stop()
			h = run(t, dir, w, soon)
			h.await()
			w.once(t, 51)
			if len(h.Gaps()) != 0 || h.Lost() != 0 || h.Backlog() != 0 {
				t.Errorf("in the end: gaps %+v, lost %d, backlog %d", h.Gaps(), h.Lost(), h.Backlog())
			}
		})
	}
}

// TestASingleEventIsSetAsideAndTheOthersOfItsBlockAreStored: what is tried again gets
// smaller, until only what is too much by itself waits.
func TestASingleEventIsSetAsideAndTheOthersOfItsBlockAreStored(t *testing.T) {
	w := newWorld()
	w.heavy = "b-4"
	h := run(t, t.TempDir(), w, soon)
	h.submit(batch("b", 7))
	eventually(t, "all but one are stored", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.events) >= 4 })
	w.set(func(w *world) { w.heavy = "" })
	eventually(t, "it is stored", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.events) == 7 })
	w.once(t, 7)
}

// TestWhatABackupIsWithoutIsALossOfTheRestored, as is what was lost before.
func TestWhatABackupIsWithoutIsALossOfTheRestored(t *testing.T) {
	w := newWorld()
	w.heavy = "heavy"
	h := run(t, t.TempDir(), w, soon)
	h.submit(batch("a", 4))
	h.await()
	h.losses.add(Loss{First: 2, Last: 3, Reason: "gone"})
	h.submit(batch("heavy", 5))
	eventually(t, "it is set aside", func() bool { return len(h.Gaps()) == 2 && h.Stored() == 9 })
	s, err := h.Still(t.Context(), func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	h.stop()
	dir := filepath.Join(t.TempDir(), "intake")
	if err := Seed(dir, s); err != nil {
		t.Fatal(err)
	}
	h = run(t, dir, w, soon)
	gaps := h.Gaps()
	if h.Lost() != 7 || len(gaps) != 2 || gaps[1].State != GapLost || gaps[1].First != 5 || gaps[1].Last != 9 {
		t.Errorf("%d events are lost: %+v", h.Lost(), gaps)
	}
}

// TestASetAsideBlockCutShortByACrash has the file and not yet the checkpoint: the
// events are in the log, and are stored once.
func TestASetAsideBlockCutShortByACrash(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	w.away = true
	h := run(t, dir, w, soon)
	h.submit(batch("a", 5))
	events := batch("a", 5).Events
	for i := range events {
		events[i].Seq, events[i].Seen = uint64(i+1), events[i].At
	}
	if err := h.aside.put(events, ErrTooMuch); err != nil {
		t.Fatal(err)
	}
	h.stop()
	w.set(func(w *world) { w.away = false })
	h = run(t, dir, w, soon)
	h.await()
	w.once(t, 5)
	if len(h.Gaps()) != 0 {
		t.Errorf("gaps %+v", h.Gaps())
	}
}

func TestADamagedFileOfWhatWasSetAsideIsALoss(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	w.heavy = "heavy"
	h := run(t, dir, w, soon)
	h.submit(batch("heavy", 5))
	eventually(t, "it is set aside", func() bool { return len(h.Gaps()) == 1 })
	h.stop()
	files, _ := filepath.Glob(filepath.Join(dir, "aside", "*.events"))
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], content[:len(content)-30], 0o600); err != nil {
		t.Fatal(err)
	}
	w.set(func(w *world) { w.heavy = "" })
	for range 3 {
		h = run(t, dir, w, soon)
		eventually(t, "it is said", func() bool { g := h.Gaps(); return len(g) == 1 && g[0].State == GapLost && g[0].Events == 5 })
		if h.Lost() != 5 || h.counted() != 5 {
			t.Errorf("lost %d, counted %v, want 5", h.Lost(), h.counted())
		}
		h.stop()
	}
}

// TestWhatTheLogLostIsSaid damages real files of the log, and wants each loss told
// with its numbers, counted once, and still there after restarts, until somebody
// knows of it; the counter stays.
func TestWhatTheLogLostIsSaid(t *testing.T) {
	segments := func(t *testing.T, dir string) []string {
		files, err := filepath.Glob(filepath.Join(dir, "log", "*.wal"))
		if err != nil || len(files) < 4 {
			t.Fatalf("%d segments (%v)", len(files), err)
		}
		slices.Sort(files)
		return files
	}
	must := func(t *testing.T, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	damages := map[string]func(t *testing.T, dir string){
		"a segment in the middle is missing": func(t *testing.T, dir string) { must(t, os.Remove(segments(t, dir)[1])) },
		"the oldest segment is missing":      func(t *testing.T, dir string) { must(t, os.Remove(segments(t, dir)[0])) },
		"the newest segment is missing": func(t *testing.T, dir string) {
			s := segments(t, dir)
			must(t, os.Remove(s[len(s)-1]))
		},
		"all segments are missing": func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "log"))) },
		"the tail is cut off": func(t *testing.T, dir string) {
			s := segments(t, dir)
			must(t, os.Truncate(s[len(s)-1], 200))
		},
		"a record is damaged": func(t *testing.T, dir string) {
			s := segments(t, dir)
			content, err := os.ReadFile(s[1])
			must(t, err)
			content[len(content)/2] ^= 0xff
			must(t, os.WriteFile(s[1], content, 0o600))
		},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			w, dir := newWorld(), t.TempDir()
			h := run(t, dir, w)
			h.submit(batch("stored", 5))
			h.await()
			w.set(func(w *world) { w.away = true })
			sent := 5
			for i := range 40 {
				h.submit(batch(fmt.Sprint("x", i), 5))
				sent += 5
			}
			h.stop()
			damage(t, dir)
			w.set(func(w *world) { w.away = false })
			for restarts := range 3 {
				h = run(t, dir, w)
				h.submit(batch(fmt.Sprint("later", restarts), 2))
				sent += 2
				h.await()
				w.mu.Lock()
				lost := uint64(sent - len(w.events))
				have := map[uint64]bool{}
				for _, e := range w.events {
					have[e.Seq] = true
				}
				w.mu.Unlock()
				var said uint64
				for _, g := range h.Gaps() {
					if said += g.Events; g.State != GapLost || g.Reason == "" || g.Since == 0 || g.IsAccepted() {
						t.Errorf("gap %+v", g)
					}
					for seq := g.First; seq <= g.Last; seq++ {
						if have[seq] {
							t.Errorf("event %d is said to be lost, and is stored", seq)
						}
					}
				}
				if lost == 0 || said != lost || h.Lost() != lost || h.counted() != float64(lost) {
					t.Fatalf("after %d restarts: %d are lost, %d said, %d counted (%v)", restarts, lost, said, h.Lost(), h.counted())
				}
				h.stop()
			}
			h = run(t, dir, w)
			lost := h.Lost()
			must(t, h.AcceptLoss("me", "a comment"))
			h.stop()
			h = run(t, dir, w)
			for _, g := range h.Gaps() {
				if !g.IsAccepted() {
					t.Errorf("acknowledged, and yet: %+v", g)
				}
			}
			if h.Lost() != lost {
				t.Errorf("%d counted after it was acknowledged, want %d", h.Lost(), lost)
			}
			record, _ := os.ReadFile(filepath.Join(dir, "losses.jsonl"))
			if !strings.Contains(string(record), "a comment") {
				t.Error("the record does not say who acknowledged it")
			}
		})
	}
}

// TestNumbersThatNobodyWasGivenAreNoLoss: numbering skips where ClickHouse is ahead.
func TestNumbersThatNobodyWasGivenAreNoLoss(t *testing.T) {
	w, dir := newWorld(), t.TempDir()
	h := run(t, dir, w)
	h.submit(batch("a", 5))
	h.await()
	h.stop()
	ahead := batch("elsewhere", 1).Events
	ahead[0].Seq = 500
	w.set(func(w *world) { w.events = append(w.events, ahead...) })
	for i := range 3 {
		h = run(t, dir, w)
		eventually(t, "it knows", func() bool { return h.Acknowledged() >= 500 })
		h.submit(batch(fmt.Sprint("b", i), 5))
		h.await()
		if h.Lost() != 0 || len(h.Gaps()) != 0 {
			t.Errorf("lost %d, gaps %+v", h.Lost(), h.Gaps())
		}
		h.stop()
	}
}
