package scheduler

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"nightjar/schema"
)

// attention tells since when, without a break, this process has been awake and
// has turned no sender away: only what did not arrive in such a time was not
// sent. It also tells which arrivals were there at a moment.
type attention struct {
	deps *Deps

	mu         sync.Mutex
	looked     bool
	wall       time.Time
	mono       time.Duration
	turnedAway uint64
	lapses     []lapse // oldest first, each longer than those after it
	marks      []mark  // oldest first
	doubt      doubt
}

// lapse is a break in the attention, which ended at a moment.
type lapse struct {
	ended  time.Time
	length time.Duration
	why    string
}

// mark is the last arrival that was acknowledged before a moment.
type mark struct {
	seq uint64
	at  time.Time
}

const (
	// lookEvery is how often attention is proven.
	lookEvery = 500 * time.Millisecond
	// shortestLapse is the longest pause between two looks that is none.
	shortestLapse = time.Second
	// maxMarks bounds the marks; beyond, every second one goes.
	maxMarks = 4096
	// endless is the length of a lapse in which senders were not heard at all.
	endless = time.Duration(math.MaxInt64)
)

// stayAwake looks at the clock until the context ends. It does nothing else, so
// that only a process that stands still, or has no time, misses a look.
func (a *attention) stayAwake(ctx context.Context) {
	started := time.Now()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		a.prove(time.Since(started))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// prove asks the clock before it asks what has arrived: what arrived before the
// moment is then among it.
func (a *attention) prove(mono time.Duration) {
	now := a.deps.Now()
	a.look(now, mono, a.deps.Arrivals.Acknowledged(), a.deps.TurnedAway())
}

// look proves that the process is awake: at this time of the clock and of a
// steady one, with everything up to acknowledged arrived before the former, and
// so many senders turned away until now.
func (a *attention) look(wall time.Time, mono time.Duration, acknowledged, turnedAway uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wall = wall.Round(0)
	elapsed := mono - a.mono
	moved := wall.Sub(a.wall) - elapsed
	switch {
	case !a.looked:
		a.lapse(wall, endless, "the engine was started")
	case moved > shortestLapse || moved < -shortestLapse:
		a.lapse(wall, endless, fmt.Sprintf("the clock was moved by %s", moved.Round(time.Millisecond)))
		a.marks = nil
		a.doubt.moved(moved, wall)
	case turnedAway > a.turnedAway:
		a.lapse(wall, endless, "the intake had to turn senders away")
	case elapsed > shortestLapse:
		a.lapse(wall, elapsed, fmt.Sprintf("the engine stood still for %s", elapsed.Round(time.Millisecond)))
	}
	a.looked, a.wall, a.mono, a.turnedAway = true, wall, mono, turnedAway
	a.doubt.look(acknowledged, wall)
	a.mark(acknowledged, wall)
}

func (a *attention) lapse(ended time.Time, length time.Duration, why string) {
	for len(a.lapses) > 0 && a.lapses[len(a.lapses)-1].length <= length {
		a.lapses = a.lapses[:len(a.lapses)-1]
	}
	a.lapses = append(a.lapses, lapse{ended, length, why})
}

func (a *attention) mark(seq uint64, at time.Time) {
	if n := len(a.marks); n > 0 && a.marks[n-1].seq == seq {
		a.marks[n-1].at = at
		return
	}
	if len(a.marks) >= maxMarks {
		kept := a.marks[:0]
		for i := 1; i < len(a.marks); i += 2 {
			kept = append(kept, a.marks[i])
		}
		a.marks = kept
	}
	a.marks = append(a.marks, mark{seq, at})
}

// horizon is up to when silence can be judged by who has evaluated every arrival
// up to through, so long behind the clock; not ok says that it cannot move yet,
// and why.
func (a *attention) horizon(through uint64, delay time.Duration) (at schema.Millis, ok bool, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var evaluated time.Time
	for i := len(a.marks) - 1; i >= 0 && evaluated.IsZero(); i-- {
		if a.marks[i].seq <= through {
			evaluated = a.marks[i].at
		}
	}
	if evaluated.IsZero() {
		return 0, false, "the rule has not caught up"
	}
	for i := len(a.lapses) - 1; i >= 0; i-- {
		if b := a.lapses[i]; b.length > max(shortestLapse, delay/4) {
			if evaluated.Sub(b.ended) < delay {
				return 0, false, fmt.Sprintf("%s at %s", b.why, schema.MillisOf(b.ended))
			}
			break
		}
	}
	if a.doubt.stands(delay, a.wall) {
		return 0, false, fmt.Sprintf("the clock was moved ahead by %s, and no event is as new as it says", a.doubt.offset.Round(time.Millisecond))
	}
	return schema.MillisOf(evaluated.Add(-delay)), true, ""
}

// saw takes in how long after its own time an event arrived, by the clock.
func (a *attention) saw(delay time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.doubt.saw(delay, a.wall)
}
