package clickhouse

import (
	"log/slog"
	"sync"
	"time"

	"nightjar/schema"
)

// How many paths that are new to column attributes a block of events may bring, and
// each of its senders (a source) at a time and per hour. What is beyond goes to
// column rest, where it is found, more slowly: a sender that writes ever new keys
// makes searches of its own events slow, and nobody else's insert.
const (
	freshOfBlock  = 2000
	freshOfSource = 4000
	freshAnHour   = 2000
)

// freshPaths counts the paths that are new, by who brings them.
type freshPaths struct {
	ofBlock, ofSource int

	mu      sync.Mutex
	sources map[string]*allowance
	leaves  uint64 // that went to column rest
	told    time.Time
	untold  int
}

// LimitNewPaths sets how many paths that are new to column attributes a block may
// bring, and a source at a time: 2,000 and 4,000 when it is not called.
func (s *Sink) LimitNewPaths(ofBlock, ofSource int) {
	s.fresh.ofBlock, s.fresh.ofSource = ofBlock, ofSource
}

// allowance refills with the arrival times of the events.
type allowance struct {
	left float64
	at   schema.Millis
}

// maxSources bounds for how many sources that is counted; the others share one.
const maxSources = 10_000

// block says of each new path of a block, by the first event that has it, whether
// column attributes takes it.
func (f *freshPaths) block() func(e *schema.Event) bool {
	left := f.ofBlock
	return func(e *schema.Event) bool {
		if left == 0 || !f.take(e) {
			return false
		}
		left--
		return true
	}
}

func (f *freshPaths) take(e *schema.Event) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sources == nil {
		f.sources = map[string]*allowance{}
	}
	source := e.Source
	a := f.sources[source]
	if a == nil {
		if len(f.sources) >= maxSources {
			source = ""
		}
		if a = f.sources[source]; a == nil {
			a = &allowance{float64(f.ofSource), e.Seen}
			f.sources[source] = a
		}
	}
	if e.Seen > a.at {
		a.left = min(float64(f.ofSource), a.left+float64(e.Seen-a.at)/float64(time.Hour.Milliseconds())*freshAnHour)
		a.at = e.Seen
	}
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// tell counts what went to column rest, and says whose it is, once in a while.
func (f *freshPaths) tell(d *schema.Division) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaves += uint64(d.Leaves)
	f.untold += d.Leaves
	if f.untold == 0 || time.Since(f.told) < time.Minute {
		return
	}
	source, most := "", 0
	for name, n := range d.Sources {
		if n > most {
			source, most = name, n
		}
	}
	slog.Warn("senders write ever new attribute keys; values of those that are too many are stored in one column, where searches and rules find them, more slowly",
		"values", f.untold, "most of source", source)
	f.told, f.untold = time.Now(), 0
}

func (f *freshPaths) count() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leaves
}

// restOf is an event's value of column rest.
func restOf(e *schema.Event, paths map[string]bool) []string {
	if len(paths) == 0 {
		return nil
	}
	var out []string
	for i := range e.Leaves {
		if paths[e.Leaves[i].Path] {
			out = append(out, e.Leaves[i].RestText())
		}
	}
	return out
}
