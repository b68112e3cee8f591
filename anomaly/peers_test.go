package anomaly

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestPeersAreCalibrated draws what a new series holds from what others do.
func TestPeersAreCalibrated(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	for name, draw := range map[string]func() float64{
		"Poisson, mean 20":   distuv.Poisson{Lambda: 20, Src: r}.Rand,
		"log-normal":         func() float64 { return math.Exp(r.NormFloat64()) },
		"Pareto":             distuv.Pareto{Xm: 1, Alpha: 1.5, Src: r}.Rand,
		"few, small numbers": func() float64 { return 1 + distuv.Poisson{Lambda: 0.3, Src: r}.Rand() },
	} {
		times := map[float64]int{}
		for range 3000 {
			times[draw()]++
		}
		p := NewPeers(times)
		high := 0
		for range 20_000 {
			if p.Below(draw()) > 0.995 {
				high++
			}
		}
		if share := float64(high) / 200; share > 0.9 {
			t.Errorf("%s: %.2f %% above 0.995", name, share)
		}
		if b := p.Below(1e9); b < 0.9999 || b > 1 {
			t.Errorf("%s: P(X < 1e9) = %v", name, b)
		}
	}
}

func TestFewPeersSayNothing(t *testing.T) {
	if p := NewPeers(map[float64]int{1: 50, 2: 49}); p.Below(1000) != 0 {
		t.Errorf("99 buckets say %v", p.Below(1000))
	}
	p := NewPeers(map[float64]int{1: 50, 2: 50})
	if got := []float64{p.Below(1), p.Below(2), p.Below(0), p.Below(math.NaN())}; got[0] != 0 || got[1] != 0.5 || got[2] != 0 || got[3] != 0 {
		t.Errorf("P(X < 1, 2, 0, NaN) = %v", got)
	}
	for x, last := 3.0, 0.0; x < 1e6; x *= 2 {
		if b := p.Below(x); b <= 0.98 || b < last || b > 1 {
			t.Errorf("P(X < %v) = %v after %v", x, b, last)
		} else {
			last = b
		}
	}
	if b := NewPeers(map[float64]int{-5: 100, 0: 100}).Below(7); b < 0.99 || b > 1 {
		t.Errorf("of numbers that are not positive, P(X < 7) = %v", b)
	}
}

// TestPeersOfManySumsAreFew takes a day of sums of ten thousand groups, of which hardly
// two are equal, and asks for shares that are known.
func TestPeersOfManySumsAreFew(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	times, all := map[float64]int{}, []float64(nil)
	for range 300_000 {
		x := math.Round(math.Exp(12 + 2*r.NormFloat64()))
		times[PeerValue(x)]++
		all = append(all, x)
	}
	slices.Sort(all)
	if len(times) > 10_000 {
		t.Errorf("%d values are kept of %d", len(times), len(all))
	}
	p := NewPeers(times)
	for _, share := range []float64{0.1, 0.5, 0.9, 0.99, 0.999} {
		if got := p.Below(all[int(share*float64(len(all)))]); math.Abs(got-share) > 0.003 {
			t.Errorf("what %v lie below has %v", share, got)
		}
	}
	for n := 0.0; n <= 512; n++ {
		if PeerValue(n) != n || PeerValue(-n) != -n {
			t.Errorf("%v is kept as %v", n, PeerValue(n))
		}
	}
}
