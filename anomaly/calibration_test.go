package anomaly

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// counted is a series of counts whose distribution is known.
type counted struct {
	name      string
	mean      func(i int) float64 // by 5-minute bucket
	excess    float64             // variance = mean + excess · mean²
	inflation float64             // share of buckets that are empty by themselves
}

const fiveMinutes = 5 * 60_000

var monday = int64(1_704_067_200_000) // 2024-01-01

func (c counted) draw(i int, r *rand.Rand) float64 {
	mean := c.mean(i)
	if c.inflation > 0 && r.Float64() < c.inflation {
		return 0
	}
	if c.excess > 0 {
		mean = distuv.Gamma{Alpha: 1 / c.excess, Beta: 1 / (c.excess * mean), Src: r}.Rand()
	}
	return distuv.Poisson{Lambda: mean, Src: r}.Rand()
}

// quantile is that of bucket i.
func (c counted) quantile(i int, p float64) float64 {
	m := c.mean(i)
	return distribution{family: counts, mean: m, variance: m + c.excess*m*m, empty: c.inflation}.quantile(p)
}

func daily(i int) float64 { return 1 + 0.8*math.Sin(2*math.Pi*float64(i)/288) }

// office is busy on five days of the week, between eight and six.
func office(i int) float64 {
	if d, h := i/288%7, i/12%24; d < 5 && h >= 8 && h < 18 {
		return 2.2
	}
	return 0.45
}

func families() (all []counted) {
	seasons := []struct {
		name string
		at   func(i int) float64
	}{
		{"flat", func(int) float64 { return 1 }},
		{"daily", daily},
		{"weekly", office},
		{"growing", func(i int) float64 { return daily(i) * (1 + float64(i)/288/35) }},
	}
	for _, mean := range []float64{0.05, 0.5, 3, 10, 100, 1000} {
		for _, s := range seasons {
			for _, kind := range []struct {
				name              string
				excess, inflation float64
			}{{"Poisson", 0, 0}, {"negative binomial", 0.3, 0}, {"zero-inflated", 0.05, 0.4}} {
				all = append(all, counted{fmt.Sprintf("%s %s, mean %v", s.name, kind.name, mean), func(i int) float64 { return mean * s.at(i) }, kind.excess, kind.inflation})
			}
		}
	}
	return all
}

func newModel(t testing.TB) *Model {
	t.Helper()
	m, err := New(Config{Bucket: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestShareOfHighBucketsIsWhatItSays(t *testing.T) {
	const learned, tested = 21 * 288, 28 * 288
	for n, c := range families() {
		r := rand.New(rand.NewPCG(uint64(n), 1))
		m := newModel(t)
		high, spikes, found := 0, 0, 0
		for i := range learned + tested {
			at := monday + int64(i)*fiveMinutes
			x := c.draw(i, r)
			if i >= learned {
				if m.Probability(at, x) > 0.995 {
					high++
				}
				if i%40 == 0 {
					spikes++
					if m.Probability(at, 2*c.quantile(i, 0.999)) > 0.995 {
						found++
					}
				}
			}
			if err := m.Add(at, x); err != nil {
				t.Fatal(err)
			}
		}
		share := 100 * float64(high) / tested
		mean := c.mean(0)
		if os.Getenv("SHOW") != "" || share > 0.8 || (mean >= 10 && share < 0.2) || found*100 < spikes*95 {
			t.Errorf("%s: %.2f %% of normal buckets above 0.995; found %d of %d spikes; season %v, phi %.3f/%.3f mem %d", c.name, share, found, spikes, m.Season(), m.all.dispersion(), m.filled.dispersion(), m.all.best())
		}
	}
}

func TestBucketsOfEveryLengthAreCalibrated(t *testing.T) {
	for _, minutes := range []int{10, 15, 30, 60, 180} {
		bucket := time.Duration(minutes) * time.Minute
		perDay := int(24 * time.Hour / bucket)
		c := counted{mean: func(i int) float64 { return 20 * office(i*288/perDay) }, excess: 0.1}
		high, n := 0, 0
		for seed := range uint64(15*minutes/60*2/3 + 2) {
			m, err := New(Config{Bucket: bucket})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(seed, 2))
			for i := range 42 * perDay {
				at, x := monday+int64(i)*bucket.Milliseconds(), c.draw(i, r)
				if i >= 21*perDay {
					n++
					if m.Probability(at, x) > 0.995 {
						high++
					}
				}
				m.Add(at, x)
			}
		}
		if share := 100 * float64(high) / float64(n); share > 0.8 || share < 0.1 {
			t.Errorf("buckets of %v: %.2f %% above 0.995", bucket, share)
		}
	}
}
