package anomaly

import (
	"fmt"
	"math"
	"time"
)

// Config says what a model is for.
type Config struct {
	// Bucket is the length of a bucket, at least a second and at most a day.
	Bucket time.Duration
	// Tolerance, 1 to 5, widens the predictive distribution: its standard
	// deviation grows by a quarter at each step above 1. 0 is 1.
	Tolerance int
}

func (c Config) check() error {
	if c.Bucket < time.Second || c.Bucket > 24*time.Hour || c.Bucket%time.Millisecond != 0 {
		return fmt.Errorf("bucket of %v: want whole milliseconds from 1 s to 24 h", c.Bucket)
	}
	if c.Tolerance < 0 || c.Tolerance > 5 {
		return fmt.Errorf("tolerance %d: want 1 to 5", c.Tolerance)
	}
	return nil
}

// A Model learns a series of buckets, and tells what the next ones are expected
// to hold. The same buckets in the same order give the same model, on any
// kind of processor, whether or not it was encoded and decoded in between: to take in a
// late event, decode an earlier state and add the buckets since then again.
//
// It is not safe for concurrent use.
type Model struct {
	bucket    int64 // ms
	tolerance int

	family      family
	buckets     int64 // added so far
	first, next int64 // index of the first bucket, and of the one after the last
	run         int   // buckets in a row above (below, if negative) what is usual
	all         level // of every bucket
	filled      level // of buckets that are not empty
	empty       zeros

	season seasonal
}

// zeros counts the empty buckets where, going by the filled ones, there should
// hardly be any: their share is the zero inflation.
type zeros struct{ Share, N float64 }

const (
	// usualTail is the probability beyond which a bucket is bounded before it
	// is learned.
	usualTail = 0.0005
	// lastingRun is how many buckets in a row must be unusual on one side to be
	// learned as they are: that is a shift, no outlier.
	lastingRun = 12
	// fullMean is the least mean at which an empty bucket is telling.
	fullMean = 4
	// leastInflation is the least share of empty buckets modelled as such.
	leastInflation = 0.02
)

// New returns a model without history.
func New(c Config) (*Model, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("new model: %w", err)
	}
	m := &Model{bucket: c.Bucket.Milliseconds(), tolerance: max(c.Tolerance, 1)}
	m.season = newSeasonal(m.bucket)
	return m, nil
}

// widen is how many times as wide as foreseen the distribution is taken.
func (m *Model) widen() float64 { return 1 + 0.25*float64(m.tolerance-1) }

// Buckets is how many buckets the model has learned.
func (m *Model) Buckets() int64 { return m.buckets }

// First is the start (ms) of the first bucket; Next that of the bucket after
// the last. Both are 0 before the first bucket.
func (m *Model) First() int64 { return m.first * m.bucket }

// Next is the start (ms) of the bucket after the last one learned.
func (m *Model) Next() int64 { return m.next * m.bucket }

func (m *Model) index(start int64) int64 { return floorDiv(start, m.bucket) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Add learns the bucket that contains a time (ms). Buckets come in order; those
// left out are missing, which is not the same as zero: they teach nothing. A
// bucket that is not after the last one, or a value that is not finite, is an
// error and changes nothing.
func (m *Model) Add(start int64, value float64) error {
	i := m.index(start)
	if m.buckets > 0 && i < m.next {
		return fmt.Errorf("add bucket %d: the model is already at %d", i*m.bucket, m.Next())
	}
	if !(math.Abs(value) <= largest) {
		return fmt.Errorf("add bucket %d: %v is no finite number", i*m.bucket, value)
	}
	if m.buckets == 0 {
		m.first = i
	}
	m.classify(value)
	factor, doubt := m.season.factor(i)
	expected, x := m.foresee(i), m.bounded(i, value)
	m.learn(x, value == 0, factor, doubt)
	m.buckets++
	m.next = i + 1
	if m.season.add(i, value, x, expected.mean*(1-expected.empty)) {
		d, level := m.distribution(i)
		// The cells have the empty buckets in them, so they vary by those too.
		before := m.season.Kind
		m.season.fit((1+level.dispersion())/(1-min(d.empty, 0.99))-1, m.family)
		if m.season.Kind != before {
			m.all.renew()
			m.filled.renew()
		}
	}
	return nil
}

// classify widens the family to one that has the value.
func (m *Model) classify(value float64) {
	switch {
	case value < 0:
		m.family = signed
	case value != math.Trunc(value):
		m.family = max(m.family, positive)
	}
}

// bounded is a value as it is learned: what lies beyond the usual counts as the
// most that is usual, unless it goes on.
func (m *Model) bounded(i int64, value float64) float64 {
	if m.buckets < 3 {
		return value
	}
	d := m.foresee(i)
	switch below := d.below(value); {
	case below > 1-usualTail:
		m.run = max(m.run, 0) + 1
		if m.run <= lastingRun {
			return min(value, d.quantile(1-usualTail))
		}
	case m.tooLow(d, value):
		m.run = min(m.run, 0) - 1
		if m.run >= -lastingRun {
			return max(value, d.quantile(usualTail))
		}
	default:
		m.run = 0
	}
	return value
}

// tooLow tells whether values up to this one are unusual. An empty bucket of a
// zero-inflated series is not.
func (m *Model) tooLow(d distribution, value float64) bool {
	next := value
	if d.family == counts {
		next++
	}
	return d.below(next) < usualTail
}

// learn teaches the levels a bucket, bounded, which is empty or not.
func (m *Model) learn(x float64, empty bool, factor, doubt float64) {
	m.all.learn(x, factor, doubt, m.family)
	if m.family == signed {
		return
	}
	value, _ := m.filled.at(m.filled.best(), m.family)
	if m.filled.N == 0 || value*factor >= fullMean {
		m.empty.N++
		hit := 0.0
		if empty {
			hit = 1
		}
		m.empty.Share += max(1/m.empty.N, 1.0/dispersionReach) * (hit - m.empty.Share)
	}
	if !empty {
		m.filled.learn(x, factor, doubt, m.family)
	}
}

// inflated tells whether the series has buckets that are empty by themselves,
// beside those that the distribution of the others explains.
func (m *Model) inflated(filled distribution) bool {
	return m.family != signed && m.empty.N >= 20 && filled.mean >= fullMean &&
		m.empty.Share > max(leastInflation, 3*filled.below(1))
}

// foresee is the distribution of bucket i, given the buckets before it.
func (m *Model) foresee(i int64) distribution {
	d, _ := m.distribution(i)
	return d
}

// distribution is what foresee returns, and the level that it was made from.
func (m *Model) distribution(i int64) (distribution, *level) {
	factor, doubt := m.season.factor(i)
	filled := m.filled.foresee(m.filled.best(), factor, doubt, m.family)
	if m.inflated(filled) {
		filled.empty = m.empty.Share
		return filled, &m.filled
	}
	return m.all.foresee(m.all.best(), factor, doubt, m.family), &m.all
}

// Probability is P(X < value) for the bucket that contains a time (ms), which
// comes after all buckets learned: the probability that it is lower than the
// value. It is 0 without history.
func (m *Model) Probability(start int64, value float64) float64 {
	if m.buckets == 0 || value != value {
		return 0
	}
	return m.foresee(m.index(start)).widened(m.widen()).below(value)
}

// A Band is what a bucket is expected to hold.
type Band struct {
	Lower  float64 `json:"lower"`  // 0.5 % quantile
	Median float64 `json:"median"` //
	Upper  float64 `json:"upper"`  // 99.5 % quantile
}

// Band is the band of the bucket that contains a time (ms), given the buckets
// learned so far.
func (m *Model) Band(start int64) Band {
	if m.buckets == 0 {
		return Band{}
	}
	d := m.foresee(m.index(start)).widened(m.widen())
	return Band{Lower: d.quantile(0.005), Median: d.quantile(0.5), Upper: d.quantile(0.995)}
}

// Season is the season that the model has found.
func (m *Model) Season() Season { return m.season.Kind }
