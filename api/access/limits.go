package access

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound how many calls a second a caller makes. Callers are told apart by their
// keys, so that one that asks too much takes nothing from the others.
type Limits struct {
	each float64
	now  func() time.Time

	mu sync.Mutex
	of map[string]*rate.Limiter
}

// burst is how many seconds' worth of calls may come at once.
const burst = 2

// NewLimits makes Limits: each key may make so many calls a second, unless its own rate
// says otherwise; 0: as many as it likes.
func NewLimits(each float64, now func() time.Time) *Limits {
	return &Limits{each: each, now: now, of: map[string]*rate.Limiter{}}
}

// Take is 0 where the caller may make another call now, and else how long it is to wait.
func (l *Limits) Take(c Caller) time.Duration {
	per := l.each
	if c.Rate > 0 {
		per = c.Rate
	}
	if per <= 0 {
		return 0
	}
	now := l.now()
	r := l.limiter(c.ID, per).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

func (l *Limits) limiter(id string, per float64) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	x, ok := l.of[id]
	if !ok || float64(x.Limit()) != per {
		x = rate.NewLimiter(rate.Limit(per), max(1, int(burst*per)))
		l.of[id] = x
	}
	return x
}

// Keep forgets the callers that are not among those given.
func (l *Limits) Keep(is func(id string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.of {
		if !is(id) {
			delete(l.of, id)
		}
	}
}
