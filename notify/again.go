package notify

import (
	"context"
	"fmt"

	"nightjar/schema"
)

// NotAgainError refuses to tell something again that neither failed nor waits.
type NotAgainError struct {
	ID    string
	State State
}

func (e *NotAgainError) Error() string {
	return fmt.Sprintf("%s is %s: what failed is told again, or what waits for its next attempt", e.ID, e.State)
}

// Again tells at once what failed for good or waits for its next attempt, with all that
// goes under its key and stands the same, and returns how many that are. Not ok: there is
// no such news.
//
// Of what is asked for at one moment, one is done after the other: the second finds what the
// first has made of it, and it is told once.
func (s *Sender) Again(ctx context.Context, target, id string) (n int, ok bool, err error) {
	release, err := s.again.Take(ctx, target)
	if err != nil {
		return 0, false, err
	}
	defer release()
	first, ok, err := s.deps.Store.Named(ctx, target, id)
	if err != nil || !ok {
		return 0, ok, err
	}
	if first.State != Failed && first.State != Waiting {
		return 0, true, &NotAgainError{ID: id, State: first.State}
	}
	all := []News{first}
	if first.Digest != "" {
		if all, err = s.deps.Store.InDigest(ctx, target, first.Digest); err != nil {
			return 0, true, err
		}
	}
	var again []News
	for _, o := range all {
		if o.State == first.State {
			again = append(again, o)
		}
	}
	if first.State == Failed {
		now := schema.MillisOf(s.deps.Now())
		for i := range again {
			again[i].State, again[i].Due = Waiting, now
			again[i].Version++
		}
		if err := s.deps.Store.Put(ctx, again); err != nil {
			return 0, true, err
		}
		s.mu.Lock()
		life := s.life
		s.mu.Unlock()
		s.Wake(life, again) // before Run began, it reads them itself
	}
	// What waits is in its queue. Were it put there again, it would be told twice where it has
	// been told since it was read.
	s.hurry(target, again)
	return len(again), true, nil
}

// hurry has a queue not wait for the next attempt at these.
func (s *Sender) hurry(target string, news []News) {
	s.mu.Lock()
	q := s.queues[target]
	s.mu.Unlock()
	if q == nil { // Run has not begun, and nothing waits
		return
	}
	q.mu.Lock()
	for _, n := range news {
		delete(q.retry, n.ID)
	}
	q.mu.Unlock()
	for _, wake := range []chan struct{}{q.wake, q.hurried} {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}
