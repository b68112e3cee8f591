package anomaly

import "math"

// Foresight is what a model expects of a bucket, from those before it. It stays as
// it is when the model goes on.
type Foresight struct {
	distribution
	known     bool // there was history
	high, low tail
	slow      slowView
}

// Foresee is what is expected of the bucket that contains a time (ms), which comes
// after all buckets learned.
func (m *Model) Foresee(start int64) Foresight {
	f := m.foresee(m.index(start))
	f.distribution = f.widened(m.widen())
	return f
}

// foresee is the foresight of bucket i, without tolerance.
func (m *Model) foresee(i int64) Foresight {
	f := Foresight{known: m.buckets > 0, high: m.high, low: m.low, slow: m.drift.at(i)}
	factor, doubt := m.season.factor(i)
	f.distribution, _ = m.levels.foresee(factor, doubt, m.family)
	return f
}

// Below is P(X < value), 0 without history.
func (f *Foresight) Below(value float64) float64 {
	if !f.known || value != value {
		return 0
	}
	p := 1 - f.high.calibrated(1-f.below(value))
	if f.slow.Side > 0 && value > f.mean*(1-f.empty)*f.slow.Ratio {
		p = max(p, f.slow.P)
	}
	return p
}

// AtMost is P(X ≤ value), 1 without history.
func (f *Foresight) AtMost(value float64) float64 {
	if !f.known || value != value {
		return 1
	}
	p := f.low.calibrated(f.atMost(value))
	if f.slow.Side < 0 && value < f.mean*(1-f.empty)*f.slow.Ratio {
		p = min(p, 1-f.slow.P)
	}
	return p
}

// Band is what the bucket is expected to hold.
func (f *Foresight) Band() Band {
	if !f.known {
		return Band{}
	}
	return Band{Lower: f.lower(0.005), Median: f.quantile(0.5), Upper: f.upper(0.005)}
}

// upper is the value that is exceeded with a small probability, lower the one that
// is not reached.
func (f *Foresight) upper(p float64) float64 {
	return f.quantile(1 - math.Exp(-f.high.asked(surprise(p))))
}

func (f *Foresight) lower(p float64) float64 {
	return f.quantile(math.Exp(-f.low.asked(surprise(p))))
}

const (
	// alarmTail is the probability beyond which a bucket is anomalous: rules that say
	// nothing else alarm there.
	alarmTail = 0.005
	// usualTail is that of the most that is learned of a bucket.
	usualTail = 0.0005
)

// weigh tells on which side a value is anomalous (0: it is not) and how much so, 1 or
// 2, and what of it is learned: what lies beyond the normal counts as the most that is
// usual.
func (m *Model) weigh(f Foresight, value float64) (odd int64, learned float64) {
	if m.all.N < 3 {
		return 0, value
	}
	above, below := f.high.calibrated(1-f.below(value)), f.low.calibrated(f.atMost(value))
	switch {
	case above < usualTail:
		return 2, min(value, f.upper(usualTail))
	case below < usualTail:
		return -2, max(value, f.lower(usualTail))
	case above < alarmTail:
		return 1, value
	case below < alarmTail:
		return -1, value
	}
	return 0, value
}

// outlierWeight is how much an outlier says of a tail: few of those that do not belong
// to a series shall not widen it.
const outlierWeight = 0.8

// firstTails is how many buckets a series has before its tails are learned.
const firstTails = 30

// learnTails takes in how surprising a bucket was. What goes on being anomalous says
// hardly anything: it would become normal by that.
func (m *Model) learnTails(f Foresight, i, odd int64, value float64) {
	if m.all.N < firstTails {
		return
	}
	weight := 1.0
	switch {
	case odd != 0 && m.spell.Fresh != nil:
		weight = slowly
	case odd == 2 || odd == -2:
		weight = outlierWeight
	}
	below, atMost := f.below(value), f.atMost(value)
	at := below + chance(i)*(atMost-below)
	m.high.learn(surprise(1-at), weight)
	m.low.learn(surprise(at), weight)
}
