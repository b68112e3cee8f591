package pipeline

import (
	"sync"
	"sync/atomic"
	"time"
)

// Counts is what pipelines did, by their ids; they go on when a set is replaced. The
// zero Counts is ready, and safe for concurrent use.
type Counts struct {
	mu sync.Mutex
	by map[string]*Count
}

// Count is what one pipeline did.
type Count struct {
	events, failures, redacted, nanos atomic.Int64
}

// Counted is a count as it was at a moment.
type Counted struct {
	// Events were processed, and with Failures of them something failed or took too
	// long. Redacted counts the values that were scrubbed.
	Events, Failures, Redacted int64
	// Took is the time of all of them together.
	Took time.Duration
}

// of is the count of a pipeline; nil of nil.
func (c *Counts) of(id string) *Count {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]*Count{}
	}
	if c.by[id] == nil {
		c.by[id] = &Count{}
	}
	return c.by[id]
}

func (c *Count) add(took time.Duration, failed bool, redacted int) {
	if c == nil {
		return
	}
	c.events.Add(1)
	c.nanos.Add(int64(took))
	if failed {
		c.failures.Add(1)
	}
	if redacted > 0 {
		c.redacted.Add(int64(redacted))
	}
}

// All is what every pipeline did so far, by its id.
func (c *Counts) All() map[string]Counted {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]Counted, len(c.by))
	for id, n := range c.by {
		out[id] = Counted{Events: n.events.Load(), Failures: n.failures.Load(), Redacted: n.redacted.Load(), Took: time.Duration(n.nanos.Load())}
	}
	return out
}
