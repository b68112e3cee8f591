package scheduler

import (
	"context"
	"slices"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Progress is what the status says of evaluation.
type Progress struct {
	// Through is the last arrival that every running rule was evaluated over.
	Through uint64
	// CaughtUp is true when Through covers everything acknowledged by now, and no
	// event before it is missing, or somebody knows of those that are.
	CaughtUp bool
	// Lag is how long what is not evaluated has been waiting.
	Lag time.Duration
	// Rules, Failing and Unsupported count enabled rules.
	Rules, Failing, Unsupported int
}

// Progress tells how far evaluation has come.
func (s *Status) Progress() Progress { return s.inForce.progress() }

func (f *inForce) progress() Progress {
	acknowledged := f.deps.Arrivals.Acknowledged()
	f.mu.Lock()
	defer f.mu.Unlock()
	p := Progress{Through: f.deps.Arrivals.Stored()}
	correlated := true
	for _, w := range f.runs {
		if !w.runnable() {
			p.Unsupported++
			continue
		}
		p.Rules++
		if w.failures > 0 {
			p.Failing++
		}
		if w.plan.OfSignals {
			correlated = correlated && (w.finished() || w.through >= w.target(f.publishing.given()))
			continue
		}
		if !w.finished() && w.through < p.Through {
			p.Through = min(p.Through, w.through)
		}
	}
	gaps := slices.DeleteFunc(f.fillings.gaps(), func(g Gap) bool { return g.Accepted })
	p.CaughtUp = f.loaded && p.Through >= acknowledged && correlated && len(gaps) == 0 && !f.asides.anyGoesOn()
	p.Lag = f.lag(p, gaps, time.Now())
	return p
}

// firstBehind is the arrival up to which all is evaluated.
func (f *inForce) firstBehind(stored uint64) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.runs {
		if w.runnable() && !w.plan.OfSignals && !w.finished() {
			stored = min(stored, w.through)
		}
	}
	return stored
}

// behindSince finds since when the first event waits that the process before this
// one did not evaluate; zero: that is not known.
func (f *inForce) behindSince(ctx context.Context) time.Time {
	stored := f.deps.Arrivals.Stored()
	first := f.firstBehind(stored)
	if first == stored {
		return time.Time{}
	}
	ofAnyTime := []compiler.Match{{At: schema.MinMillis, Seq: first + 1}, {At: schema.MaxMillis, Seq: first + 1}}
	events, err := f.deps.Events.Fetch(ctx, ofAnyTime)
	if err != nil {
		f.deps.Log.Warn("cannot read the first event that was not evaluated; the lag counts from now", "arrival", first+1, "error", err)
	} else if len(events) > 0 {
		return events[0].Seen.Time()
	}
	return time.Time{}
}

// lag is how long the oldest event that is not evaluated has been there: as far
// as it is in memory, and otherwise since it was first seen to be behind. What is
// lost is not waited for. The lock is held.
func (f *inForce) lag(p Progress, gaps []Gap, now time.Time) time.Duration {
	gaps = slices.DeleteFunc(gaps, func(g Gap) bool { return g.Lost })
	if p.CaughtUp || p.Through >= f.deps.Arrivals.Acknowledged() && len(gaps) == 0 && !f.asides.anyGoesOn() {
		f.behind = time.Time{}
		return 0
	}
	if f.behind.IsZero() {
		f.behind = now
	}
	since := f.behind
	for _, g := range gaps {
		if seen := g.Seen.Time(); seen.Before(since) {
			since = seen
		}
	}
	since = f.asides.oldest(since)
	if f.deps.Recent != nil {
		if e := f.deps.Recent.find(p.Through + 1); e != nil && e.Seen.Time().Before(since) {
			since = e.Seen.Time()
		}
	}
	return now.Sub(since)
}
