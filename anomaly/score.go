package anomaly

import "math"

// speeds are those of the trackers run side by side for each season: from
// one that believes the last point to one that believes the last day or so.
var speeds = [...]float64{0.9, 0.4, 0.1, slowSpeed}

const (
	slowSpeed = 0.02
	// maxHistory is how many points the seasons are looked for in.
	maxHistory = 1 << 14
	// firstSearch is after how many points seasons are looked for first. Between two
	// searches a third of the points so far pass, within leastBetween and mostBetween.
	firstSearch, leastBetween, mostBetween = 200, 100, 4000
	// minPoints are needed before any point can be surprising.
	minPoints = 30
	// largest is the largest magnitude taken for a measurement.
	largest = 1e150

	day = 86_400_000 // ms
)

// A Score is what a Scorer says of a point.
type Score struct {
	// Anomaly is 1 − p, where p is the probability, high and low alike, that a point
	// of the series as it was so far is as anomalous: of the points of a series in
	// which nothing happens, a share of 1 − s is above s. Where an anomaly goes on,
	// only its begin, and what is clearly more anomalous than that, is above 0.995.
	Anomaly float64
	// Episode is true from a score above 0.995 to the last point before the first that
	// is back, for at most 150 points: what stays longer is the new normal.
	Episode bool
}

// A Scorer tells of each point of a series of real values how anomalous it is, given
// the points before it and nothing else.
//
// It looks at a point in several ways (view.go): its distance from what was
// forecast, from the level of late and of long ago, how the series varies. For each
// way it knows how probable it was so far that a point is as far out (sizes.go);
// the least probable counts. That number is brought to the scale (calibration.go).
//
// The first 30 points score 0, and the first 130 or so no more than 0.995: of so few
// it can't be said. The zero Scorer is ready. It is not safe for concurrent use.
type Scorer struct {
	clock       clock
	n           int
	history     []float64 // by index, NaN where no value came
	next        int64     // index at which seasons are looked for again
	trackers    []*tracker
	steps       steps
	views       views
	calibration calibration
	departure   *departure
	relearn     int64 // index until which no departure begins
	episode     episode
}

// Add returns the score of the value at a time (ms), and learns from it. Values that
// are not finite, or beyond ±1e150, are missing values: their score is 0 and only time
// passes. Times should ascend; a value at a time not after the last one is scored
// and not learned from.
func (s *Scorer) Add(at int64, x float64) Score {
	missing := s.clock.tick(at)
	for range min(missing, maxHistory) {
		s.remember(math.NaN())
	}
	if !(math.Abs(x) <= largest) {
		if missing >= 0 {
			s.remember(math.NaN())
		}
		return Score{}
	}
	if s.n == 0 {
		s.begin(x)
	}
	if s.n < minPoints {
		if missing >= 0 {
			s.learn(x)
		}
		return Score{}
	}
	floor := s.steps.floor(x)
	now, surprise := s.judge(x, floor)
	level := s.calibration.first(surprise)
	if missing < 0 {
		return Score{Anomaly: s.calibration.second(level, inFull), Episode: s.episode.shown > 0}
	}
	said, told := s.episode.say(level, s.clock.index)
	if away := s.depart(x, floor); away > said {
		said, told = away, false
	}
	score := s.calibration.second(said, told)
	s.views.learn(&now, s.n)
	s.calibration.learn(surprise, said, told)
	s.learn(x)
	return Score{Anomaly: score, Episode: s.episode.lasts(score, s.away(level))}
}

// Missing is how many points were missing so far between those that came,
// going by the normal time between points.
func (s *Scorer) Missing() int64 { return s.clock.missing }

func (s *Scorer) begin(x float64) {
	for _, speed := range speeds {
		s.trackers = append(s.trackers, newTracker(0, speed))
	}
	s.next = firstSearch
	s.steps.last, s.views.longAgo = x, x
}

// judge looks at x, and returns how improbable the oddest view of it is, as a decimal
// logarithm that is no probability yet.
func (s *Scorer) judge(x, floor float64) (look, float64) {
	now := s.views.look(x, s.clock.index, sight{
		best: s.best(anyTracker), slow: s.best(slowTracker),
		step: s.steps.usual(), change: math.Abs(x - s.steps.last), floor: floor,
	})
	return now, s.trust(-math.Log10(s.views.chance(&now)))
}

// trust lessens a surprise as long as few points are known: it has half of its weight
// after novice points, and none is below the probability n^-most after n.
func (s *Scorer) trust(surprise float64) float64 {
	const novice, most = 150.0, 2.0
	n := float64(s.n)
	return min(surprise*n*n/(n*n+novice*novice), most*math.Log10(n))
}

func (s *Scorer) learn(x float64) {
	s.steps.add(x)
	reach := s.steps.large()
	for _, t := range s.trackers {
		if s.departure != nil {
			t.follow(s.clock.index, x, reach)
		} else {
			t.learn(s.clock.index, x, reach)
		}
	}
	s.n++
	s.remember(x)
	if s.clock.index >= s.next && s.departure == nil {
		s.findSeasons()
		s.next = s.clock.index + max(leastBetween, min(s.clock.index/3, mostBetween))
	}
}

func (s *Scorer) remember(x float64) {
	s.history = append(s.history, x)
	if len(s.history) >= 2*maxHistory {
		s.history = append(s.history[:0], s.history[len(s.history)-maxHistory:]...)
	}
}

// findSeasons replaces the seasons by those that the history shows now.
func (s *Scorer) findSeasons() {
	h := s.history[max(0, len(s.history)-maxHistory):]
	daily := 0
	if s.clock.step > 0 {
		daily = int(day / s.clock.step)
	}
	before := s.trackers[len(speeds):]
	s.trackers = s.trackers[:len(speeds):len(speeds)]
	for _, period := range newSpectrum(h).seasons(daily) {
		season := profile(h, s.clock.index+1, period)
		for _, speed := range speeds {
			t := newTracker(period, speed)
			for _, b := range before {
				if b.period == period && b.speed == speed {
					t = b
				}
			}
			t.learnSeason(season, h, s.clock.index+1, s.steps.large())
			s.trackers = append(s.trackers, t)
		}
	}
}

// best is the tracker that forecast best of late among those that fit, and that
// have forecast for long enough to tell.
func (s *Scorer) best(fits func(*tracker) bool) *tracker {
	var best *tracker
	for _, t := range s.trackers {
		if t.n > youth && fits(t) && (best == nil || t.loss < best.loss) {
			best = t
		}
	}
	return best
}

func anyTracker(*tracker) bool    { return true }
func slowTracker(t *tracker) bool { return t.speed == slowSpeed }
