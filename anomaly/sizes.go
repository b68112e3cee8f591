package anomaly

import "math"

const (
	// sizeBins are the classes of sizes, eight an octave, the first of them at
	// 2^sizeExponent; what is smaller or larger is in the first or the last.
	sizeBins     = 640
	sizeExponent = -40
	// sizeMemory is how many of the last sizes count, about.
	sizeMemory = 20_000
	// tailShare is the share of the sizes that are the tail, tailLeast how many
	// there are at least, and thinnest the least mean of the logarithm of how far
	// they go beyond its begin: thinner tails are not believed.
	tailShare, tailLeast, thinnest = 0.005, 8.0, 0.1
	// tailFrom is how many sizes must be known before a tail is believed: one through
	// eight of ten sizes is none.
	tailFrom = 100
	// seenBefore is the weight, in the tail, of how many were as large, beside that
	// of the fit.
	seenBefore = 0.1
	// staleness is the share of the sizes that can be new since they were summed up.
	staleness = 1.0 / 64
	// mostStale is the most of them.
	mostStale = 48
)

// sizes say how probable it is that a size is as large as the one at hand: by
// counting what came before (conformal prediction; Vovk, Gammerman and Shafer,
// "Algorithmic Learning in a Random World", 2005), and beyond what is counted
// often, by a Pareto distribution through the quantiles of the largest (Hill, "A
// simple general approach to inference about the tail of a distribution", 1975).
//
// Sizes weigh less the older they are. The zero value knows nothing.
type sizes struct {
	bins   [sizeBins]float64
	atom   [sizeBins]float64 // the only size in a bin; NaN when there are several
	total  float64
	weight float64 // of the next size
	fresh  int     // added since above was summed up
	// Summed up: the weight in higher bins, and where the tail begins.
	above       [sizeBins]float64
	summed      float64
	n           float64 // sizes, as far as they still count
	tailed      float64 // of these, in the tail
	begin, mean float64 // of the tail: first size, and mean of the logarithm beyond
}

func sizeBin(u float64) int {
	b := int(math.Float64bits(u)>>49) - (1023+sizeExponent)<<3
	return min(max(b, 0), sizeBins-1)
}

// sizeEdge is the smallest size of a bin.
func sizeEdge(b int) float64 {
	return math.Float64frombits(uint64(b+(1023+sizeExponent)<<3) << 49)
}

// add takes in a size ≥ 0.
func (t *sizes) add(u float64) {
	if t.weight == 0 {
		t.weight = 1
	}
	b := sizeBin(u)
	switch {
	case t.bins[b] == 0:
		t.atom[b] = u
	case t.atom[b] != u:
		t.atom[b] = math.NaN()
	}
	t.bins[b] += t.weight
	t.total += t.weight
	t.weight *= 1 + 1.0/sizeMemory
	if t.fresh++; float64(t.fresh) > min(staleness*t.n, mostStale) {
		t.sum()
	}
}

// sum brings what is summed up to date.
func (t *sizes) sum() {
	if t.weight > 1e9 {
		for i := range t.bins {
			t.bins[i] /= t.weight
		}
		t.total /= t.weight
		t.weight = 1
	}
	sum := 0.0
	t.n = t.total / t.weight
	t.tailed = max(tailShare*t.n, tailLeast)
	quarter := 0.0
	t.begin = 0
	for i := sizeBins - 1; i >= 0; i-- {
		t.above[i] = sum
		sum += t.bins[i]
		if quarter == 0 && sum >= t.tailed/4*t.weight {
			quarter = t.quantile(i, t.tailed/4)
		}
		if t.begin == 0 && sum >= t.tailed*t.weight {
			t.begin = t.quantile(i, t.tailed)
		}
	}
	if t.begin > 0 {
		t.mean = max(math.Log(quarter/t.begin)/math.Log(4), thinnest)
	}
	t.summed, t.fresh = sum, 0
}

// quantile is the size in a bin that a number of sizes reach.
func (t *sizes) quantile(b int, n float64) float64 {
	low, high := sizeEdge(b), sizeEdge(b+1)
	return high - (n*t.weight-t.above[b])/t.bins[b]*(high-low)
}

// median is the size that half of all reach.
func (t *sizes) median() float64 {
	if t.n == 0 {
		return 0
	}
	from, to := 0, sizeBins-1 // the last bin with half of the weight at or above it
	for from < to {
		b := (from + to + 1) / 2
		if t.above[b-1] >= t.summed/2 {
			from = b
		} else {
			to = b - 1
		}
	}
	return sizeEdge(from)
}

// chance is the probability of a size of u or more.
func (t *sizes) chance(u float64) float64 {
	if t.n == 0 {
		return 1
	}
	b := sizeBin(u)
	counted := ((t.above[b]+t.reaching(b, u))/t.weight + 0.5) / (t.n + 1)
	most := (t.tailed + 0.5) / (t.n + 1)
	if counted >= most || t.begin == 0 || t.n < tailFrom {
		return counted
	}
	fit := t.tailed / (t.n + 1) * math.Exp(-math.Log(u/t.begin)/t.mean)
	if t.above[b] > 0 {
		fit = math.Pow(fit, 1-seenBefore) * math.Pow(counted, seenBefore)
	}
	return min(fit, most)
}

// reaching is the weight in a bin of the sizes of u or more.
func (t *sizes) reaching(b int, u float64) float64 {
	if a := t.atom[b]; a == a {
		if a >= u {
			return t.bins[b]
		}
		return 0
	}
	low, high := sizeEdge(b), sizeEdge(b+1)
	return t.bins[b] * min(max((high-u)/(high-low), 0), 1)
}
