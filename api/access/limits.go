package access

import (
	"maps"
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

// maxCallers is how many are remembered without looking whom one need not.
const maxCallers = 10_000

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
	r := l.limiter(c.ID, per, now).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// limiter is that of a caller. When there are many, those are forgotten who have not called
// for so long that it makes no difference: sessions come and go.
func (l *Limits) limiter(id string, per float64, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	x, ok := l.of[id]
	if !ok && len(l.of) >= maxCallers {
		maps.DeleteFunc(l.of, func(_ string, x *rate.Limiter) bool { return x.TokensAt(now) >= float64(x.Burst()) })
	}
	if !ok || float64(x.Limit()) != per {
		x = rate.NewLimiter(rate.Limit(per), max(1, int(burst*per)))
		l.of[id] = x
	}
	return x
}
