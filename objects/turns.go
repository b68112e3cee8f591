package objects

import (
	"context"
	"sync"
)

// Turns gives things that have names to one caller at a time. Callers wait for
// their turn as long as their context lets them. The zero value is ready.
type Turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn ends
}

// Take waits until nobody has any of the names, and then has all of them until
// release is called. The error is the context's.
func (t *Turns) Take(ctx context.Context, names ...string) (release func(), err error) {
	mine := make(chan struct{})
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		other := t.try(mine, names)
		if other == nil {
			return func() { t.end(mine, names) }, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
		}
	}
}

// try takes all of the names, or returns what ends when one of them may be free.
func (t *Turns) try(mine chan struct{}, names []string) (other <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		if turn, taken := t.taken[name]; taken {
			return turn
		}
	}
	if t.taken == nil {
		t.taken = map[string]chan struct{}{}
	}
	for _, name := range names {
		t.taken[name] = mine
	}
	return nil
}

func (t *Turns) end(mine chan struct{}, names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		delete(t.taken, name)
	}
	close(mine)
}
