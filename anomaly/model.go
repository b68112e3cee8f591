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
	// Hold is how long what is anomalous stays anomalous, at least: from 0 to 30 days.
	// It is no less than 12 buckets, and no more than the series had been known for
	// when it began; what is lower than normal has longer ones (spell.go).
	Hold time.Duration
}

// mostHold is the longest Hold.
const mostHold = 30 * 24 * time.Hour

func (c Config) check() error {
	if c.Bucket < time.Second || c.Bucket > 24*time.Hour || c.Bucket%time.Millisecond != 0 {
		return fmt.Errorf("bucket of %v: want whole milliseconds from 1 s to 24 h", c.Bucket)
	}
	if c.Tolerance < 0 || c.Tolerance > 5 {
		return fmt.Errorf("tolerance %d: want 1 to 5", c.Tolerance)
	}
	if c.Hold < 0 || c.Hold > mostHold {
		return fmt.Errorf("hold of %v: want 0 to %v", c.Hold, mostHold)
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
	hold      int64 // ms

	family      family
	buckets     int64 // added so far
	first, next int64 // index of the first bucket, and of the one after the last
	heard       int64 // index of the last bucket that was not empty

	levels
	high, low tail
	spell     spell
	drift     drift
	season    seasonal
}

// New returns a model without history.
func New(c Config) (*Model, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("new model: %w", err)
	}
	m := &Model{bucket: c.Bucket.Milliseconds(), tolerance: max(c.Tolerance, 1), hold: c.Hold.Milliseconds()}
	m.season = newSeasonal(m.bucket)
	return m, nil
}

// widen is how many times as wide as foreseen the distribution is taken.
func (m *Model) widen() float64 { return 1 + 0.25*float64(m.tolerance-1) }

// HoldFor sets Config.Hold of a model that was decoded: states of the first version
// have none. It reports whether that was another.
func (m *Model) HoldFor(hold time.Duration) (changed bool) {
	before := m.hold
	m.hold = min(max(hold, 0), mostHold).Milliseconds()
	return m.hold != before
}

// Buckets is how many buckets the model has learned.
func (m *Model) Buckets() int64 { return m.buckets }

// Heard is the start (ms) of the last bucket that was not empty; 0 before the first.
func (m *Model) Heard() int64 { return m.heard * m.bucket }

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
	if value != 0 {
		m.heard = i
	}
	factor, doubt := m.season.factor(i)
	f := m.foresee(i)
	odd, x := m.weigh(f, value)
	m.learnTails(f, i, odd, value)
	m.take(taken{i, odd, value, x, factor, doubt})
	m.buckets++
	m.next = i + 1
	if m.season.add(i, value, x, f.mean*(1-f.empty)) && !m.lasts(i) {
		m.fit(i)
	}
	return nil
}

// fit looks at the season, and for drift, with another day of buckets.
func (m *Model) fit(i int64) {
	d, level := m.levels.foresee(1, 0, m.family)
	before := m.season.Kind
	// The cells have the empty buckets in them, so they vary by those too.
	dispersion := (1+level.dispersion())/(1-min(d.empty, 0.99)) - 1
	m.season.fit(d.mean*(1-d.empty), dispersion, m.family)
	if m.season.Kind != before {
		m.levels.renew()
		m.high.renew()
		m.low.renew()
	}
	m.drift.look(&m.season, m.family, i, m.holdFor(1, i), dispersion)
}

// classify widens the family to one that has the value. What was learned of
// another kind of number says nothing of this one: it begins anew.
func (m *Model) classify(value float64) {
	before := m.family
	switch {
	case value < 0:
		m.family = signed
	case value != math.Trunc(value):
		m.family = max(m.family, positive)
	}
	if m.family != before {
		m.levels, m.high, m.low, m.spell = levels{}, tail{}, tail{}, spell{}
	}
}

// Probability is P(X < value) for the bucket that contains a time (ms), which
// comes after all buckets learned: the probability that it is lower than the
// value. It is 0 without history.
func (m *Model) Probability(start int64, value float64) float64 {
	f := m.Foresee(start)
	return f.Below(value)
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
	f := m.Foresee(start)
	return f.Band()
}

// Season is the season that the model has found.
func (m *Model) Season() Season { return m.season.Kind }
