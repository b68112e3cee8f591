package anomaly

import (
	"maps"
	"math"
	"slices"
)

// Peers is what buckets of other series hold that are not empty: what one without a
// past of its own is judged by.
type Peers struct {
	values []float64 // ascending, each once
	upTo   []int     // how many values are no higher
	whole  bool
}

const (
	// leastPeers is how many buckets must be there to judge by.
	leastPeers = 100
	// peerTail is the share of the highest buckets that tell how far more can be
	// higher still.
	peerTail = 0.05
)

// PeerValue is a value as peers keep it: with nine bits, so that whole numbers up to
// 512 are what they are, and others up to 0.4 % nearer to 0. A hundred thousand sums
// make no more than some thousands of different ones.
func PeerValue(x float64) float64 {
	const bits = 1 << 9
	m, e := math.Frexp(x)
	return math.Ldexp(math.Trunc(m*bits)/bits, e)
}

// NewPeers takes how often each value occurs.
func NewPeers(times map[float64]int) *Peers {
	p := &Peers{whole: true}
	kept := map[float64]int{}
	for v, n := range times {
		p.whole = p.whole && v == math.Trunc(v)
		kept[PeerValue(v)] += n
	}
	p.values = slices.Sorted(maps.Keys(kept))
	n := 0
	for _, v := range p.values {
		n += kept[v]
		p.upTo = append(p.upTo, n)
	}
	return p
}

// Buckets is how many values there are.
func (p *Peers) Buckets() int {
	if len(p.upTo) == 0 {
		return 0
	}
	return p.upTo[len(p.upTo)-1]
}

// Enough reports whether there are enough values, 100, to judge by.
func (p *Peers) Enough() bool { return p.Buckets() >= leastPeers }

// Below is P(X < x): the share of the values that are lower and, beyond all of them,
// that of a Pareto distribution through the highest twentieth (Hill, "A simple general
// approach to inference about the tail of a distribution", 1975). It is 0 where there
// are fewer than 100 values.
func (p *Peers) Below(x float64) float64 {
	n := p.Buckets()
	if !p.Enough() || x != x {
		return 0
	}
	x = PeerValue(x)
	i, _ := slices.BinarySearch(p.values, x)
	if i == 0 {
		return 0
	}
	lower := float64(p.upTo[i-1]) / float64(n)
	if i < len(p.values) {
		return lower
	}
	return p.beyond(x)
}

// beyond is Below of what is higher than all values.
func (p *Peers) beyond(x float64) float64 {
	n := float64(p.Buckets())
	top, _ := slices.BinarySearchFunc(p.upTo, (1-peerTail)*n, func(upTo int, want float64) int {
		return int(math.Copysign(1, float64(upTo)-want))
	})
	top = min(top, len(p.values)-1)
	from := p.values[top]
	if p.whole { // half of a step, since whole numbers stand for what is around them
		from, x = from+0.5, x-0.5
	}
	last := 1 / (n + 1)
	if from <= 0 {
		return 1 - last
	}
	more, logs := 0.0, 0.0
	for i := top + 1; i < len(p.values); i++ {
		k := float64(p.upTo[i] - p.upTo[i-1])
		more, logs = more+k, logs+k*math.Log(p.values[i]/from)
	}
	// With evidence of two values for the fourth power: tails are no fatter than seen.
	power := (more + 2) / (logs + 0.5)
	return 1 - min(max(more, 1)/n*math.Pow(x/from, -power), last)
}
