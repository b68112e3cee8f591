package ingest

import (
	"sync"
	"time"

	"nightjar/ingest/times"
	"nightjar/schema"
)

// lateness is what was told, and is still to be told, of late events.
type lateness struct {
	mu     sync.Mutex
	untold int
	told   time.Time
}

// countLate counts the events that arrived too late for rules to see them. Those of
// before the year 2000 do not: they happen when they arrive.
func (in *Intake) countLate(events []schema.Event, seen schema.Millis) (late int) {
	if in.deps.Lateness <= 0 {
		return 0
	}
	from := seen.Add(-in.deps.Lateness)
	for i := range events {
		if at := events[i].At; at < from && at >= times.Earliest {
			late++
		}
	}
	return late
}

// sayLate counts them, and tells the operator once a minute.
func (in *Intake) sayLate(n int) {
	if n == 0 {
		return
	}
	in.metrics.late.Add(float64(n))
	l := &in.late
	l.mu.Lock()
	defer l.mu.Unlock()
	l.untold += n
	if now := in.deps.Now(); now.Sub(l.told) >= time.Minute {
		in.deps.Log.Warn("events arrived later than rules look back; they are stored and can be searched, and raise no signal (setting lateness)",
			"events", l.untold, "allowance", in.deps.Lateness)
		l.untold, l.told = 0, now
	}
}
