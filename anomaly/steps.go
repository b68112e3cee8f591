package anomaly

import "math"

// recentSteps is how many steps a run of large ones must have half of, or so, to be
// believed.
const recentSteps = 256

// steps are the changes from point to point: how finely the series is measured, and
// how far it usually goes. They give every scale a floor: a series that stood still
// has no spread, and whatever comes then must be learned all the same.
type steps struct {
	last   float64
	moves  sizes // of those that were not 0
	recent [recentSteps]float64
	bins   [sizeBins]uint16 // of the recent ones
	n      int
}

func (s *steps) add(x float64) {
	step := math.Abs(x - s.last)
	s.last = x
	if step > 0 {
		s.moves.add(step)
	}
	i := s.n % recentSteps
	if s.n >= recentSteps {
		s.bins[sizeBin(s.recent[i])]--
	}
	s.recent[i] = step
	s.bins[sizeBin(step)]++
	s.n++
}

// usual is the median step, among those that are steps at all.
func (s *steps) usual() float64 { return s.moves.median() }

// large is a step that one in ten of the recent ones reached.
func (s *steps) large() float64 {
	left := min(s.n, recentSteps)/10 + 1
	for b := sizeBins - 1; b > 0; b-- {
		if left -= int(s.bins[b]); left <= 0 {
			return sizeEdge(b)
		}
	}
	return 0
}

// floor is what a deviation of values like x has at least.
func (s *steps) floor(x float64) float64 {
	return 0.05*s.usual() + 1e-9*math.Abs(x) + 1e-300
}
