package scheduler

import "time"

// doubt is about a clock that was moved ahead while senders' clocks were not: by
// it, everybody has been silent since the move. An event that is as new as the
// clock says ends the doubt; so do senders that send nothing at all, and time.
type doubt struct {
	// offset is how far the clock was moved, in all, from where it last agreed with
	// senders; moves ahead count up.
	offset  time.Duration
	movedAt time.Time // the last move, by the clock
	arrived time.Time // the last arrival, by the clock
	seq     uint64    // its number

	// least is the least delay with which events arrived, in the present minute and
	// in the one before, while the clock was not moved.
	measured           bool
	least, leastBefore time.Duration
	minute             time.Time
}

// shortestDoubt is how long a doubt may last, whatever the move.
const shortestDoubt = 10 * time.Minute

func (d *doubt) moved(by time.Duration, now time.Time) {
	d.offset += by
	d.movedAt = now
	if d.offset.Abs() <= shortestLapse {
		d.offset = 0
	}
}

func (d *doubt) look(acknowledged uint64, now time.Time) {
	if acknowledged != d.seq {
		d.seq, d.arrived = acknowledged, now
	}
}

// saw is told how long after its own time an event arrived.
func (d *doubt) saw(delay time.Duration, now time.Time) {
	if d.offset != 0 {
		// Half way between what delays were and what the move makes of them.
		between := min(d.least, d.leastBefore) + d.offset/2
		if d.offset > 0 && delay >= between || d.offset < 0 && delay <= between {
			return
		}
		d.offset = 0
	}
	switch age := now.Sub(d.minute); {
	case !d.measured || age >= 2*time.Minute || age < 0:
		d.measured, d.least, d.leastBefore, d.minute = true, delay, delay, now
	case age >= time.Minute:
		d.least, d.leastBefore, d.minute = delay, d.least, now
	default:
		d.least = min(d.least, delay)
	}
}

// stands reports whether silence can't be told from a clock that is wrong, by who
// judges it so long behind the clock.
func (d *doubt) stands(delay time.Duration, now time.Time) bool {
	return d.measured && d.offset > delay/4 && now.Sub(d.arrived) < delay && now.Sub(d.movedAt) < max(d.offset, shortestDoubt)
}
