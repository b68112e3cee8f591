package delivery

import (
	"context"

	"github.com/cenkalti/backoff/v5"
)

// deliverAll sends the spool, oldest first, and then what is offered beside it, until the
// context ends.
func (s *Sender) deliverAll(ctx context.Context) {
	for ctx.Err() == nil {
		grown := s.spool.log.Grown()
		b, last, damaged, err := s.spool.next()
		if err != nil {
			s.unreadable(ctx, err)
			continue
		}
		if damaged > 0 {
			s.lose(LostDamaged, damaged, s.spool.last)
		}
		if b != nil {
			s.deliverSpooled(ctx, b, last)
			continue
		}
		if b := s.direct.take(); b != nil {
			if s.deliver(ctx, b, true) {
				s.direct.finish()
			}
			continue
		}
		select {
		case <-ctx.Done():
		case <-grown:
		case <-s.direct.offered:
		}
	}
}

// deliverSpooled sends a batch of the spool, which lets go of it then.
func (s *Sender) deliverSpooled(ctx context.Context, b *batch, last uint64) {
	if !s.deliver(ctx, b, last >= s.spool.own) {
		return
	}
	if err := s.spool.settle(b, last); err != nil {
		s.config.Log.Error("the spool can't be written", "error", err)
	}
	signal(s.roomy)
}

// unreadable waits for a disk that does not answer, and after a while gives up what it
// does not give back. What that was is seen from the numbers of what follows.
func (s *Sender) unreadable(ctx context.Context, err error) {
	s.config.Log.Error("the spool can't be read; what can't be is given up", "error", err)
	pause(ctx, tryAgain)
	if err := s.spool.reader.SkipUnreadable(); err != nil {
		s.config.Log.Error("the spool can't be read", "error", err)
	}
}

// deliver sends a batch until the server has answered for every event in it, and reports
// whether it has: it tries until the context ends. own are those that were made in this
// run.
func (s *Sender) deliver(ctx context.Context, b *batch, own bool) bool {
	pauses := backoff.ExponentialBackOff{InitialInterval: s.config.Pause, Multiplier: 2, MaxInterval: s.config.MaxPause, RandomizationFactor: 0.2}
	for ctx.Err() == nil {
		answer := s.post(ctx, b)
		switch {
		case answer.taken:
			s.back()
			s.settled(b, own, "")
			return true
		case answer.refused:
			s.back()
			if parts := b.halves(); parts != nil {
				return s.deliver(ctx, parts[0], own) && s.deliver(ctx, parts[1], own)
			}
			s.config.Log.Error("the server refused an event", "reason", answer.reason, "batch", b.id)
			s.settled(b, own, LostRefused)
			return true
		case ctx.Err() == nil:
			s.gone(answer.reason)
		}
		pause(ctx, max(answer.after, pauses.NextBackOff()))
	}
	return false
}

// settled counts a batch as delivered, unless there is a cause for which it is lost.
func (s *Sender) settled(b *batch, own bool, lost string) {
	s.mu.Lock()
	n := uint64(b.events)
	if own {
		s.waiting -= n
	}
	if own && lost == "" {
		s.counts.Delivered += n
	}
	s.mu.Unlock()
	if lost != "" {
		s.lose(lost, n, s.spool.last)
	}
}

// lose counts events that were seen after a time, in ms since 1970.
func (s *Sender) lose(cause string, n uint64, after int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Lost[cause] += n
	if s.losses == 0 || after < s.losses {
		s.losses = max(after, 1)
	}
}

// lostAfter is the time after which the events were seen that were lost late, since it
// was asked last; zero if none were.
func (s *Sender) lostAfter() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.losses
}

// toldLosses forgets what lostAfter said.
func (s *Sender) toldLosses(after int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.losses == after {
		s.losses = 0
	}
}
