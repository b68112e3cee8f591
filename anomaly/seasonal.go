package anomaly

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Season says after what time a series repeats itself.
type Season uint8

// The seasons of a Model.
const (
	NoSeason  Season = iota
	HourOfDay        // every day is like the other
	DayOfWeek        // every week is like the other, at each of its hours
)

func (s Season) String() string {
	return [...]string{"none", "hour of day", "day of week"}[s]
}

const (
	week = 7 * day
	hour = day / 24
	// keptWeeks is how far back the season is learned from.
	keptWeeks = 5
	// fineReach is how many days the pattern within the hours is averaged over.
	fineReach = 21
	// mostFine is the most buckets a day may have for a pattern within the hours.
	mostFine = 1440
)

// seasonal is the season of a model: a factor on the level, by cells (hours, or
// buckets where these are longer) of the day or of the week, and by buckets
// within the hours. All factors are shrunk towards 1 by as much as their noise
// explains how they differ (empirical Bayes), so what is not there costs little.
type seasonal struct {
	bucket, cell int64 // ms

	Kind   Season
	cells  []wide // mean by cell, the newest last; missing: nothing came
	last   int64  // index of the open cell
	begun  bool
	sum, n float64 // of the open cell

	profile    []half // factor by cell of the day or the week
	doubts     []half // relative variance of each
	fine       []half // factor by bucket of the day
	fineDoubts []half
	fineDays   float64 // days seen, at least
	ratios     []half  // of what was seen to what was expected before fine, by bucket of the day, averaged
}

func newSeasonal(bucket int64) seasonal {
	s := seasonal{bucket: bucket, cell: bucket}
	if n := (hour + bucket - 1) / bucket; day%(n*bucket) == 0 {
		s.cell = n * bucket
	}
	if s.cell > bucket && day/bucket <= mostFine {
		n := day / bucket
		s.ratios = slices.Repeat([]half{newHalf(1)}, int(n))
	}
	return s
}

// slot is the cell or bucket of the cycle that contains a time.
func slot(at, cycle, size int64, n int) int {
	return int(min((at-floorDiv(at, cycle)*cycle)/size, int64(n-1)))
}

func (s *seasonal) cycle() int64 {
	if s.Kind == DayOfWeek {
		return week
	}
	return day
}

// coarse is the factor of the cell of a bucket, and its relative variance.
func (s *seasonal) coarse(i int64) (factor, doubt float64) {
	if len(s.profile) == 0 {
		return 1, 0
	}
	k := slot(i*s.bucket, s.cycle(), s.cell, len(s.profile))
	return s.profile[k].value(), s.doubts[k].value()
}

// factor is the season's factor of a bucket, and its relative variance.
func (s *seasonal) factor(i int64) (factor, doubt float64) {
	factor, doubt = s.coarse(i)
	if len(s.fine) > 0 {
		k := slot(i*s.bucket, day, s.bucket, len(s.fine))
		factor *= s.fine[k].value()
		doubt += s.fineDoubts[k].value()
	}
	return factor, doubt
}

// add takes in a bucket: its value, how much of it is normal, and what was
// expected. It reports that another day of cells is complete, so that it is time
// to fit the season again.
func (s *seasonal) add(i int64, value, usual, expected float64) (fit bool) {
	cell := floorDiv(i*s.bucket, s.cell)
	if !s.begun {
		s.begun, s.last = true, cell
	}
	if cell != s.last {
		fit = s.perDay() > 0 && floorDiv(cell, s.perDay()) != floorDiv(s.last, s.perDay())
		s.close(cell)
	}
	s.sum, s.n = s.sum+value, s.n+1
	if len(s.ratios) > 0 {
		k := slot(i*s.bucket, day, s.bucket, len(s.ratios))
		if len(s.fine) > 0 {
			expected /= s.fine[k].value()
		}
		if expected > 0 {
			before := s.ratios[k].value()
			s.ratios[k] = newHalf(before + (usual/expected-before)/min(s.fineDays+1, fineReach))
		}
	}
	return fit
}

func (s *seasonal) perDay() int64 { return day / s.cell }

// close files the open cell; cells that were skipped are missing.
func (s *seasonal) close(next int64) {
	most := int(keptWeeks * week / s.cell)
	s.cells = append(s.cells, newWide(s.sum/s.n))
	for range min(next-s.last-1, int64(most)) {
		s.cells = append(s.cells, missing)
	}
	if extra := len(s.cells) - most; extra > 0 {
		s.cells = slices.Clone(s.cells[extra:])
	}
	s.last, s.sum, s.n = next, 0, 0
}

// fit finds the season in the cells kept, and its factors. The mean and the relative
// variance are those of a bucket.
func (s *seasonal) fit(mean, dispersion float64, f family) {
	perDay := int(s.perDay())
	if f == signed || len(s.cells) < 2*perDay || perDay < minSeason {
		return
	}
	h := history{cells: make([]float64, len(s.cells)), from: s.last - int64(len(s.cells)), per: float64(s.cell / s.bucket), dispersion: dispersion, counts: f == counts}
	for i, v := range s.cells {
		h.cells[i] = v.value()
	}
	if s.Kind != NoSeason && s.cell == hour {
		s.moveClock(&h, h.clockChange(s.profile))
	}
	before := s.Kind
	s.Kind, s.profile, s.doubts = NoSeason, nil, nil
	ones := slices.Repeat([]float64{1}, perDay)
	daily, dailyDoubt := h.factors(h.level(perDay), ones)
	base := ones
	if h.repeats(perDay, h.level(perDay), ones) {
		s.Kind, base = HourOfDay, daily
		s.profile, s.doubts = halves(daily), halves(dailyDoubt)
	}
	if len(h.cells) >= 14*perDay {
		weekly := h.level(7 * perDay)
		if h.repeats(7*perDay, weekly, base) {
			factors, doubts := h.factors(weekly, slices.Repeat(base, 7))
			s.Kind, s.profile, s.doubts = DayOfWeek, halves(factors), halves(doubts)
		}
	}
	if s.Kind != before { // what was seen was relative to another profile
		for k := range s.ratios {
			s.ratios[k] = newHalf(1)
		}
		s.fineDays = 0
	}
	s.fitFine(mean, dispersion, f)
	s.fineDays++
}

// fitFine finds the pattern within the hours.
func (s *seasonal) fitFine(mean, dispersion float64, f family) {
	n := len(s.ratios)
	if n == 0 {
		return
	}
	s.fine, s.fineDoubts = nil, nil
	if s.fineDays == 0 {
		return
	}
	points := fineReach * (1 - math.Exp(-s.fineDays/fineReach))
	seen, expected := make([]float64, n), make([]float64, n)
	for i := range seen {
		expected[i] = mean * points * s.ofDay(i)
		seen[i] = s.ratios[i].value() * expected[i]
	}
	if all := floats.Sum(expected); all > 0 {
		floats.Scale(floats.Sum(seen)/all, expected) // the level is the level's affair
	}
	factors, doubts := shrink(seen, expected, dispersion/points, f == counts)
	if slices.Max(doubts) > 0 {
		s.fine, s.fineDoubts = halves(factors), halves(doubts)
	}
}

// ofDay is the factor of the cell of a bucket of the day, the mean of those of the
// week.
func (s *seasonal) ofDay(bucket int) float64 {
	if len(s.profile) == 0 {
		return 1
	}
	perDay := int(s.perDay())
	cell, days := bucket*perDay/len(s.ratios), len(s.profile)/perDay
	sum := 0.0
	for d := range days {
		sum += s.profile[d*perDay+cell].value()
	}
	return sum / float64(days)
}

// moveClock moves what is known of the time before the last day by some hours,
// as a change to or from daylight-saving time does.
func (s *seasonal) moveClock(h *history, hours int) {
	if hours == 0 {
		return
	}
	old := len(h.cells) - int(s.perDay())
	before := slices.Clone(h.cells[:old])
	for i := range before {
		h.cells[i] = math.NaN()
		if from := i - hours; from >= 0 && from < old {
			h.cells[i] = before[from]
		}
	}
	s.cells = wides(h.cells)
	if len(s.ratios) > 0 {
		s.ratios = rotated(s.ratios, hours*int(s.cell/s.bucket))
	}
}

// rotated shifts the values by n positions, those at the end to the front.
func rotated(v []half, by int) []half {
	cut := (len(v) - by%len(v)) % len(v)
	return slices.Concat(v[cut:], v[:cut])
}

// history is the cells of a model while its season is fitted.
type history struct {
	cells      []float64 // NaN: missing
	from       int64     // index of the first
	per        float64   // buckets in a cell
	dispersion float64
	counts     bool
}

// level is the mean of each cell's surroundings, one cycle long, outliers
// bounded to what is normal at that place of the cycle.
func (h *history) level(cycle int) []float64 {
	bounded := h.bounded(cycle)
	sums, ns := make([]float64, len(bounded)+1), make([]float64, len(bounded)+1)
	for i, x := range bounded {
		sums[i+1], ns[i+1] = sums[i], ns[i]
		if x == x {
			sums[i+1], ns[i+1] = sums[i]+x, ns[i]+1
		}
	}
	out := make([]float64, len(bounded))
	for i := range out {
		from := min(max(0, i-cycle/2), max(0, len(out)-cycle))
		to := min(from+cycle, len(out))
		if n := ns[to] - ns[from]; n > 0 {
			out[i] = (sums[to] - sums[from]) / n
		}
	}
	return out
}

// bounded is the cells, each no further from the median of its place in the
// cycle than what is normal: there, if there are enough cycles to tell, and at all
// places taken together.
func (h *history) bounded(cycle int) []float64 {
	const enough = 8
	out := slices.Clone(h.cells)
	middles, spreads := make([]float64, cycle), make([]float64, cycle)
	var off []float64 // relative distances from the medians, other than those of the medians themselves
	for k := range cycle {
		var at []float64
		for i := k; i < len(out); i += cycle {
			if out[i] == out[i] {
				at = append(at, out[i])
			}
		}
		middles[k] = math.NaN()
		if len(at) < 2 {
			continue // of two, the lower is the median
		}
		middles[k], spreads[k] = medianSpread(at)
		for _, x := range at {
			if x != middles[k] && middles[k] > 0 {
				off = append(off, math.Abs(x-middles[k])/middles[k])
			}
		}
		if len(at) < enough {
			spreads[k] = 0
		}
	}
	usual, _ := medianSpread(off)
	beyond := make([]float64, len(out)) // how far a cell is outside of what is normal
	for i, x := range h.cells {
		middle := middles[i%cycle]
		width := max(min(spreads[i%cycle], middle), 1.5*usual*middle)
		if h.counts {
			width = max(width, math.Sqrt((middle+1/h.per+h.dispersion*middle*middle)/h.per))
		}
		if off := x - middle; math.Abs(off) > 3*width {
			beyond[i] = off - math.Copysign(3*width, off)
		}
	}
	for i, off := range beyond {
		out[i] -= off
		if off != 0 && off*beyond[max(i-1, 0)] <= 0 && off*beyond[min(i+1, len(out)-1)] <= 0 {
			out[i] = middles[i%cycle] // by itself: no shift, so nothing of it counts
		}
	}
	return out
}

// repeats reports whether what the level and the base leave unexplained repeats
// itself after a cycle, on the scale of square roots.
func (h *history) repeats(cycle int, level, base []float64) bool {
	rest := make([]float64, len(h.cells))
	for i, x := range h.bounded(cycle) {
		mean := level[i] * base[h.slot(i, len(base))]
		rest[i] = math.Sqrt(max(x, 0)*h.per+0.375) - math.Sqrt(mean*h.per+0.375)
	}
	return newSpectrum(rest).repeats(cycle)
}

// clockChange tells by how many hours (−1, 0 or 1) the last day came later than
// the profile says, going by which of these explains it clearly best.
func (h *history) clockChange(profile []half) int {
	last := h.cells[len(h.cells)-24:]
	off := func(hours int) float64 {
		sum, weight := 0.0, 0.0
		at := func(i int) float64 {
			return profile[h.slot(len(h.cells)-24+i-hours+len(profile), len(profile))].value()
		}
		for i, x := range last {
			if x == x {
				sum, weight = sum+x, weight+at(i)
			}
		}
		square := 0.0
		for i, x := range last {
			if x == x && weight > 0 {
				mean := at(i) * sum / weight
				d := 2 * (math.Sqrt(max(x, 0)*h.per+0.375) - math.Sqrt(mean*h.per+0.375))
				square += min(d*d/(1+h.dispersion*mean), mostLoss)
			}
		}
		return square
	}
	stay := off(0)
	for _, hours := range []int{-1, 1} {
		if s := off(hours); s < 0.5*stay && s < stay-20 {
			return hours
		}
	}
	return 0
}

func (h *history) slot(i, n int) int {
	at := h.from + int64(i)
	return int(at - floorDiv(at, int64(n))*int64(n))
}

// factors are those of the cells of a cycle as long as the base, relative to
// the base times the level, and their relative variances.
func (h *history) factors(level, base []float64) (factors, doubts []float64) {
	n := len(base)
	seen, expected := make([]float64, n), make([]float64, n)
	newest := len(h.cells)
	points := 0.0
	for i, x := range h.bounded(n) {
		if x != x || level[i] <= 0 {
			continue
		}
		k := h.slot(i, n)
		// Each cycle back counts a little less: habits change.
		w := math.Pow(0.5, float64((newest-1-i)/n)*float64(n)/float64(newest+n))
		points += w * h.per / float64(n)
		seen[k] += w * x * h.per
		expected[k] += w * level[i] * base[k] * h.per
	}
	factors, doubts = shrink(seen, expected, h.dispersion/max(points, 1), h.counts)
	for k := range factors {
		factors[k] *= base[k]
	}
	return factors, doubts
}

// shrink estimates ratios of what was seen to what was expected, each shrunk
// towards 1 by the share of its noise in the variance of all (gamma prior of
// mean 1), and their relative variances. Where chance may be all there is, they are 1. The relative variance that is not due
// to counting is given.
func shrink(seen, expected []float64, variance float64, counted bool) (ratios, variances []float64) {
	noise := func(k int) float64 { // relative variance of seen[k] if the ratio is 1
		if expected[k] <= 0 {
			return math.Inf(1)
		}
		v := 0.0
		if counted {
			v = 1 / expected[k]
		}
		return v + variance
	}
	num, den, bounded, chance := 0.0, 0.0, 0.0, 0.0
	for k := range seen {
		if v := noise(k); !math.IsInf(v, 1) {
			r := seen[k]/expected[k] - 1
			w := 1 / ((v + 0.1) * (v + 0.1))
			num += w * (r*r - v)
			den += w
			// One burst in one place is no season: no place says more than three
			// standard deviations do.
			bounded += w * (min(r*r, 9*v) - v)
			chance += 2 * w * w * v * v
		}
	}
	ratios, variances = make([]float64, len(seen)), make([]float64, len(seen))
	prior := 0.0
	if den > 0 && bounded > 2*math.Sqrt(chance) && num > 0 {
		prior = num / den
	}
	for k := range ratios {
		v := noise(k)
		if prior <= 0 || math.IsInf(v, 1) {
			ratios[k] = 1
			continue
		}
		share := prior / (prior + v)
		ratios[k] = max(1+share*(seen[k]/expected[k]-1), 1e-4)
		variances[k] = share * v
	}
	return ratios, variances
}
