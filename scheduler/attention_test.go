package scheduler

import (
	"strings"
	"testing"
	"time"

	"nightjar/schema"
)

// watchful is an attention on a clock of its own.
type watchful struct {
	attention
	wall      time.Time
	mono      time.Duration
	seq, away uint64
	delay     time.Duration
}

func newWatchful() *watchful {
	return &watchful{wall: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), delay: 2 * time.Minute}
}

// pass lets time go by in steps of half a second.
func (w *watchful) pass(d time.Duration) {
	for ; d > 0; d -= lookEvery {
		w.wall, w.mono = w.wall.Add(lookEvery), w.mono+lookEvery
		w.see()
	}
}

func (w *watchful) see() { w.look(w.wall, w.mono, w.seq, w.away) }

// behind is how far behind the clock silence can be judged by who has evaluated
// everything; 0: not at all.
func (w *watchful) behind() (time.Duration, string) {
	at, ok, why := w.horizon(w.seq, w.delay)
	if !ok {
		return 0, why
	}
	return w.wall.Sub(at.Time()), why
}

// TestSilenceIsJudgedADelayBehindTheClock begins to, when the engine was there
// for as long without a break, and begins anew after each.
func TestSilenceIsJudgedADelayBehindTheClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		lapse func(*watchful)
		why   string
	}{
		{"a start", func(*watchful) {}, "the engine was started"},
		{"a sender who was turned away", func(w *watchful) { w.away++ }, "turn senders away"},
		{"a process that was stopped", func(w *watchful) { w.wall, w.mono = w.wall.Add(3*time.Minute), w.mono+3*time.Minute }, "stood still for 3m"},
		{"a clock moved ahead", func(w *watchful) { w.wall = w.wall.Add(time.Hour) }, "the clock was moved by 1h"},
		{"a clock moved back", func(w *watchful) { w.wall = w.wall.Add(-time.Hour) }, "the clock was moved by -1h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWatchful()
			w.see()
			if c.name != "a start" {
				w.pass(10 * time.Minute)
				if behind, why := w.behind(); behind != w.delay {
					t.Fatalf("before it, silence is judged %s behind the clock: %s", behind, why)
				}
				c.lapse(w)
				w.wall, w.mono = w.wall.Add(lookEvery), w.mono+lookEvery
				w.see()
			}
			w.pass(w.delay - lookEvery)
			if behind, why := w.behind(); behind != 0 || !strings.Contains(why, c.why) {
				t.Errorf("before the delay has passed, silence is judged %s behind, held because %q; want it held because %q", behind, why, c.why)
			}
			w.pass(lookEvery)
			if behind, why := w.behind(); behind != w.delay {
				t.Errorf("after the delay, silence is judged %s behind the clock: %s", behind, why)
			}
		})
	}
}

// TestAShortPauseIsNoBreakForALongDelay: events that come late by it are waited
// for anyway.
func TestAShortPauseIsNoBreakForALongDelay(t *testing.T) {
	t.Parallel()
	w := newWatchful()
	w.see()
	w.pass(10 * time.Minute)
	w.wall, w.mono = w.wall.Add(20*time.Second), w.mono+20*time.Second
	w.see()
	if behind, why := w.behind(); behind != w.delay {
		t.Errorf("a pause of 20 s holds back a delay of 2 min: %s %s", behind, why)
	}
	w.delay = 10 * time.Second
	if behind, _ := w.behind(); behind != 0 {
		t.Error("a pause of 20 s does not hold back a delay of 10 s")
	}
}

// TestSilenceIsJudgedAsOfWhatWasEvaluated: a rule that is behind judges from when
// what it has evaluated was all there was.
func TestSilenceIsJudgedAsOfWhatWasEvaluated(t *testing.T) {
	t.Parallel()
	w := newWatchful()
	w.seq = 10
	w.see()
	w.pass(10 * time.Minute)
	then := w.wall
	w.seq = 20
	w.pass(time.Minute)
	at, ok, why := w.horizon(15, w.delay)
	if !ok || at != schema.MillisOf(then.Add(-w.delay)) {
		t.Errorf("evaluated through 15: judged through %s (%v, %s), want %s", at, ok, why, schema.MillisOf(then.Add(-w.delay)))
	}
	if _, ok, why := w.horizon(9, w.delay); ok || why != "the rule has not caught up" {
		t.Errorf("evaluated through 9, before all that is known: %v, %s", ok, why)
	}
}

// TestMarksAreBounded keeps what is asked for through thinning: the moments only
// become coarser, and never too late.
func TestMarksAreBounded(t *testing.T) {
	t.Parallel()
	w := newWatchful()
	at := map[uint64]schema.Millis{}
	for w.seq = 1; w.seq < 3*maxMarks; w.seq++ {
		at[w.seq] = schema.MillisOf(w.wall.Add(lookEvery))
		w.pass(lookEvery)
	}
	if len(w.marks) > maxMarks {
		t.Fatalf("%d marks", len(w.marks))
	}
	w.delay = time.Minute
	asked := 0
	for seq := uint64(500); seq < w.seq-1; seq += 97 {
		got, ok, why := w.horizon(seq, w.delay)
		if !ok {
			continue // held since the start, for the first of them
		}
		asked++
		if late := got.Add(w.delay) - at[seq]; late > schema.Millis(lookEvery.Milliseconds()) {
			t.Fatalf("through %d: judged %d ms too far (%s)", seq, late, why)
		}
	}
	if asked < 100 {
		t.Errorf("only %d answers", asked)
	}
}
