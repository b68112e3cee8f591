package anomaly

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestLargeCountsAreJudged learns sums of bytes, that vary by little: what is twice as
// much, endless or nothing is unusual, and what is as ever is not.
func TestLargeCountsAreJudged(t *testing.T) {
	for _, c := range []struct{ mean, varies float64 }{{7e4, 0.01}, {1e6, 0.001}, {1e9, 0.01}, {1e9, 0.001}, {1e13, 0.01}, {1e13, 0.001}} {
		r := rand.New(rand.NewPCG(1, 2))
		m, err := New(Config{Bucket: 5 * time.Minute, Hold: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		const learned, buckets = 288 * 21, 288 * 35
		high, low := 0, 0
		for i := range buckets {
			at, x := int64(i)*300_000, math.Round(c.mean*(1+c.varies*r.NormFloat64()))
			if f := m.Foresee(at); i >= learned {
				if f.Below(x) > 0.995 {
					high++
				}
				if f.AtMost(x) < 0.005 {
					low++
				}
			}
			if err := m.Add(at, x); err != nil {
				t.Fatal(err)
			}
		}
		if most := (buckets - learned) / 100; high > most || low > most {
			t.Errorf("%g ± %g: %d are too high and %d too low", c.mean, c.varies, high, low)
		}
		f := m.Foresee(buckets * 300_000)
		for _, x := range []float64{2 * c.mean, 1e300, math.Inf(1)} {
			if p := f.Below(x); !(p > 0.9999) {
				t.Errorf("%g ± %g: P(X < %g) = %v", c.mean, c.varies, x, p)
			}
		}
		if p := f.AtMost(0); !(p < 0.0001) {
			t.Errorf("%g ± %g: P(X ≤ 0) = %v", c.mean, c.varies, p)
		}
	}
}
