package anomaly

import "math"

// memories are the half-lives, in buckets, of the averages that compete for the
// level of a series: the shorter follow shifts and growth, the longer are exact.
var memories = [...]float64{10, 40, 160, 640}

var discounts = func() (d [len(memories)]float64) {
	for i, m := range memories {
		d[i] = math.Exp2(-1 / m)
	}
	return d
}()

const (
	// lossReach is how many buckets back the competition looks, and mostLoss the
	// most that one bucket counts there, in squared standard deviations.
	lossReach, mostLoss = 500, 16
	// dispersionReach is how many buckets the dispersion is averaged over.
	dispersionReach = 4000
)

// level estimates what a bucket holds beside its season, and how much buckets
// vary. Each memory keeps the discounted sum of the values and of the season's
// factors; their ratio is the level, the number of events behind it its precision
// (Harvey and Fernandes, "Time series models for count or qualitative
// observations", 1989).
type level struct {
	Sum, Weight, Loss [len(memories)]float64
	// Over and Base are averages whose ratio is the dispersion φ: the variance is
	// mean + φ·mean² for counts, φ·mean² for positive and φ for signed numbers.
	Over, Base float64
	N          float64 // buckets learned
}

// best is the memory that foresaw best of late.
func (l *level) best() int {
	best := len(memories) - 1
	for i := best - 1; i >= 0; i-- {
		// A longer memory stands until it is clearly worse: it is less noisy.
		if l.Loss[i] < 0.99*l.Loss[best] {
			best = i
		}
	}
	return best
}

// at is the level by one memory, and the relative variance of that estimate. The
// half event is Jeffreys's prior: nothing is quite impossible.
func (l *level) at(memory int, f family) (value, uncertain float64) {
	sum, weight := l.Sum[memory], l.Weight[memory]
	if weight <= 0 {
		return 0, 1
	}
	if f != counts {
		return sum / weight, 0.5 / weight * l.dispersion()
	}
	// Weights that fall off geometrically are worth twice their sum in precision.
	return (2*sum + 0.5) / (2 * weight), 1/(2*sum+0.5) + l.dispersion()/(2*weight)
}

// dispersion is φ. There is prior evidence for a little of it, four units, and in
// a young series for a lot, which keeps the first buckets from being all too sure.
func (l *level) dispersion() float64 {
	const usual, youthful = 0.1, 0.5
	n := min(l.N, dispersionReach)
	young := 6 * l.Base * max(0, 1-l.N/100)
	return max(0, (l.Over*n+4*usual+young*youthful)/(l.Base*n+4+young))
}

// foresee is the distribution of a bucket with the given season's factor, whose
// own relative variance is known.
func (l *level) foresee(memory int, factor, doubt float64, f family) distribution {
	value, uncertain := l.at(memory, f)
	mean := value * factor
	d := distribution{family: f, mean: mean}
	switch f {
	case counts:
		d.variance = mean + mean*mean*(l.dispersion()+uncertain+doubt)
	case positive:
		d.variance = mean * mean * (l.dispersion() + uncertain + doubt)
	case signed:
		d.variance = l.dispersion() + mean*mean*doubt
	}
	return d
}

// learn takes in a bucket, its value already bounded to what is normal.
func (l *level) learn(x, factor, doubt float64, f family) {
	l.N++
	rate := max(1/l.N, 1.0/lossReach)
	best := l.best()
	if l.N > 1 {
		for i := range memories {
			value, _ := l.at(i, f)
			l.Loss[i] += rate * (min(distance(x, value*factor, l.dispersion(), f), mostLoss) - l.Loss[i])
		}
		l.learnDispersion(x, l.foresee(best, factor, doubt, f), best, doubt)
	}
	for i, d := range discounts {
		l.Sum[i] = d*l.Sum[i] + x
		l.Weight[i] = d*l.Weight[i] + factor
	}
}

// slowly is how much of the way to an anomalous bucket is learned at once.
const slowly = 0.002

// nudge is learn where a bucket is not normal.
func (l *level) nudge(x, factor float64, f family) {
	for i, d := range discounts {
		value, _ := l.at(i, f)
		l.Sum[i] = d*l.Sum[i] + value*factor + slowly*(x-value*factor)
		l.Weight[i] = d*l.Weight[i] + factor
	}
}

// distance is the squared distance of x from a mean, in standard deviations;
// counts on the scale of square roots, where their variance is the same at every
// mean (Anscombe 1948).
func distance(x, mean, dispersion float64, f family) float64 {
	if f == counts {
		d := 2 * (math.Sqrt(x+0.375) - math.Sqrt(max(mean, 0)+0.375))
		return d * d / (1 + dispersion*max(mean, 0))
	}
	scale := dispersion
	if f == positive {
		scale *= mean * mean
	}
	return (x - mean) * (x - mean) / max(scale, 1e-300)
}

// leastWeighed is the least relative variance by which a bucket of counts is weighed,
// and its error bounded: one whose foresight was all too sure, at means above 10,000,
// would outweigh all that come after it, and what is bounded to nothing stays nothing.
const leastWeighed = 1e-4

// renew makes the averages of errors follow soon: a season that was just found
// has none of those from before.
func (l *level) renew() { l.N = min(l.N, 20) }

// learnDispersion averages how far squared errors exceed what the mean explains,
// weighted by the precision that each has.
func (l *level) learnDispersion(x float64, d distribution, memory int, doubt float64) {
	rate := max(1/l.N, 1.0/dispersionReach)
	_, uncertain := l.at(memory, d.family)
	mean2 := d.mean * d.mean
	v := d.variance
	if d.family == counts {
		v = max(v, leastWeighed*mean2)
	}
	square := min((x-d.mean)*(x-d.mean), 50*v)
	over, base := square, 1.0
	switch d.family {
	case counts:
		w := 1 / max(v*v, 1e-12)
		over, base = (square-d.mean-mean2*(uncertain+doubt))*mean2*w, mean2*mean2*w
	case positive:
		over, base = square/max(mean2, 1e-300)-(uncertain+doubt), 1
	}
	l.Over += rate * (over - l.Over)
	l.Base += rate * (base - l.Base)
}
