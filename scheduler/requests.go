package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// requests are what the goroutine that evaluates is asked to do between two steps.
type requests struct {
	log     *slog.Logger
	changed chan struct{} // buffered: there may be something to evaluate
	asks    chan func()   // whoever asks waits for the answer

	mu     sync.Mutex
	posted []func() // what it is to do first, which nobody waits for
}

func newRequests(log *slog.Logger) *requests {
	return &requests{log: log, changed: make(chan struct{}, 1), asks: make(chan func())}
}

// notify wakes the goroutine that evaluates.
func (r *requests) notify() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// between has the goroutine that evaluates do something between two steps. Whoever
// asked is gone when ctx ends; what do writes is theirs only after it returned.
// A panic of do ends do, with an error, and nothing else.
func (r *requests) between(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	select {
	case r.asks <- func() { done <- r.guarded(do) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done // do has the context, and ends with it
}

func (r *requests) guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("what was asked of the scheduler panicked: %v", p)
			r.log.Error("what was asked between two steps of evaluation panicked; evaluation goes on", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return do()
}

// post has the goroutine that evaluates do something, in memory, before it does
// anything else; nobody waits for that.
func (r *requests) post(do func()) {
	r.mu.Lock()
	r.posted = append(r.posted, do)
	r.mu.Unlock()
	r.notify()
}

// takePosted does what was posted.
func (r *requests) takePosted() {
	r.mu.Lock()
	posted := r.posted
	r.posted = nil
	r.mu.Unlock()
	for _, do := range posted {
		do()
	}
}

// carryOutWaiting does what has been asked for between two steps.
func (r *requests) carryOutWaiting() {
	for {
		select {
		case ask := <-r.asks:
			r.answer(ask)
		default:
			return
		}
	}
}

// answer does what was asked for, after what was posted before.
func (r *requests) answer(ask func()) {
	r.takePosted()
	ask()
}
