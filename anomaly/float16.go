package anomaly

import "math"

// half is a number from 0 on in 16 bits, so that a hundred thousand models fit into
// memory: 11 bits of it follow the leading one (a relative error of 0.012 % at most),
// from 2⁻²⁰ to 2¹¹. Less is 0, more the most there is.
type half uint16

const halfBits, leastHalf, mostHalf = 11, -20, 11

func newHalf(x float64) half {
	if !(x >= math.Ldexp(1, leastHalf)) { // nor not a number
		return 0
	}
	x = min(x, math.Ldexp(1, mostHalf)-1)
	m, e := math.Frexp(x) // m from 1/2 on
	bits := int(math.Round((2*m - 1) * (1 << halfBits)))
	return half(min((e-1-leastHalf)<<halfBits+bits+1, math.MaxUint16))
}

func (h half) value() float64 {
	if h == 0 {
		return 0
	}
	return math.Ldexp(1+float64((h-1)&(1<<halfBits-1))/(1<<halfBits), int((h-1)>>halfBits)+leastHalf)
}

// wide is a number from 0 on in 16 bits as well, of any size that a float32 has: 8
// bits of it follow the leading one (a relative error of 0.2 % at most). The largest
// of all stands for what is missing.
type wide uint16

const missing = wide(math.MaxUint16)

func newWide(x float64) wide {
	switch {
	case x != x:
		return missing
	case x <= 0:
		return 0
	}
	bits := math.Float32bits(float32(min(x, math.MaxFloat32/2))) // the sign is 0
	return wide((bits + 1<<14) >> 15)
}

func (w wide) value() float64 {
	if w == missing {
		return math.NaN()
	}
	return float64(math.Float32frombits(uint32(w) << 15))
}

func halves(v []float64) []half {
	out := make([]half, len(v))
	for i, x := range v {
		out[i] = newHalf(x)
	}
	return out
}

func wides(v []float64) []wide {
	out := make([]wide, len(v))
	for i, x := range v {
		out[i] = newWide(x)
	}
	return out
}
