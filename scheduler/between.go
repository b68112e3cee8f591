package scheduler

import (
	"context"
	"fmt"
	"runtime/debug"
)

// between has the goroutine that evaluates do something between two steps. Whoever
// asked is gone when ctx ends; what do writes is theirs only after it returned.
// A panic of do ends do, with an error, and nothing else.
func (s *Scheduler) between(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	select {
	case s.asks <- func() { done <- s.guarded(do) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done // do has the context, and ends with it
}

func (s *Scheduler) guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("what was asked of the scheduler panicked: %v", p)
			s.deps.Log.Error("what was asked between two steps of evaluation panicked; evaluation goes on", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return do()
}

// post has the goroutine that evaluates do something, in memory, before it does
// anything else; nobody waits for that.
func (s *Scheduler) post(do func()) {
	s.mu.Lock()
	s.posted = append(s.posted, do)
	s.mu.Unlock()
	s.notify()
}

// takePosted does what was posted.
func (s *Scheduler) takePosted() {
	s.mu.Lock()
	posted := s.posted
	s.posted = nil
	s.mu.Unlock()
	for _, do := range posted {
		do()
	}
}

// carryOutWaiting does what has been asked for between two steps.
func (s *Scheduler) carryOutWaiting() {
	for {
		select {
		case ask := <-s.asks:
			s.answer(ask)
		default:
			return
		}
	}
}

// answer does what was asked for, after what was posted before.
func (s *Scheduler) answer(ask func()) {
	s.takePosted()
	ask()
}
