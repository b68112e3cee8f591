package signin

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Attempts at passwords: so many at once, and then one in such a time, by name and by
// address.
const (
	burst       = 5
	each        = 20 * time.Second
	maxAttempts = 10_000 // names and addresses that are remembered
)

// attempts bound how often passwords are tried.
type attempts struct {
	mu  sync.Mutex
	of  map[string]*rate.Limiter
	now func() time.Time
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{of: map[string]*rate.Limiter{}, now: now}
}

// take counts an attempt by each of the keys. wait is how long to wait where there were
// too many: then none is counted.
func (a *attempts) take(keys ...string) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if len(a.of) > maxAttempts {
		for key, l := range a.of {
			if l.TokensAt(now) >= burst {
				delete(a.of, key)
			}
		}
	}
	for _, key := range keys {
		if a.of[key] == nil {
			a.of[key] = rate.NewLimiter(rate.Every(each), burst)
		}
		if missing := 1 - a.of[key].TokensAt(now); missing > 0 {
			wait = max(wait, time.Duration(missing*float64(each)))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, key := range keys {
		a.of[key].AllowN(now, 1)
	}
	return 0
}

// forgive forgets the attempts of who got in.
func (a *attempts) forgive(keys ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range keys {
		delete(a.of, key)
	}
}
