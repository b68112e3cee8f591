package ingest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"nightjar/schema"
)

// ClockSkew is a source and host whose events are steadily ahead of the clock or
// behind it: every one since Since, and the last at Last.
type ClockSkew struct {
	Source, Host string
	Since, Last  time.Time
	// Events is how many, and NotEvaluated how many of them rules did not see,
	// being behind by more than the lateness allowance.
	Events, NotEvaluated uint64
	// Behind is by how much the last event was behind its arrival; negative: ahead.
	Behind time.Duration
}

// SourceTimes counts the events of a source whose time could not be read.
type SourceTimes struct {
	Source string
	Events uint64
	Last   time.Time
}

// clocks observes the clocks of senders. It remembers those that are off, and of
// them no more than maxClocks; events that are on time cost a comparison.
type clocks struct {
	mu      sync.Mutex
	off     map[clockKey]*ClockSkew
	times   map[string]*SourceTimes
	evicted uint64
}

type clockKey struct{ source, host string }

const (
	// maxClocks and maxSources bound what is remembered; beyond, those that were
	// longest silent are forgotten, and counted.
	maxClocks  = 2_000
	maxSources = 500
	// offBy is how far from its arrival an event must be for its clock to be off.
	offBy = 10 * time.Minute
	// skewKept is how long a clock that was off is told of after its last event.
	skewKept = 24 * time.Hour
)

// watch compares the times that events claim with the clock, before any is moved.
func (c *clocks) watch(events []schema.Event, seen schema.Millis, lateness time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range events {
		e := &events[i]
		behind := time.Duration(seen-e.At) * time.Millisecond
		if e.At < schema.MinMillis || e.At > schema.MaxMillis {
			continue // a number that is no time says nothing of a clock
		}
		switch {
		case behind > offBy || behind < -offBy:
			c.isOff(e, seen, behind, lateness > 0 && behind > lateness)
		case len(c.off) > 0:
			delete(c.off, clockKey{e.Source, e.Host})
		}
	}
}

func (c *clocks) isOff(e *schema.Event, seen schema.Millis, behind time.Duration, late bool) {
	key := clockKey{e.Source, e.Host}
	s := c.off[key]
	if s == nil || seen.Time().Sub(s.Last) > skewKept {
		if s == nil && len(c.off) >= maxClocks {
			c.evict()
		}
		s = &ClockSkew{Source: e.Source, Host: e.Host, Since: seen.Time()}
		if c.off == nil {
			c.off = map[clockKey]*ClockSkew{}
		}
		c.off[key] = s
	}
	s.Events++
	s.Last, s.Behind = seen.Time(), behind
	if late {
		s.NotEvaluated++
	}
}

// evict forgets the half that was longest silent.
func (c *clocks) evict() {
	keys := make([]clockKey, 0, len(c.off))
	for key := range c.off {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b clockKey) int { return c.off[a].Last.Compare(c.off[b].Last) })
	for _, key := range keys[:len(keys)/2] {
		delete(c.off, key)
		c.evicted++
	}
}

// unreadable counts times that could not be read.
func (c *clocks) unreadable(bySource map[string]int, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for source, n := range bySource {
		t := c.times[source]
		if t == nil && len(c.times) >= maxSources {
			source = others
			t = c.times[source]
		}
		if t == nil {
			t = &SourceTimes{Source: source}
			if c.times == nil {
				c.times = map[string]*SourceTimes{}
			}
			c.times[source] = t
		}
		t.Events += uint64(n)
		t.Last = now
	}
}

// others stands for all sources beyond those that are told apart.
const others = "(others)"

// ClockSkews are the sources and hosts whose clocks are off, the furthest first.
func (in *Intake) ClockSkews() []ClockSkew {
	c, now := &in.clocks, in.deps.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []ClockSkew
	for _, s := range c.off {
		if now.Sub(s.Last) <= skewKept {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b ClockSkew) int {
		return cmp.Or(cmp.Compare(b.Behind.Abs(), a.Behind.Abs()), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Host, b.Host))
	})
	return out
}

// UnreadableTimes are the sources with events whose time could not be read, the
// most first.
func (in *Intake) UnreadableTimes() []SourceTimes {
	c := &in.clocks
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []SourceTimes
	for _, t := range c.times {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b SourceTimes) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Source, b.Source))
	})
	return out
}

// furthestSkew is how far the furthest clock is off, in seconds.
func (in *Intake) furthestSkew() float64 {
	if skews := in.ClockSkews(); len(skews) > 0 {
		return skews[0].Behind.Abs().Seconds()
	}
	return 0
}

// label is the source where it is told apart; a metric has no more series than
// that.
func (c *clocks) label(source string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times[source] == nil {
		return others
	}
	return source
}
