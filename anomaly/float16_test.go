package anomaly

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestNumbersIn16BitsAreNear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	last := 0.0
	for i := range 65536 {
		if v := half(i).value(); v < last {
			t.Fatalf("half %d is %v, after %v", i, v, last)
		} else {
			last = v
		}
		if got := newHalf(half(i).value()); half(i).value() < 2047 && got != half(i) {
			t.Fatalf("half %d is read as %d", i, got)
		}
	}
	for range 100_000 {
		x := math.Exp(20*r.Float64() - 13)
		if got := newHalf(x).value(); math.Abs(got/min(x, 2047.5)-1) > 0.0003 && x > 1e-6 {
			t.Fatalf("%v became %v", x, got)
		}
		x = math.Exp(120*r.Float64() - 60)
		if got := newWide(x).value(); math.Abs(got/x-1) > 0.002 {
			t.Fatalf("%v became %v", x, got)
		}
	}
	for _, x := range []float64{0, -1, math.NaN(), math.Inf(1), 1e300} {
		if h := newHalf(x).value(); h < 0 || h != h || h > 2048 {
			t.Errorf("half of %v is %v", x, h)
		}
		if w := newWide(x).value(); (w != w) != (x != x) || w < 0 || math.IsInf(w, 1) {
			t.Errorf("wide of %v is %v", x, w)
		}
	}
}
