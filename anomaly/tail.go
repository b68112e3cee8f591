package anomaly

import "math"

// tail learns how often a series goes as far to one side as its distribution says.
// The distribution is a shape with a mean and a variance; real series have other
// shapes. On the scale t = −ln(probability of more) a fitting shape makes t
// exponential; here the hazard of t is learned by intervals (the occurrence and
// exposure of a piecewise exponential distribution, Holford, "The analysis of rates
// and of survivorship using log-linear models", 1980), each drawn towards 1.
type tail struct{ Ends, Exposure [len(tailEdges)]float64 }

// tailEdges are where the intervals of t begin; the last ends at tailReach. Further
// out nothing is learned, so that a spike of any size says as much as one at
// 0.999, and the hazard of all but the first interval is used.
var tailEdges = [...]float64{0, 2.3, 3.5, 4.6, 5.8}

const (
	tailReach = 7
	// tailBuckets is how many buckets the learning reaches back.
	tailBuckets = 6000
	// tailPrior is how many buckets' worth of fitting shape each interval starts with.
	tailPrior = 4
	// tailKept is how much of what was learned stays when the season is another.
	tailKept = 0.05
	// mostSurprise bounds t: a float tells apart no more of a probability near 1.
	mostSurprise = 36
	// leastHazard and mostHazard bound what can be learned.
	leastHazard, mostHazard = 0.05, 3
)

// surprise is −ln of a probability.
func surprise(p float64) float64 {
	return min(-math.Log(max(p, math.SmallestNonzeroFloat64)), mostSurprise)
}

func tailWidth(k int) float64 {
	if k+1 < len(tailEdges) {
		return tailEdges[k+1] - tailEdges[k]
	}
	return tailReach - tailEdges[k]
}

// learn takes in a surprise, with a weight up to 1.
func (l *tail) learn(t, weight float64) {
	keep := 1 - weight/tailBuckets
	for k, from := range tailEdges {
		width := tailWidth(k)
		l.Ends[k] *= keep
		l.Exposure[k] *= keep
		if t > from {
			l.Exposure[k] += weight * min(t-from, width)
		}
		if t >= from && t < from+width {
			l.Ends[k] += weight
		}
	}
}

// renew makes what comes count for more: a season that was just found explains what
// looked like the shape of a tail.
func (l *tail) renew() {
	for k := range tailEdges {
		l.Ends[k] *= tailKept
		l.Exposure[k] *= tailKept
	}
}

// hazard is that of an interval; of len(tailEdges), that of what is further out.
func (l *tail) hazard(k int) float64 {
	ends, exposure := float64(tailPrior), float64(tailPrior)
	if k < len(tailEdges) {
		ends, exposure = ends+l.Ends[k], exposure+l.Exposure[k]
	} else {
		for k := 1; k < len(tailEdges); k++ {
			ends, exposure = ends+l.Ends[k], exposure+l.Exposure[k]
		}
	}
	return min(max(ends/exposure, leastHazard), mostHazard)
}

// seen is the surprise that one by the distribution comes to, going by what was
// learned.
func (l *tail) seen(t float64) float64 {
	out := 0.0
	for k, from := range tailEdges {
		width := tailWidth(k)
		if t <= from+width {
			return out + l.hazard(k)*(t-from)
		}
		out += l.hazard(k) * width
	}
	return min(out+l.hazard(len(tailEdges))*(t-tailReach), mostSurprise)
}

// asked is the surprise by the distribution that comes to another: the inverse of
// seen.
func (l *tail) asked(t float64) float64 {
	for k, from := range tailEdges {
		h, width := l.hazard(k), tailWidth(k)
		if t <= h*width {
			return from + t/h
		}
		t -= h * width
	}
	return min(tailReach+t/l.hazard(len(tailEdges)), mostSurprise)
}

// calibrated is the probability of more, going by what was learned.
func (l *tail) calibrated(p float64) float64 { return math.Exp(-l.seen(surprise(p))) }

// chance is a number in [0, 1) that depends on a bucket and looks like chance: what
// counts are spread by between P(X < x) and P(X ≤ x), so that their surprises are
// exponential though they are discrete. (The finalizer of SplitMix64.)
func chance(bucket int64) float64 {
	z := uint64(bucket)*0x9e3779b97f4a7c15 + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
