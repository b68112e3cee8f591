package anomaly

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// hardSeries are series that the families of calibration_test.go do not have: what
// generates them is no level times a season.
var hardSeries = []struct {
	name  string
	make  func(r *rand.Rand) func(i int) float64
	most  float64 // % above 0.995
	least float64
}{
	{"bursty, sparse", func(r *rand.Rand) func(int) float64 { // an hour of something every two days
		on := false
		return func(int) float64 {
			on = !on && r.IntN(576) == 0 || on && r.IntN(12) > 0
			if !on {
				return 0
			}
			return 1 + distuv.Poisson{Lambda: distuv.Gamma{Alpha: 1, Beta: 1.0 / 20, Src: r}.Rand(), Src: r}.Rand()
		}
	}, 0.8, 0.2},
	{"bursty, sparse, by itself", func(r *rand.Rand) func(int) float64 {
		return func(int) float64 {
			if r.IntN(50) > 0 {
				return 0
			}
			return 1 + distuv.Poisson{Lambda: distuv.Gamma{Alpha: 1, Beta: 1.0 / 20, Src: r}.Rand(), Src: r}.Rand()
		}
	}, 0.8, 0.2},
	{"bursty, sparse, small", func(r *rand.Rand) func(int) float64 {
		return func(int) float64 {
			if r.IntN(100) > 0 {
				return 0
			}
			return float64(1 + r.IntN(5))
		}
	}, 0.8, 0.05},
	{"monthly jobs", func(r *rand.Rand) func(int) float64 { // two hours on the first of each month
		return func(i int) float64 {
			x := distuv.Poisson{Lambda: 5, Src: r}.Rand()
			if i%(30*288) >= 36 && i%(30*288) < 60 {
				x += distuv.Poisson{Lambda: 200, Src: r}.Rand()
			}
			return x
		}
	}, 0.9, 0.2},
	{"monthly jobs, nothing else", func(r *rand.Rand) func(int) float64 {
		return func(i int) float64 {
			if i%(30*288) >= 36 && i%(30*288) < 60 {
				return distuv.Poisson{Lambda: 200, Src: r}.Rand()
			}
			return 0
		}
	}, 0.8, 0},
	{"5-hour periods", func(r *rand.Rand) func(int) float64 {
		return func(i int) float64 {
			return distuv.Poisson{Lambda: 20 * (1 + 0.8*math.Sin(2*math.Pi*float64(i)/60)), Src: r}.Rand()
		}
	}, 0.8, 0.2},
	{"a job every 5 hours", func(r *rand.Rand) func(int) float64 {
		return func(i int) float64 {
			x := distuv.Poisson{Lambda: 5, Src: r}.Rand()
			if i%60 < 3 {
				x += distuv.Poisson{Lambda: 100, Src: r}.Rand()
			}
			return x
		}
	}, 0.8, 0.02},
	{"log-normal rates", func(r *rand.Rand) func(int) float64 {
		return func(int) float64 {
			return distuv.Poisson{Lambda: 20 * math.Exp(0.8*r.NormFloat64()), Src: r}.Rand()
		}
	}, 0.8, 0.2},
	{"log-normal rates, wide", func(r *rand.Rand) func(int) float64 {
		return func(int) float64 {
			return distuv.Poisson{Lambda: 20 * math.Exp(1.5*r.NormFloat64()), Src: r}.Rand()
		}
	}, 0.8, 0.2},
	{"log-normal rates that last", func(r *rand.Rand) func(int) float64 {
		x := 0.0
		return func(int) float64 {
			x = 0.9*x + math.Sqrt(1-0.81)*r.NormFloat64()
			return distuv.Poisson{Lambda: 20 * math.Exp(0.8*x), Src: r}.Rand()
		}
	}, 0.8, 0.2},
	{"Pareto sums", func(r *rand.Rand) func(int) float64 {
		return func(int) float64 {
			x := 0.0
			for range int(distuv.Poisson{Lambda: 5, Src: r}.Rand()) {
				x += distuv.Pareto{Xm: 100, Alpha: 1.5, Src: r}.Rand()
			}
			return x
		}
	}, 0.8, 0.2},
	{"Pareto sums, whole", func(r *rand.Rand) func(int) float64 {
		return func(int) float64 {
			x := 0.0
			for range int(distuv.Poisson{Lambda: 5, Src: r}.Rand()) {
				x += math.Round(distuv.Pareto{Xm: 100, Alpha: 1.2, Src: r}.Rand())
			}
			return x
		}
	}, 0.8, 0.2},
}

// shares runs a series for weeks of learning and of testing, and tells what percent
// of the latter is above 0.995, and below 0.005.
func shares(t *testing.T, m *Model, from int, learned, tested int, next func(i int) float64) (high, low float64) {
	t.Helper()
	for i := from; i < from+learned+tested; i++ {
		at, x := monday+int64(i)*fiveMinutes, next(i)
		if i >= from+learned {
			f := m.Foresee(at)
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
	return 100 * high / float64(tested), 100 * low / float64(tested)
}

func TestHardSeriesAreCalibrated(t *testing.T) {
	for n, c := range hardSeries {
		sum, lows := 0.0, 0.0
		const seeds = 5
		for seed := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed, uint64(n)))
			m, err := New(Config{Bucket: 5 * time.Minute, Hold: 24 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			h, l := shares(t, m, 0, 21*288, 28*288, c.make(r))
			if os.Getenv("SHOW") == "2" {
				t.Logf("   %s: %.2f %.2f", c.name, h, l)
			}
			sum, lows = sum+h/seeds, lows+l/seeds
		}
		if os.Getenv("SHOW") != "" || sum > c.most || sum < c.least || lows > 0.8 {
			t.Errorf("%s: %.2f %% of buckets above 0.995, %.2f %% below 0.005", c.name, sum, lows)
		}
	}
}
