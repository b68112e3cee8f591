package anomaly

import "math"

const (
	// muted is the improbability beyond which a point begins an episode, and the most
	// that a point is said to be while one is remembered. mutedWidth is the range below
	// it into which all of those are brought, in their order.
	muted, mutedWidth = 2.0, 0.3
	// worse is how much more improbable than what began it a point must be to be
	// told again, and memory how many points an episode is remembered.
	worse, memory = 0.5, 250.0
	// announced is the score that begins an episode for the reader.
	announced = 0.995
	// longest is how many points an episode lasts: what stays is the new normal.
	longest = 150
)

// episode remembers what was told last.
type episode struct {
	level float64 // improbability of the point that began it
	at    int64   // its index
	begun bool
	shown int // points since it was announced; 0: none is
}

// say is the improbability of a point as it is said, and whether that is in full
// (told): a point in an episode is told only when it is clearly worse than its begin.
func (e *episode) say(level float64, index int64) (said float64, told bool) {
	bar := 0.0
	if e.begun {
		age := float64(index-e.at) / memory
		bar = (e.level + worse) * math.Exp(-age*age*age*age)
	}
	if level > bar {
		if level > muted {
			e.level, e.at, e.begun = level, index, true
		}
		return level, true
	}
	if past := level - (muted - mutedWidth); past > 0 {
		level = muted - mutedWidth*math.Exp(-past/mutedWidth)
	}
	return level, false
}

// lasts reports whether a point belongs to an episode for the reader, which goes on
// while the points are away.
func (e *episode) lasts(score float64, away bool) bool {
	switch {
	case score > announced && e.shown == 0:
		e.shown = 1
	case e.shown > 0 && e.shown < longest && away:
		e.shown++
	default:
		e.shown = 0
	}
	return e.shown > 0
}

const (
	// onset is the distance from the forecast, in standard deviations, at which the
	// series departs, over the one below which a point is back, and returned how
	// many such points in a row do not end the departure yet.
	onset, over, returned = 5.0, 2.0, 5
	// horizon is how many points ahead the forecast is to be good.
	horizon = 100
	// relearning is how many points after a departure became the new normal none
	// begins: the spread of the new one is not known yet.
	relearning = 250
)

// departure is a stretch in which the series is away from what was forecast before
// it. Meanwhile the forecasts follow it and nothing else is learned.
type departure struct {
	points int       // since it began
	back   int       // of these the last in a row that were not away
	from   *tracker  // whose forecast the points are compared with
	level  float64   // of that tracker before the departure
	sign   float64   // +1 above, −1 below
	levels []float64 // of all trackers before
}

// away reports whether the last point, of an improbability, is away: from what was
// forecast before the departure, or as improbable as what begins an episode. The first
// point that is neither ends the episode for the reader; a departure waits for more.
func (s *Scorer) away(level float64) bool {
	return s.departure != nil && s.departure.back == 0 || level > muted
}

// depart looks whether the series departed, and whether it is back; floor is what a
// deviation has at least. It returns the improbability that a point away has at least,
// so that all of an outage stands out from normal points, below what is told; 0 where
// the point is not away.
func (s *Scorer) depart(x, floor float64) float64 {
	d := s.departure
	if d == nil {
		s.departure = s.leave(x, floor)
		return 0
	}
	d.points++
	off := d.sign * (x - d.level - d.from.seasonAt(s.clock.index)) / (d.from.ahead(s.clock.index, d.points) + floor)
	if off >= over {
		d.back = 0
	} else {
		d.back++
	}
	switch {
	case off < -onset: // and to the other side
		s.departure = s.leave(x, floor)
		return 0
	case d.back > returned:
		for i, t := range s.trackers {
			t.level = d.levels[i]
		}
		s.departure = nil
		return 0
	case d.points > longest:
		s.departure, s.relearn = nil, s.clock.index+relearning
		return 0
	case off < over:
		return 0
	}
	return muted * s.trust(off/(off+over))
}

// leave is the departure that x begins, or none.
func (s *Scorer) leave(x, floor float64) *departure {
	if s.clock.index < s.relearn {
		return nil
	}
	var from *tracker
	least := math.Inf(1)
	for _, t := range s.trackers {
		if doubt := t.spread * t.widening(horizon); t.n > youth && doubt < least {
			from, least = t, doubt
		}
	}
	off := (x - from.forecast(s.clock.index)) / (from.deviation(s.clock.index) + floor)
	if math.Abs(off) <= onset {
		return nil
	}
	d := &departure{from: from, level: from.level, sign: math.Copysign(1, off), levels: make([]float64, len(s.trackers))}
	for i, t := range s.trackers {
		d.levels[i] = t.level
	}
	return d
}
