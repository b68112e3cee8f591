package anomaly

import "math"

const (
	rankBins    = 400
	rankPerUnit = 50.0 // bins for each whole number of the logarithm
)

// ranks counts improbabilities: decimal logarithms of one over a probability.
type ranks struct {
	bins  [rankBins]float64
	above [rankBins]float64 // in higher bins, when last summed up
	atom  [rankBins]float64 // the only one in a bin; NaN when there are several
	n     float64
	fresh int
	known float64 // n when last summed up
}

func rankBin(l float64) int { return min(int(l*rankPerUnit), rankBins-1) }

// add takes in an improbability ≥ 0.
func (r *ranks) add(l float64) {
	b := rankBin(l)
	switch {
	case r.bins[b] == 0:
		r.atom[b] = l
	case r.atom[b] != l:
		r.atom[b] = math.NaN()
	}
	r.bins[b]++
	r.n++
	if r.fresh++; float64(r.fresh) > min(staleness*r.known, mostStale) {
		sum := 0.0
		for i := rankBins - 1; i >= 0; i-- {
			r.above[i] = sum
			sum += r.bins[i]
		}
		r.known, r.fresh = r.n, 0
	}
}

// reaching is how many were l or more.
func (r *ranks) reaching(l float64) float64 {
	b := rankBin(l)
	if a := r.atom[b]; a == a {
		if a >= l {
			return r.above[b] + r.bins[b]
		}
		return r.above[b]
	}
	return r.above[b] + r.bins[b]*min(max(float64(b)+1-l*rankPerUnit, 0), 1)
}

// quantile is what a share of all reach.
func (r *ranks) quantile(share float64) float64 {
	from, to := 0, rankBins-1 // the first bin with at most that share above it
	for from < to {
		b := (from + to) / 2
		if r.above[b] <= share*r.known {
			to = b
		} else {
			from = b + 1
		}
	}
	part := 0.0
	if r.bins[from] > 0 {
		part = min((share*r.known-r.above[from])/r.bins[from], 1)
	}
	return (float64(from) + 1 - part) / rankPerUnit
}
