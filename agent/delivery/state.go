package delivery

import (
	"errors"
	"time"

	"nightjar/agent"
)

// gone says, once, that the server takes nothing.
func (s *Sender) gone(reason string) {
	s.mu.Lock()
	first := s.away.since.IsZero()
	if first {
		s.away.since = time.Now()
	}
	s.away.reason = reason
	s.mu.Unlock()
	if first {
		s.config.Log.Warn("the server does not take events; they wait", "server", s.config.Server, "reason", reason)
	}
}

// back says that it takes them again.
func (s *Sender) back() {
	s.mu.Lock()
	since := s.away.since
	s.away = away{}
	waiting := s.waiting
	s.mu.Unlock()
	if !since.IsZero() {
		s.config.Log.Info("the server takes events again", "after", time.Since(since).Round(time.Second), "waiting", waiting)
	}
}

// trouble says, once, what is wrong with the spool.
func (s *Sender) trouble(what string, err error) {
	s.mu.Lock()
	first := s.disk != err.Error()
	s.disk, s.full = err.Error(), errors.Is(err, errFull)
	s.mu.Unlock()
	if first {
		s.config.Log.Warn(what, "folder", s.config.Spool, "reason", err)
	}
}

// calm says that the spool takes batches again.
func (s *Sender) calm() {
	s.mu.Lock()
	again := s.disk != ""
	s.disk, s.full = "", false
	s.mu.Unlock()
	if again {
		s.config.Log.Info("the spool takes events again", "folder", s.config.Spool)
	}
}

// idle reports whether nothing waits for the server, reports included.
func (s *Sender) idle() bool {
	old, _ := s.spool.earlier()
	return old == 0 && s.spool.settledAll() && s.Counts().Waiting == 0
}

// Delivery is how it is with the way to the server.
func (s *Sender) Delivery() *agent.Delivery {
	old, syncs := s.spool.earlier()
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &agent.Delivery{
		Server: s.config.Server, Waiting: s.waiting, Earlier: uint64(old), Delivered: s.counts.Delivered,
		Spool: s.config.Spool, SpoolBytes: s.spool.log.Size(), SpoolLimit: s.config.SpoolBytes, Disk: s.disk,
		Syncs: syncs.Count, SyncTime: syncs.Took, LongestSync: syncs.Longest,
	}
	if !s.away.since.IsZero() {
		since := s.away.since
		d.AwaySince, d.Reason = &since, s.away.reason
	}
	return d
}
