package anomaly

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/stat"
)

// minSeason is the shortest season looked for, in points: below it a cycle has
// too few phases to tell it from noise that is correlated.
const minSeason = 6

// spectrum is what a regular series says about its seasons: the power of each
// frequency, and the correlation of the series with itself at each lag, both of
// the series without its outliers and its straight trend.
type spectrum struct {
	n      int       // points of the series
	length int       // of the transform: the next power of two above 2n
	power  []float64 // by frequency k / length
	acf    []float64 // by lag, 1 at lag 0; lags up to n/2
}

// newSpectrum transforms a series, NaN where a point is missing. A constant
// series has no power and no correlation. The autocorrelation is the inverse
// transform of the power (Wiener and Khinchin), each lag divided by the number
// of pairs it has.
func newSpectrum(series []float64) *spectrum {
	n := len(series)
	length := 2
	for length < 2*n {
		length *= 2
	}
	x := make([]float64, length)
	present := make([]float64, length)
	copy(x, withoutTrend(series))
	for i, v := range x {
		if v != v {
			x[i] = 0
		} else if i < n {
			present[i] = 1
		}
	}
	s := &spectrum{n: n, length: length}
	fft := fourier.NewFFT(length)
	s.power = power(fft, x)
	s.acf = lags(fft, s.power, n/2)
	for i, pairs := range lags(fft, power(fft, present), n/2) {
		if pairs >= 1 {
			s.acf[i] /= pairs
		}
	}
	if v := s.acf[0]; v > 0 {
		for i := range s.acf {
			s.acf[i] /= v
		}
	}
	return s
}

func power(fft *fourier.FFT, x []float64) []float64 {
	c := fft.Coefficients(nil, x)
	p := make([]float64, len(c))
	for i, v := range c {
		p[i] = real(v)*real(v) + imag(v)*imag(v)
	}
	return p
}

// lags are the products of a series with itself, shifted by 0 to n points,
// given its power.
func lags(fft *fourier.FFT, power []float64, n int) []float64 {
	c := make([]complex128, len(power))
	for i, v := range power {
		c[i] = complex(v/float64(fft.Len()), 0)
	}
	return fft.Sequence(nil, c)[:n+1]
}

// withoutTrend bounds a series to what is normal in it and takes its straight
// trend away, so that neither outliers nor growth look like a season.
func withoutTrend(series []float64) []float64 {
	out := slices.Clone(series)
	middle, spread := medianSpread(series)
	var at, v []float64
	for i := range out {
		if out[i] == out[i] {
			out[i] = min(max(out[i], middle-5*spread), middle+5*spread)
			at, v = append(at, float64(i)), append(v, out[i])
		}
	}
	if len(v) < 2 {
		return out
	}
	a, b := stat.LinearRegression(at, v, nil, false)
	for i := range out {
		out[i] -= a + b*float64(i)
	}
	return out
}

// correlation is the autocorrelation at a lag, 0 beyond half the series.
func (s *spectrum) correlation(lag int) float64 {
	if lag <= 0 || lag >= len(s.acf) {
		return 0
	}
	return s.acf[lag]
}

// seasonal reports whether the series repeats itself after lag points: it is
// correlated with itself there, more so than at half the lag or around it. A
// series that only drifts is correlated at every short lag, so the correlation
// must have fallen in between and have come back.
func (s *spectrum) seasonal(lag int) bool {
	c := s.correlation(lag)
	if lag < minSeason || c < max(0.15, 3/math.Sqrt(float64(s.n))) {
		return false
	}
	lowest := slices.Min(s.acf[1:lag])
	for near := max(1, lag-lag/16); near < min(lag+lag/16+1, len(s.acf)); near++ {
		if s.acf[near] > c*1.02 {
			return false
		}
	}
	return c-lowest > max(0.15, c/3)
}

// repeats is seasonal for a lag that was expected and a season that may be faint
// in noise: it averages the correlation over up to four cycles.
func (s *spectrum) repeats(lag int) bool {
	cycles := min(4, (len(s.acf)-1)/lag)
	if lag < minSeason || cycles < 1 {
		return false
	}
	c := 0.0
	for k := 1; k <= cycles; k++ {
		c += s.acf[k*lag] / float64(cycles)
	}
	return c > max(0.04, 3/math.Sqrt(float64(s.n*cycles))) && c-slices.Min(s.acf[1:lag]) > max(0.08, c/3)
}

// peaks are the lengths of the seasons that the periodogram shows, strongest
// first, each moved to the lag nearby where the autocorrelation is highest.
func (s *spectrum) peaks(most int) []int {
	type peak struct {
		power float64
		k     int
	}
	var found []peak
	first := max(2, 2*s.length/s.n) // at least two cycles
	for k := first; k < len(s.power)-1 && s.length/k >= minSeason; k++ {
		if s.power[k] > s.power[k-1] && s.power[k] >= s.power[k+1] {
			found = append(found, peak{s.power[k], k})
		}
	}
	slices.SortFunc(found, func(a, b peak) int {
		switch {
		case a.power != b.power && a.power > b.power:
			return -1
		case a.power != b.power:
			return 1
		}
		return a.k - b.k
	})
	var out []int
	for _, p := range found {
		if len(out) == most {
			break
		}
		lag := s.climb(float64(s.length)/float64(p.k), float64(s.length)/float64(p.k*s.n))
		if s.seasonal(lag) && !slices.Contains(out, lag) {
			out = append(out, lag)
		}
	}
	return out
}

// climb finds the lag of the highest autocorrelation near a period, whose
// uncertainty is one bin of the periodogram of n points.
func (s *spectrum) climb(period, cycles float64) int {
	width := max(1, period*min(0.5, cycles/2))
	best := int(math.Round(period))
	for lag := int(period - width); lag <= int(period+width)+1; lag++ {
		if s.correlation(lag) > s.correlation(best) {
			best = lag
		}
	}
	return best
}

// medianSpread is the median of a series and the standard deviation that a
// normal distribution with its quartiles would have; where more than half of it
// is one value, the standard deviation itself. Missing points count nowhere.
func medianSpread(series []float64) (middle, spread float64) {
	v := make([]float64, 0, len(series))
	for _, x := range series {
		if x == x {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return 0, 0
	}
	slices.Sort(v)
	middle = stat.Quantile(0.5, stat.Empirical, v, nil)
	spread = (stat.Quantile(0.75, stat.Empirical, v, nil) - stat.Quantile(0.25, stat.Empirical, v, nil)) / 1.349
	if spread <= 0 {
		spread = stat.PopStdDev(v, nil)
	}
	return middle, spread
}

// seasons are at most three seasons that the series has, the day and the week
// (in points; 0: unknown) tried first.
func (s *spectrum) seasons(day int) []int {
	candidates := s.peaks(4)
	slices.Sort(candidates)
	if day > 0 {
		candidates = append([]int{day, 7 * day}, candidates...)
	}
	var out []int
next:
	for _, p := range candidates {
		if len(out) == 3 {
			break
		}
		if !s.seasonal(p) {
			continue
		}
		for _, q := range out {
			off := math.Abs(float64(p)/float64(q) - math.Round(float64(p)/float64(q)))
			if (p > q && off < 0.05 || math.Abs(float64(p-q)) < float64(p)/8) && s.acf[p] < s.acf[q]+0.02 {
				continue next
			}
		}
		out = append(out, p)
	}
	return out
}
