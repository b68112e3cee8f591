package scheduler

import "time"

// doubt is about a clock that was moved ahead while senders' were not: by such a
// clock everybody has been silent since the move. It is laid to rest by an event
// that is as new as the clock says, or by senders that send nothing at all.
type doubt struct {
	ahead   time.Duration // how far the clock was moved; 0: no doubt
	arrived time.Time     // when something arrived last, by the clock
	seq     uint64        // the last arrival

	// least is how far behind their times events arrived, at least, in the present
	// minute and the one before.
	least, leastBefore time.Duration
	minute             time.Time
}

func (d *doubt) moved(by time.Duration) {
	d.ahead = max(0, d.ahead+by)
	d.minute = d.minute.Add(by)
}

func (d *doubt) look(acknowledged uint64, now time.Time) {
	if acknowledged != d.seq {
		d.seq, d.arrived = acknowledged, now
	}
}

// saw is told how far behind its own time an event arrived.
func (d *doubt) saw(behind time.Duration, now time.Time) {
	if d.ahead > 0 {
		if behind < min(d.least, d.leastBefore)+d.ahead/2 {
			d.ahead = 0
		}
		return
	}
	switch age := now.Sub(d.minute); {
	case age >= 2*time.Minute || age < 0:
		d.least, d.leastBefore, d.minute = behind, behind, now
	case age >= time.Minute:
		d.least, d.leastBefore, d.minute = behind, d.least, now
	default:
		d.least = min(d.least, behind)
	}
}

// stands reports whether silence can't be told from a clock that is wrong, by who
// judges it so long behind the clock.
func (d *doubt) stands(delay time.Duration, now time.Time) bool {
	return d.ahead > delay/4 && now.Sub(d.arrived) < delay
}
