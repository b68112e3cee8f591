package detect

import "math/big"

// exactSum adds doubles without rounding until it is asked, so that the sum of
// a window depends neither on the order of its events nor on those that left.
type exactSum struct {
	whole int64      // sum of integers, while it stays far from overflow
	rest  *big.Float // everything else
}

const wholeLimit = 1 << 52

// exactPrecision holds any sum of doubles: 2,098 bits of range, and 64 more
// for the carries of as many additions as there can be events.
const exactPrecision = 2098 + 64

func (s *exactSum) add(n float64) {
	if i := int64(n); float64(i) == n && i > -wholeLimit && i < wholeLimit && s.whole > -wholeLimit*512 && s.whole < wholeLimit*512 {
		s.whole += i
		return
	}
	if s.rest == nil {
		s.rest = new(big.Float).SetPrec(exactPrecision)
	}
	s.rest.Add(s.rest, new(big.Float).SetFloat64(n))
}

func (s *exactSum) value() float64 {
	if s.rest == nil {
		return float64(s.whole)
	}
	total := new(big.Float).SetPrec(exactPrecision).SetInt64(s.whole)
	f, _ := total.Add(total, s.rest).Float64()
	return f
}
