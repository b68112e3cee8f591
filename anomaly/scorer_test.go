package anomaly

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// scoreAll scores a series of 5-minute points; NaN is a point that did not come.
func scoreAll(values []float64) []Score {
	var s Scorer
	out := make([]Score, len(values))
	for i, x := range values {
		if x == x {
			out[i] = s.Add(monday+int64(i)*fiveMinutes, x)
		}
	}
	return out
}

// shareAbove is the share of the scores from a point on that are above a level.
func shareAbove(scores []Score, from int, level float64) float64 {
	n := 0
	for _, s := range scores[from:] {
		if s.Anomaly > level {
			n++
		}
	}
	return float64(n) / float64(len(scores)-from)
}

func normals(r *rand.Rand, n int, mean, deviation float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = mean + deviation*r.NormFloat64()
	}
	return out
}

func repeat(n int, x float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// TestTheScorerDoesNotLockIn feeds it series whose spread is zero at first, or that
// go away for days, or stand at zero mostly: none of these may stay surprising.
func TestTheScorerDoesNotLockIn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 23))
	sparse := make([]float64, 6000)
	for i := range sparse {
		if r.Float64() >= 0.85 {
			sparse[i] = float64(1 + r.IntN(3))
		}
	}
	gap := append(normals(r, 600, 50, 10), repeat(5*288, math.NaN())...)
	for name, c := range map[string]struct {
		values []float64
		from   int // where the new normal begins at the latest
	}{
		"60 times 10, then N(50, 10)":          {append(repeat(60, 10), normals(r, 4940, 50, 10)...), 60 + 400},
		"2,000 times 10, then N(50, 10)":       {append(repeat(2000, 10), normals(r, 4940, 50, 10)...), 2000 + 400},
		"N(50, 10) with five days missing":     {append(gap, normals(r, 3000, 50, 10)...), len(gap)},
		"85 % zeros, else 1 to 3":              {sparse, 0},
		"N(50, 10), then a ten times larger":   {append(normals(r, 1000, 50, 10), normals(r, 4000, 500, 100)...), 1000 + 400},
		"N(500, 100), then a tenth":            {append(normals(r, 1000, 500, 100), normals(r, 4000, 50, 10)...), 1000 + 400},
		"a whole number a day, then N(50, 10)": {append(repeat(288, 10), normals(r, 4000, 50, 10)...), 288 + 400},
	} {
		scores := scoreAll(c.values)
		for level, most := range map[float64]float64{0.9: 0.2, 0.995: 0.012} {
			if share := shareAbove(scores, c.from, level); share > most {
				t.Errorf("%s: %.2f %% above %v from point %d on, want at most %.1f %%", name, 100*share, level, c.from, 100*most)
			}
		}
		shown := 0
		for _, s := range scores[c.from:] {
			if s.Episode {
				shown++
			}
		}
		if share := float64(shown) / float64(len(scores)-c.from); share > 0.05 {
			t.Errorf("%s: %.1f %% of the points from %d on are in an episode", name, 100*share, c.from)
		}
	}
}

func TestEveryScoreIsANumber(t *testing.T) {
	series := map[string][]float64{
		"40 zeros and five ones":      append(repeat(40, 0), repeat(5, 1)...),
		"one value":                   repeat(1000, 3),
		"zeros and the largest value": append(repeat(500, 0), repeat(500, largest)...),
		"the smallest values":         append(repeat(500, 0), repeat(500, 5e-324)...),
		"alternating extremes":        {},
	}
	for i := range 1000 {
		series["alternating extremes"] = append(series["alternating extremes"], []float64{largest, -largest, 0, 5e-324}[i*i%4])
	}
	for name, values := range series {
		for i, s := range scoreAll(values) {
			if !(s.Anomaly >= 0 && s.Anomaly <= 1) {
				t.Fatalf("%s: point %d has the score %v", name, i, s.Anomaly)
			}
		}
	}
}

// calmSeries makes a series in which nothing happens.
type calmSeries struct {
	name string
	draw func(i int, r *rand.Rand) float64
	// discrete series have few values, so that few levels can be met: only the upper
	// bounds hold.
	discrete bool
}

func calmFamilies() []calmSeries {
	ar := func(a float64) func(int, *rand.Rand) float64 {
		x := 0.0
		return func(_ int, r *rand.Rand) float64 {
			x = a*x + r.NormFloat64()
			return 50 + x
		}
	}
	poisson := func(mean func(i int) float64) func(int, *rand.Rand) float64 {
		return func(i int, r *rand.Rand) float64 { return distuv.Poisson{Lambda: mean(i), Src: r}.Rand() }
	}
	noise := func(f func(r *rand.Rand) float64) func(int, *rand.Rand) float64 {
		return func(_ int, r *rand.Rand) float64 { return f(r) }
	}
	variance, shock := 1.0, 0.0
	return []calmSeries{
		{name: "normal", draw: noise(func(r *rand.Rand) float64 { return 50 + 10*r.NormFloat64() })},
		{name: "uniform", draw: noise((*rand.Rand).Float64)},
		{name: "exponential", draw: noise((*rand.Rand).ExpFloat64)},
		{name: "log-normal", draw: noise(func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) })},
		{name: "Laplace", draw: noise(func(r *rand.Rand) float64 { return r.ExpFloat64() - r.ExpFloat64() })},
		{name: "Student, 3 degrees", draw: noise(func(r *rand.Rand) float64 { return distuv.StudentsT{Sigma: 1, Nu: 3, Src: r}.Rand() })},
		{name: "Pareto, index 2", draw: noise(func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -0.5) })},
		{name: "Poisson, mean 20", draw: poisson(func(int) float64 { return 20 })},
		{name: "Poisson, mean 2", draw: poisson(func(int) float64 { return 2 })},
		{name: "autoregressive, 0.5", draw: ar(0.5)},
		{name: "autoregressive, 0.9", draw: ar(0.9)},
		{name: "autoregressive, 0.99", draw: ar(0.99)},
		{name: "autoregressive, -0.5", draw: ar(-0.5)},
		{name: "random walk", draw: ar(1)},
		{name: "trend", draw: func(i int, r *rand.Rand) float64 { return float64(i)/100 + r.NormFloat64() }},
		{name: "volatile by turns", draw: func(_ int, r *rand.Rand) float64 {
			variance = 0.05 + 0.1*shock*shock + 0.85*variance
			shock = math.Sqrt(variance) * r.NormFloat64()
			return shock
		}},
		{name: "daily", draw: func(i int, r *rand.Rand) float64 { return 100*daily(i) + 5*r.NormFloat64() }},
		{name: "daily, noise in proportion", draw: func(i int, r *rand.Rand) float64 { return daily(i) * (1 + 0.1*r.NormFloat64()) }},
		{name: "daily Poisson", draw: poisson(func(i int) float64 { return 30 * daily(i) })},
		{name: "weekly", draw: func(i int, r *rand.Rand) float64 { return 20*office(i) + 3*r.NormFloat64() }},
		{name: "a coin", draw: noise(func(r *rand.Rand) float64 { return float64(r.IntN(2)) }), discrete: true},
		{name: "85 % zeros, else 1 to 3", draw: noise(func(r *rand.Rand) float64 {
			return max(0, math.Ceil((r.Float64()-0.85)/0.05))
		}), discrete: true},
	}
}

// TestAScoreIsOneMinusP: of the points of a series in which nothing happens, a
// share of 1 − s is above s.
func TestAScoreIsOneMinusP(t *testing.T) {
	const learned, tested, seeds = 21 * 288, 10_000, 4
	for k, f := range calmFamilies() {
		bounds := []struct{ level, least, most float64 }{
			{0.9, 0.5, 1.6}, {0.95, 0.5, 2.5}, {0.99, 0.4, 2.2}, {0.995, 0.4, 1.6}, {0.999, 0.15, 2.5},
		}
		shares := make([]float64, len(bounds))
		for seed := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			values := make([]float64, learned+tested)
			for i := range values {
				values[i] = f.draw(i, r)
			}
			scores := scoreAll(values)
			for b, bound := range bounds {
				shares[b] += shareAbove(scores, learned, bound.level) / seeds / (1 - bound.level)
			}
		}
		for b, bound := range bounds {
			if shares[b] > bound.most || shares[b] < bound.least && !f.discrete {
				t.Errorf("%s: %.2f of the share that should be above %v is", f.name, shares[b], bound.level)
			}
		}
		if os.Getenv("SHOW") != "" {
			t.Logf("| %s | %.2f | %.2f | %.2f | %.2f | %.2f |", f.name, shares[0], shares[1], shares[2], shares[3], shares[4])
		}
	}
}

// TestAnAnomalyIsToldOnce: a level shift is one high score, an episode, and then the
// new normal.
func TestAnAnomalyIsToldOnce(t *testing.T) {
	for name, level := range map[string]float64{"up": 150, "down": -50} {
		r := rand.New(rand.NewPCG(3, 23))
		const at = 3000
		scores := scoreAll(append(normals(r, at, 50, 10), normals(r, 2000, level, 10)...))
		if scores[at].Anomaly < 0.999 {
			t.Errorf("%s: the first point scores %v", name, scores[at].Anomaly)
		}
		high, shown := 0, 0
		for i := range longest {
			if scores[at+i].Anomaly > announced {
				high++
			}
			if scores[at+i].Episode {
				shown++
			}
		}
		if high > 5 {
			t.Errorf("%s: %d of the first %d points of a shift are above %v", name, high, longest, announced)
		}
		if shown < longest-2 {
			t.Errorf("%s: %d of the first %d points of a shift are in its episode", name, shown, longest)
		}
		if share := shareAbove(scores, at+longest, announced); share > 0.01 {
			t.Errorf("%s: %.2f %% above %v after the shift became the new normal", name, 100*share, announced)
		}
		for i := at + longest; i < at+longest+200; i++ {
			if scores[i].Episode && scores[i].Anomaly < announced && !scores[i-1].Episode {
				t.Errorf("%s: an episode begins at point %d without a high score", name, i)
			}
		}
	}
}

func TestASpikeIsOneHighScore(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 23))
	values := normals(r, 4000, 50, 10)
	for i := 1000; i < 4000; i += 700 {
		values[i] += 150
	}
	scores := scoreAll(values)
	spikes, shown := 0, 0
	for i := 1000; i < 4000; i += 700 {
		if scores[i].Anomaly < announced || !scores[i].Episode {
			t.Errorf("a spike of 15 deviations scores %v", scores[i].Anomaly)
		}
		spikes++
		for k := i; k < i+20; k++ {
			if k > i && scores[k].Anomaly > announced {
				t.Errorf("point %d after a spike scores %v", k-i, scores[k].Anomaly)
			}
			if scores[k].Episode {
				shown++
			}
		}
	}
	if shown > 5*spikes { // averages echo a spike
		t.Errorf("the episodes of %d spikes take %d points", spikes, shown)
	}
}

// TestAYoungSeriesIsNoReasonToAlarm: what a hundred points show of the tails is
// little, and an alarm then would hide what comes after it.
func TestAYoungSeriesIsNoReasonToAlarm(t *testing.T) {
	const young, grown, seeds = 150, 400, 20
	for k, f := range calmFamilies() {
		early, late := 0.0, 0.0
		for seed := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed, uint64(k)))
			values := make([]float64, grown)
			for i := range values {
				values[i] = f.draw(i, r)
			}
			scores := scoreAll(values)
			early += shareAbove(scores[:young], 0, announced) / seeds
			late += shareAbove(scores, young, announced) / seeds
		}
		if early > 0.005 || late > 0.012 {
			t.Errorf("%s: %.2f %% of the first %d points are above %v, and %.2f %% of those up to %d", f.name, 100*early, young, announced, 100*late, grown)
		}
	}
	found := 0
	for seed := range uint64(seeds) {
		values := append(normals(rand.New(rand.NewPCG(seed, 24)), 160, 50, 10), 200)
		if scores := scoreAll(values); scores[160].Anomaly > announced {
			found++
		}
	}
	if found < seeds-1 {
		t.Errorf("of %d spikes of 15 deviations after 160 points, %d are told", seeds, found)
	}
}

// TestAReplayScoresBitForBit, and what comes later changes nothing.
func TestAReplayScoresBitForBit(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 23))
	var values []float64
	for i := range 6000 {
		values = append(values, 100*daily(i)+10*r.NormFloat64())
		if i%977 > 970 {
			values[i] *= 5
		}
	}
	whole := scoreAll(values)
	for _, n := range []int{10, 700, 3000, 6000} {
		for i, s := range scoreAll(values[:n]) {
			if s != whole[i] {
				t.Fatalf("point %d of %d scores %v, and %v when more follow", i, n, s, whole[i])
			}
		}
	}
}

// TestAPointOfThePastTeachesNothing: it is scored, and the rest is as without it.
func TestAPointOfThePastTeachesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 23))
	values := normals(r, 2000, 50, 10)
	want := scoreAll(values)
	var s Scorer
	for i, x := range values {
		if got := s.Add(monday+int64(i)*fiveMinutes, x); got != want[i] {
			t.Fatalf("point %d scores %v, want %v", i, got, want[i])
		}
		if i%3 == 0 {
			s.Add(monday+int64(i-2)*fiveMinutes, 1000)
		}
	}
}

func FuzzScorer(f *testing.F) {
	f.Add(int64(300_000), uint64(1), 10.0, 3.0)
	f.Add(int64(math.MaxInt64), uint64(2), 1e300, -1e149)
	f.Add(int64(-1), uint64(3), math.Inf(1), 0.0)
	f.Add(int64(1), uint64(3), 0.0, 1e150)
	f.Fuzz(func(t *testing.T, step int64, seed uint64, a, b float64) {
		var s Scorer
		at := int64(seed)
		for i := range int64(300) {
			at += step * (1 + int64(seed>>(i%50))&1)
			x := a
			if i%7 == 0 {
				x = b * float64(i)
			}
			if score := s.Add(at, x).Anomaly; !(score >= 0 && score <= 1) {
				t.Fatalf("score %v of %v", score, x)
			}
		}
	})
}
