package anomaly

// levels is what a model knows of the height of a series: of all its buckets and,
// where many are empty by themselves, of those that are not.
type levels struct {
	all    level // of every bucket
	filled level // of buckets that are not empty
	empty  zeros
}

// zeros counts the empty buckets where, going by the filled ones, there should
// hardly be any: their share is the zero inflation.
type zeros struct{ Share, N float64 }

const (
	// fullMean is the least mean at which an empty bucket is telling.
	fullMean = 4
	// leastInflation is the least share of empty buckets modelled as such.
	leastInflation = 0.02
	// leastEmpty is how many there are at least: in a young series the first of an
	// outage, which are learned until there are enough for a spell, are more than 2 %.
	leastEmpty = 5
)

// learn takes in a bucket: its value, and as much of it as is normal.
func (l *levels) learn(b taken, f family) {
	factor, doubt := b.factor, b.doubt
	l.all.learn(b.x, factor, doubt, f)
	if f == signed {
		return
	}
	value, _ := l.filled.at(l.filled.best(), f)
	if l.filled.N == 0 || value*factor >= fullMean {
		l.empty.N++
		hit := 0.0
		if b.value == 0 {
			hit = 1
		}
		l.empty.Share += max(1/l.empty.N, 1.0/dispersionReach) * (hit - l.empty.Share)
	}
	if b.value != 0 {
		l.filled.learn(l.usual(b, f), factor, doubt, f)
	}
}

// fewFilled is how many buckets that are not empty are learned as they are.
const fewFilled = 10

// usual is what of a bucket that is not empty is normal among those: where most are
// empty, each that is not is anomalous among all.
func (l *levels) usual(b taken, f family) float64 {
	if l.filled.N < fewFilled {
		return b.value
	}
	d := l.filled.foresee(l.filled.best(), b.factor, b.doubt, f)
	if d.below(b.value) > 1-usualTail {
		return min(b.value, d.quantile(1-usualTail))
	}
	return b.value
}

// nudge takes in a little of a bucket that is not normal: a share of the way from
// what was foreseen to the value, and nothing of how buckets vary.
func (l *levels) nudge(b taken, f family) {
	l.all.nudge(b.x, b.factor, f)
	if f != signed && b.value != 0 {
		l.filled.nudge(l.usual(b, f), b.factor, f)
	}
}

// inflated reports whether the series has buckets that are empty by themselves,
// beside those that the distribution of the others explains.
func (l *levels) inflated(filled distribution) bool {
	return filled.family != signed && l.empty.N >= 20 && filled.mean >= fullMean &&
		l.empty.Share*min(l.empty.N, dispersionReach) > leastEmpty-0.5 && l.empty.Share > max(leastInflation, 3*filled.below(1))
}

// foresee is the distribution of a bucket, and the level that it was made from.
func (l *levels) foresee(factor, doubt float64, f family) (distribution, *level) {
	best := l.filled.best()
	if l.inflated(l.filled.foresee(best, factor, 0, f)) {
		filled := l.filled.foresee(best, factor, doubt, f)
		filled.empty = l.empty.Share
		return filled, &l.filled
	}
	return l.all.foresee(l.all.best(), factor, doubt, f), &l.all
}

func (l *levels) renew() {
	l.all.renew()
	l.filled.renew()
}
