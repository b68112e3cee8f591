package anomaly

import (
	"math"
	"slices"
)

// speeds are those of the trackers run side by side for each season: from
// one that believes the last point to one that believes the last day or so.
var speeds = [...]float64{0.9, 0.4, 0.1, slowSpeed}

const slowSpeed = 0.02

const (
	// maxHistory is how many points the seasons are looked for in.
	maxHistory = 1 << 14
	// minPoints are needed before any point can be surprising.
	minPoints = 30
	// largest is the largest magnitude taken for a measurement.
	largest = 1e150

	day = 86_400_000 // ms
)

// The constants of a surprise, found on made series of several kinds
// (series_test.go) and on the two public ones; halving or doubling any of them
// moves the scores of the benchmark by a few hundredths.
const (
	// onset is the surprise, in standard deviations, that begins an episode.
	onset = 5.0
	// over is how near the forecast from before an episode ends it.
	over = 3.0
	// fading is what remains, a point later, of the surprise that an episode goes
	// on, and longest how many points it can last: what stays is the new normal.
	fading, longest = 0.985, 150
	// echo is the share of a point's surprise that the next one has at least:
	// whatever disturbed a point is rarely gone at the next.
	echo = 0.5
	// doubt weighs the slow forecast: a jump to where the series usually is
	// (the end of a disturbance, mostly) surprises less.
	doubt = 2.0
	// novice is the number of points at which half of a surprise is believed.
	novice = 100.0
	// half is the surprise, in standard deviations, of score 0.5.
	half = 5.0
)

// A Scorer tells of each point of a series of real values how surprising it is,
// given the points before it and nothing else.
//
// It runs trackers without a season and with each season it found so far, at
// several speeds, believes the one that forecast best of late, and measures the
// distance of a point from that forecast in standard deviations at that time of
// the cycle. A large distance begins an episode, in which points are compared
// with what was forecast before it, so that a lasting disturbance stays
// surprising and teaches nothing.
//
// The zero Scorer is ready. It is not safe for concurrent use.
type Scorer struct {
	clock    clock
	n        int
	history  []float64 // by index, NaN where no value came
	next     int64     // index at which seasons are looked for again
	trackers []*tracker
	episode  *episode
	previous float64 // surprise of the last point
}

// episode is a disturbance that goes on.
type episode struct {
	points int
	from   *tracker  // whose forecast the points are compared with
	level  float64   // of that tracker before the episode
	sign   float64   // +1 above, −1 below
	trust  float64   // at its beginning
	levels []float64 // of all trackers before the episode
}

// Add returns the score of the value at a time (ms), in [0, 1], and learns from
// it. A score of 0.5 is a distance of five standard deviations, 0.9 one of 45, so
// that the order of what is most surprising is kept. Values that are not finite, or beyond ±1e150, are missing
// values: their score is 0 and only time passes. Times should ascend; a value
// at a time not after the last one is scored and not learned from.
func (s *Scorer) Add(at int64, x float64) float64 {
	missing := s.clock.tick(at)
	for range min(missing, maxHistory) {
		s.history = append(s.history, math.NaN())
	}
	if !(math.Abs(x) <= largest) {
		if missing >= 0 {
			s.history = append(s.history, math.NaN())
		}
		return 0
	}
	if s.n == 0 {
		for _, speed := range speeds {
			s.trackers = append(s.trackers, newTracker(0, speed))
		}
		s.next = 2 * novice
	}
	surprise := s.surprise(x)
	score := max(surprise, echo*s.previous)
	if missing >= 0 {
		s.previous = surprise
		s.learn(x)
	}
	return score / (score + half)
}

// Missing is how many points were missing so far between those that came,
// going by the usual time between points.
func (s *Scorer) Missing() int64 { return s.clock.missing }

func (s *Scorer) learn(x float64) {
	for _, t := range s.trackers {
		if s.episode != nil {
			t.follow(s.clock.index, x)
		} else {
			t.learn(s.clock.index, x)
		}
	}
	s.n++
	s.history = append(s.history, x)
	if len(s.history) >= 2*maxHistory {
		s.history = append(s.history[:0], s.history[len(s.history)-maxHistory:]...)
	}
	if s.clock.index >= s.next && s.episode == nil {
		s.findSeasons()
		s.next = s.clock.index + max(novice, min(s.clock.index/3, 2000))
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
			t.learnSeason(season, h, s.clock.index+1)
			s.trackers = append(s.trackers, t)
		}
	}
}

// best is the tracker that forecast best of late among those that fit.
func (s *Scorer) best(fits func(*tracker) bool) *tracker {
	var best *tracker
	for _, t := range s.trackers {
		if fits(t) && (best == nil || t.loss < best.loss) {
			best = t
		}
	}
	return best
}

func anyTracker(*tracker) bool      { return true }
func slowTracker(t *tracker) bool   { return t.speed == slowSpeed }
func steadyTracker(t *tracker) bool { return t.speed < 0.5 }
func steadySeasonal(t *tracker) bool {
	return t.speed < 0.5 && t.period > 0
}

// surprise is the distance of x from what was expected, in standard deviations.
func (s *Scorer) surprise(x float64) float64 {
	if s.n < minPoints {
		return 0
	}
	slow := s.best(slowTracker)
	floor := 1e-3*slow.spread + 1e-9*math.Abs(slow.level) + math.SmallestNonzeroFloat64
	distance := func(t *tracker, from float64) float64 {
		return (x - from) / (t.deviation(s.clock.index) + floor)
	}
	best := s.best(anyTracker)
	off := distance(best, best.forecast(s.clock.index))
	z := math.Abs(off)
	if s.episode != nil {
		z = s.goOn(z, distance)
	}
	far := math.Abs(distance(slow, slow.forecast(s.clock.index)))
	trust := far / (far + doubt)
	if s.episode == nil && z > onset {
		s.begin(off, trust)
	}
	if s.episode != nil {
		trust = max(trust, s.episode.trust)
	}
	return z * trust * float64(s.n) / (float64(s.n) + novice)
}

// begin opens an episode. Its forecast must reach further than a point, so it
// is one with a season, if there are any.
func (s *Scorer) begin(sign, trust float64) {
	from := s.best(steadySeasonal)
	if from == nil {
		from = s.best(steadyTracker)
	}
	s.episode = &episode{from: from, level: from.level, sign: math.Copysign(1, sign), trust: trust}
	for _, t := range s.trackers {
		s.episode.levels = append(s.episode.levels, t.level)
	}
}

// goOn is the surprise of a point in an episode, given its distance from the
// forecast of the last points. A point back where it was expected before the
// episode ends it, and what the trackers followed meanwhile is forgotten.
func (s *Scorer) goOn(z float64, distance func(*tracker, float64) float64) float64 {
	e := s.episode
	e.points++
	off := e.sign * distance(e.from, e.level+e.from.seasonAt(s.clock.index))
	if off < over {
		for i, t := range s.trackers {
			t.level = e.levels[i]
		}
		s.episode = nil
		return math.Abs(off)
	}
	if e.points > longest {
		s.episode = nil
	}
	return max(min(z, off), off*math.Pow(fading, float64(e.points)))
}

// clock turns times into the indexes of a regular series.
type clock struct {
	step    int64 // usual time between points, ms; 0: not known
	index   int64
	last    int64
	begun   bool
	deltas  []int64 // the first ones, ascending
	missing int64
}

// tick moves to a time and returns how many points are missing before it, or
// −1 when it is not after the last.
func (c *clock) tick(at int64) int64 {
	const sample = 64
	if !c.begun {
		c.begun, c.last = true, at
		return 0
	}
	if at <= c.last {
		return -1
	}
	passed := int64(min(uint64(at)-uint64(c.last), 1<<60))
	c.last = at
	if len(c.deltas) < sample {
		i, _ := slices.BinarySearch(c.deltas, passed)
		c.deltas = slices.Insert(c.deltas, i, passed)
		c.step = c.deltas[len(c.deltas)/2]
	}
	steps := max(1, (passed-c.step/2)/c.step+1)
	c.index += steps
	c.missing += steps - 1
	return steps - 1
}
