package anomaly

import (
	"math"
	"slices"
)

const (
	// clipLevel and clipSpread bound, in standard deviations, what one point can
	// teach a tracker about the level and about the spread. The second is lower:
	// a run of outliers would otherwise widen what passes for normal.
	clipLevel  = 3.0
	clipSpread = 2.5
	// youth is how many points a tracker learns from before it bounds them.
	youth = 20
	// absToDeviation makes a mean absolute deviation (bounded at clipSpread) the
	// standard deviation of the normal distribution that has it.
	absToDeviation = 1.25
	// spreadMemory, phaseMemory and lossMemory are how many points an average of
	// the spread, of the spread at one time of the cycle, and of the loss reach back.
	spreadMemory, phaseMemory, lossMemory = 300, 100, 600
	// profileCycles is how many cycles the profile of a season is made from.
	profileCycles = 8
)

// A tracker forecasts the next point of a series as a level that moves, plus a
// season if it has one: exponential smoothing in the robust form, in which an
// outlier counts no more than the largest normal error (Gelper, Fried and Croux,
// "Robust forecasting with exponential and Holt-Winters smoothing", 2010).
type tracker struct {
	period int     // points of a cycle; 0: no season
	speed  float64 // share of an error that moves the level
	level  float64
	season []float64 // by phase: what it adds to the level
	spread float64   // standard deviation of the forecast's error
	phases []phase   // the same for parts of the cycle
	loss   float64   // average of the root of the absolute error
	n      int
}

type phase struct{ spread, n float64 }

func newTracker(period int, speed float64) *tracker {
	t := &tracker{period: period, speed: speed}
	if period > 0 {
		t.season = make([]float64, period)
		t.phases = make([]phase, min(period, period/7+24))
	}
	return t
}

func (t *tracker) seasonAt(i int64) float64 {
	if t.period == 0 {
		return 0
	}
	return t.season[i%int64(t.period)]
}

func (t *tracker) forecast(i int64) float64 { return t.level + t.seasonAt(i) }

func (t *tracker) phase(i int64) *phase {
	return &t.phases[int(i%int64(t.period))*len(t.phases)/t.period]
}

// deviation is the standard deviation of the forecast for i: that of this part
// of the cycle, with a share of the overall one because the former is known
// from fewer points.
func (t *tracker) deviation(i int64) float64 {
	if t.period == 0 {
		return t.spread
	}
	const share = 0.15
	at := t.phase(i).spread
	return math.Sqrt((1-share)*at*at + share*t.spread*t.spread)
}

// ahead is the standard deviation of a forecast for i made some points before.
func (t *tracker) ahead(i int64, points int) float64 {
	return t.deviation(i) * t.widening(points)
}

// widening is how much wider a forecast is some points after the next: the level
// goes on moving (Hyndman and others, "Forecasting with exponential smoothing",
// 2008, section 6).
func (t *tracker) widening(points int) float64 {
	return math.Sqrt(1 + t.speed*t.speed*float64(points-1))
}

// follow moves the level towards x, by no more than is normal for the tracker or for
// the series (reach), and returns how far off the forecast was, and the normal error.
func (t *tracker) follow(i int64, x, reach float64) (off, deviation float64) {
	if t.n == 0 {
		t.level = x - t.seasonAt(i)
	}
	off = x - t.forecast(i)
	deviation = math.MaxFloat64 / 1e10 // none while the tracker is young
	bounded := off
	if t.n > youth {
		deviation = t.deviation(i)
		most := max(clipLevel*deviation, reach)
		bounded = min(max(off, -most), most)
	}
	t.level += t.speed * bounded
	return off, deviation
}

// learn follows x, and learns from how far off the forecast was.
func (t *tracker) learn(i int64, x, reach float64) {
	off, deviation := t.follow(i, x, reach)
	off = math.Abs(off)
	t.n++
	t.loss += max(1.0/lossMemory, 1/float64(t.n)) * (math.Sqrt(off) - t.loss)
	off = absToDeviation * min(off, max(clipSpread*deviation, reach))
	t.spread += max(1.0/spreadMemory, 1/float64(t.n)) * (off - t.spread)
	if t.period == 0 {
		return
	}
	p := t.phase(i)
	if t.n <= youth+10 {
		p.spread = t.spread
		return
	}
	p.n++
	p.spread += max(1.0/phaseMemory, 1/(p.n+3)) * (off - p.spread)
}

// settle puts the level where it would be had this season been known for the
// last cycle.
func (t *tracker) settle(history []float64, end int64, reach float64) {
	from := max(0, len(history)-t.period)
	n := t.n
	for i, x := range history[from:] {
		if x == x {
			at := end - int64(len(history)-from-i)
			if n == t.n {
				t.level, n = x-t.seasonAt(at), n-1
			}
			t.follow(at, x, reach)
		}
	}
}

// learnSeason gives a tracker the profile of the history, which ends before
// index end. The profile is shared and stays as it is. A new tracker first practises
// on the latest third of the history with a profile of the rest, so that its errors
// are those of forecasts.
func (t *tracker) learnSeason(season, history []float64, end int64, reach float64) {
	if t.n == 0 {
		test := max(1, min(len(history)/t.period, profileCycles)/3) * t.period
		known := history[:len(history)-test]
		t.season = profile(known, end-int64(test), t.period)
		for i, x := range history[len(known):] {
			if x == x {
				t.learn(end-int64(test-i), x, reach)
			}
		}
	}
	t.season = season
	t.settle(history, end, reach)
}

// profile is, for each phase, the median over the last cycles of how far the
// series was above the median of its cycle. The history ends before index end,
// and NaN is a missing point.
func profile(history []float64, end int64, period int) []float64 {
	cycles := min(len(history)/period, profileCycles)
	h := history[len(history)-cycles*period:]
	levels := make([]float64, cycles)
	for c := range levels {
		levels[c], _ = medianSpread(h[c*period : (c+1)*period])
	}
	out := make([]float64, period)
	above := make([]float64, 0, cycles)
	for k := range period {
		above = above[:0]
		for c, level := range levels {
			if x := h[c*period+k]; x == x {
				above = append(above, x-level)
			}
		}
		if n := len(above); n > 0 {
			slices.Sort(above)
			out[(end+int64(k))%int64(period)] = (above[(n-1)/2] + above[n/2]) / 2
		}
	}
	return out
}
