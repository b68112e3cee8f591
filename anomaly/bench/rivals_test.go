package bench

import (
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"

	"nightjar/anomaly"
)

// method scores a series, each point from those before it, except where it says
// otherwise.
type method struct {
	name  string
	score func(labelled) []float64
	slow  bool // half a minute for all series
}

const ours = "nightjar"

var methods = []method{
	{name: ours, score: nightjar},
	{name: "rolling z-score", score: rollingZ},
	{name: "season-naive", score: seasonNaive},
	{name: "same hour last week", score: sameHourLastWeek},
	{name: "spectral residual", score: spectralResidual, slow: true},
	{name: "S-H-ESD, whole series", score: seasonalHybridESD},
}

func nightjar(l labelled) []float64 {
	var s anomaly.Scorer
	out := make([]float64, len(l.value))
	for i, x := range l.value {
		out[i] = s.Add(l.at[i], x).Anomaly
	}
	return out
}

// withEpisodes are our scores as they answer "is it anomalous now": in an episode,
// each point has the highest score of the episode so far (above a threshold: it
// began there, and lasts), or 1 whatever the threshold is (either: in any episode).
func withEpisodes(l labelled) (lasting, either []float64) {
	var s anomaly.Scorer
	highest := 0.0 // of the episode that lasts
	for i, x := range l.value {
		score := s.Add(l.at[i], x)
		now := score.Anomaly
		if score.Episode {
			highest = max(highest, now)
			lasting, either = append(lasting, highest), append(either, 1)
			continue
		}
		highest = 0
		lasting, either = append(lasting, now), append(either, now)
	}
	return lasting, either
}

// moments are the sum and the sum of squares of the last points.
type moments struct {
	last        []float64
	sum, square float64
	n, at       int
}

func newMoments(n int) *moments { return &moments{last: make([]float64, n)} }

func (m *moments) add(x float64) {
	if m.n == len(m.last) {
		old := m.last[m.at]
		m.sum, m.square = m.sum-old, m.square-old*old
	} else {
		m.n++
	}
	m.last[m.at] = x
	m.at = (m.at + 1) % len(m.last)
	m.sum, m.square = m.sum+x, m.square+x*x
}

// z is the distance of x from the mean in standard deviations, 0 while few points
// are known.
func (m *moments) z(x float64) float64 {
	const few = 30
	if m.n < few {
		return 0
	}
	mean := m.sum / float64(m.n)
	deviation := math.Sqrt(max(m.square/float64(m.n)-mean*mean, 0))
	return math.Abs(x-mean) / (deviation + 1e-6*math.Abs(mean) + 1e-12)
}

// rollingZ is the distance from the mean of the last 1,000 points.
func rollingZ(l labelled) []float64 {
	out, m := make([]float64, len(l.value)), newMoments(1000)
	for i, x := range l.value {
		out[i] = m.z(x)
		m.add(x)
	}
	return out
}

// seasonNaive is how far the change since a day ago is from such changes over the
// last 1,000 points, in standard deviations.
func seasonNaive(l labelled) []float64 {
	out, m := make([]float64, len(l.value)), newMoments(1000)
	period := max(l.day(), 1)
	for i, x := range l.value {
		if i >= period {
			change := x - l.value[i-period]
			out[i] = m.z(change)
			m.add(change)
		}
	}
	return out
}

// sameHourLastWeek is how far a value is outside the 5 % and 95 % quantiles of
// the hour around the same time a week ago, in distances between the two.
func sameHourLastWeek(l labelled) []float64 {
	const week, half = 7 * 86_400_000, 30 * 60_000
	out := make([]float64, len(l.value))
	from, to := 0, 0
	for i, x := range l.value {
		for l.at[from] < l.at[i]-week-half {
			from++
		}
		for to < i && l.at[to] <= l.at[i]-week+half {
			to++
		}
		if to-from < 2 {
			continue
		}
		hour := slices.Clone(l.value[from:to])
		slices.Sort(hour)
		low, high := hour[int(0.05*float64(len(hour)-1)+0.5)], hour[int(0.95*float64(len(hour)-1)+0.5)]
		out[i] = max(low-x, x-high, 0) / (high - low + 1e-12)
	}
	return out
}

// spectralResidual is the saliency of the last point of a window over the average
// saliency before it (Ren et al., "Time-series anomaly detection service at
// Microsoft", 2019), with their settings: spectrum averaged over 3 frequencies,
// saliency over 21 points, 5 points estimated beyond the last from the gradients
// of 5 before it. The window is the power of two about their 1,440 points.
func spectralResidual(l labelled) []float64 {
	const window, smooth, average, ahead = 1024, 3, 21, 5
	out := make([]float64, len(l.value))
	fft := fourier.NewCmplxFFT(window)
	in, freq := make([]complex128, window), make([]complex128, window)
	logs, saliency := make([]float64, window), make([]float64, window)
	for i := range l.value {
		if i < window {
			continue
		}
		have := window - ahead
		for k := range have {
			in[k] = complex(l.value[i-have+1+k], 0)
		}
		estimated := extrapolate(l.value[i-ahead : i+1])
		for k := have; k < window; k++ {
			in[k] = complex(estimated, 0)
		}
		fft.Coefficients(freq, in)
		for k, c := range freq {
			logs[k] = math.Log(cmplx.Abs(c) + 1e-8)
		}
		for k, c := range freq {
			mean := 0.0
			for d := range smooth {
				mean += logs[(k+window-d)%window] / smooth
			}
			freq[k] = c * complex(math.Exp(logs[k]-mean)/(cmplx.Abs(c)+1e-8), 0)
		}
		for k, c := range fft.Sequence(nil, freq) {
			saliency[k] = cmplx.Abs(c)
		}
		at, mean := have-1, 0.0
		for k := range average {
			mean += saliency[at-1-k] / average
		}
		out[i] = max((saliency[at]-mean)/(mean+1e-12), 0)
	}
	return out
}

// extrapolate is the point after the last but one, by the mean gradient from each
// of the others to the last.
func extrapolate(v []float64) float64 {
	n := len(v) - 1
	gradient := 0.0
	for k := range n {
		gradient += (v[n] - v[k]) / float64(n-k) / float64(n)
	}
	return v[1] + gradient*float64(n)
}

// seasonalHybridESD is Twitter's detector (Hochenbaum, Vallis and Kejariwal,
// "Automatic anomaly detection in the cloud via statistical learning", 2017): the
// mean by time of day is taken away, the median with it, and the generalised ESD
// test with median and MAD removes the farthest point again and again. The score
// of a point is the statistic at its removal. It sees the whole series at once.
func seasonalHybridESD(l labelled) []float64 {
	season := seasonByMean(l)
	order := make([]int, len(l.value))
	rest := make([]float64, len(l.value))
	for i, x := range l.value {
		order[i], rest[i] = i, x-season[i%len(season)]
	}
	slices.SortFunc(order, func(a, b int) int { return descending(rest[b], rest[a]) })
	out := make([]float64, len(rest))
	from, to := 0, len(order)
	last := math.Inf(1)
	for from < to {
		at := func(k int) float64 { return rest[order[from+k]] }
		middle, spread := medianMAD(at, to-from)
		low, high := middle-at(0), at(to-from-1)-middle
		i, far := order[from], low
		if high > low {
			i, far = order[to-1], high
			to--
		} else {
			from++
		}
		last = min(last, far/(spread+1e-12)) // removal widens what is left: keep the order
		out[i] = last
		if 2*(to-from) < len(order) {
			break
		}
	}
	return out
}

// seasonByMean is the mean of each time of day, over the whole series.
func seasonByMean(l labelled) []float64 {
	period := max(l.day(), 1)
	if len(l.value) < 2*period {
		period = 1
	}
	season, n := make([]float64, period), make([]float64, period)
	for i, x := range l.value {
		season[i%period] += x
		n[i%period]++
	}
	for k := range season {
		season[k] /= n[k]
	}
	return season
}

// medianMAD is the median of n ascending values, and the median distance from it.
func medianMAD(at func(int) float64, n int) (middle, spread float64) {
	middle = at(n / 2)
	low, high := n/2, n/2 // the nearest values not counted yet are low−1 and high
	for range n/2 + 1 {
		if low > 0 && (high >= n || middle-at(low-1) < at(high)-middle) {
			low--
			spread = middle - at(low)
		} else {
			spread = at(high) - middle
			high++
		}
	}
	return middle, 1.4826 * spread
}
