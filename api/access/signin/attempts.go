package signin

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// bound is how many attempts there may be at once, and how long until there may be another.
type bound struct {
	burst int
	each  time.Duration
}

// Attempts at passwords, for one name, and from one address: many people may be behind one.
var (
	byName    = bound{burst: 5, each: 20 * time.Second}
	byAddress = bound{burst: 50, each: 2 * time.Second}
)

// maxAttempts is how many names, and how many addresses, are remembered.
const maxAttempts = 10_000

// attempts bound how often passwords are tried.
type attempts struct {
	now func() time.Time

	mu        sync.Mutex
	names     map[string]*rate.Limiter
	addresses map[string]*rate.Limiter
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{names: map[string]*rate.Limiter{}, addresses: map[string]*rate.Limiter{}, now: now}
}

// take counts an attempt. wait is how long to wait where there were too many: then it is
// not counted.
func (a *attempts) take(name, address string) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	ofName, ofAddress := byName.of(a.names, name, now), byAddress.of(a.addresses, address, now)
	wait = max(byName.wait(ofName, now), byAddress.wait(ofAddress, now))
	if wait == 0 {
		ofName.AllowN(now, 1)
		ofAddress.AllowN(now, 1)
	}
	return wait
}

// of is the limiter of a key. Those that are full again are forgotten when there are many.
func (b bound) of(all map[string]*rate.Limiter, key string, now time.Time) *rate.Limiter {
	if l := all[key]; l != nil {
		return l
	}
	if len(all) >= maxAttempts {
		maps.DeleteFunc(all, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(b.burst) })
	}
	l := rate.NewLimiter(rate.Every(b.each), b.burst)
	all[key] = l
	return l
}

func (b bound) wait(l *rate.Limiter, now time.Time) time.Duration {
	return max(0, time.Duration((1-l.TokensAt(now))*float64(b.each)))
}

// forgive forgets the attempts at the name of who got in.
func (a *attempts) forgive(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.names, name)
}
