package anomaly

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// family is the kind of numbers a series has.
type family uint8

const (
	counts   family = iota // whole numbers from 0
	positive               // real numbers from 0
	signed                 // real numbers
)

const manyCounts = 1e8

// distribution is what a bucket is expected to hold.
type distribution struct {
	family   family
	mean     float64 // where the bucket is not empty by itself
	variance float64 // likewise
	empty    float64 // probability that the bucket is empty by itself (zero inflation)
}

// below is P(X < x).
//
// Counts are negative binomial with the mean and the variance, a Poisson where
// the variance is hardly above the mean: P(X ≤ k) is the regularised incomplete
// beta function I(p; r, k+1), in the Poisson limit the upper incomplete gamma
// function Q(k+1, mean). Those with a mean from manyCounts on are as good as real
// numbers, and are taken as such: the beta function is no longer exact there.
func (d distribution) below(x float64) float64 {
	if d.family == signed {
		return distuv.Normal{Mu: d.mean, Sigma: math.Sqrt(max(d.variance, math.SmallestNonzeroFloat64))}.CDF(x)
	}
	switch {
	case !(x > 0):
		return 0
	case d.mean <= 0:
		return 1
	case d.family == positive:
		shape := d.mean * d.mean / max(d.variance, 1e-12*d.mean*d.mean)
		return d.empty + (1-d.empty)*mathext.GammaIncReg(shape, shape*x/d.mean)
	}
	k := math.Ceil(min(x, largest)) - 1
	if d.mean >= manyCounts {
		d.family, d.variance = positive, max(d.variance, d.mean)
		return d.below(k + 0.5)
	}
	excess := (d.variance - d.mean) / (d.mean * d.mean)
	var p float64
	if excess*d.mean < 1e-3 {
		p = mathext.GammaIncRegComp(k+1, d.mean)
	} else {
		r := 1 / excess
		p = mathext.RegIncBeta(r, k+1, r/(r+d.mean))
	}
	return d.empty + (1-d.empty)*min(max(p, 0), 1)
}

// atMost is P(X ≤ x).
func (d distribution) atMost(x float64) float64 {
	switch {
	case d.family == counts:
		return d.below(math.Floor(x) + 1)
	case d.family == positive && x == 0:
		return d.empty
	}
	return d.below(x)
}

// quantile is the smallest value x, a whole number for counts, for which
// P(X ≤ x) ≥ p, to a thousandth of a standard deviation.
func (d distribution) quantile(p float64) float64 {
	deviation := math.Sqrt(max(d.variance, 0))
	low, high := 0.0, d.mean+deviation
	if d.family == signed {
		low = d.mean - deviation
		for d.below(low) > p && deviation > 0 {
			low -= 2 * (high - low)
		}
	}
	whole := d.family == counts
	if whole {
		low, high = -1, math.Ceil(high)+1
	}
	atMost := func(x float64) float64 {
		if whole {
			return d.below(x + 1)
		}
		return d.below(x)
	}
	for range 64 {
		if atMost(high) >= p {
			break
		}
		high += 2 * (high - low)
	}
	near := max(deviation*1e-3, 1e-12*math.Abs(high))
	for whole && high-low > 1 || !whole && high-low > near {
		middle := (low + high) / 2
		if whole {
			middle = math.Floor(middle)
		}
		if middle <= low || middle >= high {
			break
		}
		if atMost(middle) >= p {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// widened is the distribution with a standard deviation that many times as wide.
func (d distribution) widened(by float64) distribution {
	d.variance *= by * by
	return d
}
