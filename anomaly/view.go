package anomaly

import "math"

// The views are the ways to look at a point. Each gives a size, which is 0 or more
// and is compared with its own past only.
const (
	aboveForecast = iota // from the best forecast, in its standard deviations
	belowForecast
	driftUp // from the slow forecast, averaged
	driftDown
	aboveLongAgo // from the level of long ago
	belowLongAgo
	restless // how much the series varies
	still    // one over that
	aboveSlow
	belowSlow
	jump // from the last point
	viewCount
)

const (
	// drifting and varying are the shares of a point in the averages of the distance
	// from the slow forecast and of the steps.
	drifting, varying = 0.15, 0.1
	// inRuns lessens the logarithm of the probability of a drift: averages come in
	// runs, so that their extremes are fewer than are counted.
	inRuns = 0.9
	// loudest bounds, in normal ones, what a step counts in the latter.
	loudest = 8.0
	// agoMemory is how many points the level of long ago reaches back, and agoReach
	// bounds, in normal steps, how far off a point counts in it.
	agoMemory, agoReach = 2000.0, 20.0
)

// views are what is known of the past of each view.
type views struct {
	past      [viewCount]sizes
	drift     float64
	variation float64
	longAgo   float64
}

// sight is what a point is looked at with.
type sight struct {
	best, slow *tracker
	step       float64 // the normal one
	change     float64 // from the last point, without its sign
	floor      float64 // the least that a deviation has
}

// look is one point seen in all ways.
type look struct {
	sizes                     [viewCount]float64
	drift, variation, longAgo float64 // averages with the point in them
}

func (v *views) look(x float64, index int64, s sight) look {
	scale := s.step + s.floor
	fromSlow := x - s.slow.forecast(index)
	l := look{
		drift:     v.drift + drifting*(fromSlow-v.drift),
		variation: v.variation + varying*(min(s.change, loudest*v.variation+s.step)-v.variation),
		longAgo:   v.longAgo + min(max(x-v.longAgo, -agoReach*scale), agoReach*scale)/agoMemory,
	}
	l.both(aboveForecast, (x-s.best.forecast(index))/(s.best.deviation(index)+s.floor))
	l.both(driftUp, l.drift/(s.slow.spread+s.floor))
	l.both(aboveLongAgo, (x-v.longAgo)/scale)
	l.both(aboveSlow, fromSlow/(s.slow.deviation(index)+s.floor))
	l.sizes[restless] = l.variation / scale
	l.sizes[still] = scale / (l.variation + s.floor)
	l.sizes[jump] = s.change / s.floor
	return l
}

// both is a view that looks up and, by the next, down.
func (l *look) both(view int, off float64) {
	l.sizes[view], l.sizes[view+1] = max(off, 0), max(-off, 0)
}

// chance is the probability of the least probable of the sizes.
func (v *views) chance(l *look) float64 {
	p := 1.0
	for i := range v.past {
		chance := v.past[i].chance(l.sizes[i])
		if i == driftUp || i == driftDown {
			chance = math.Pow(chance, inRuns)
		}
		p = min(p, chance)
	}
	return p
}

// learn takes in a look; n points are known.
func (v *views) learn(l *look, n int) {
	for i := range v.past {
		v.past[i].add(l.sizes[i])
	}
	v.drift, v.variation = l.drift, l.variation
	// The level of long ago is found soon, and then moves slowly.
	v.longAgo += (l.longAgo - v.longAgo) * max(1, agoMemory/float64(n+1))
}
