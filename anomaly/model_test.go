package anomaly

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stream feeds a model with a known series and counts what it calls high.
type stream struct {
	t     testing.TB
	m     *Model
	r     *rand.Rand
	mean  func(i int) float64
	i     int
	spoil func(i int, x float64) float64 // NaN: the bucket is missing
}

func newStream(t testing.TB, seed uint64, mean func(i int) float64) *stream {
	return &stream{t: t, m: newModel(t), r: rand.New(rand.NewPCG(seed, 3)), mean: mean}
}

func (s *stream) at() int64 { return monday + int64(s.i)*fiveMinutes }

// run adds days of buckets and returns the share of those above 0.995.
func (s *stream) run(days float64) float64 {
	s.t.Helper()
	high, n := 0, 0
	for range int(days * 288) {
		x := counted{mean: s.mean}.draw(s.i, s.r)
		if s.spoil != nil {
			x = s.spoil(s.i, x)
		}
		if x == x {
			n++
			if s.m.Probability(s.at(), x) > 0.995 {
				high++
			}
			if err := s.m.Add(s.at(), x); err != nil {
				s.t.Fatal(err)
			}
		}
		s.i++
	}
	return float64(high) / float64(n)
}

func (s *stream) quiet(what string, days, most float64) {
	s.t.Helper()
	if share := s.run(days); share > most {
		s.t.Errorf("%s: %.2f %% of buckets above 0.995, want at most %.2f %%", what, 100*share, 100*most)
	}
}

func TestSeasonsAreFoundInTheData(t *testing.T) {
	for _, c := range []struct {
		name string
		mean func(i int) float64
		want Season
	}{
		{"flat", func(int) float64 { return 20 }, NoSeason},
		{"sparse", func(int) float64 { return 0.02 }, NoSeason},
		{"drifting", func(i int) float64 { return 20 + float64(i)/1000 }, NoSeason},
		{"every day", func(i int) float64 { return 20 * daily(i) }, HourOfDay},
		{"every day, sparse", func(i int) float64 { return 0.1 * daily(i) }, HourOfDay},
		{"working days", func(i int) float64 { return 20 * office(i) }, DayOfWeek},
		{"mondays", func(i int) float64 { return map[bool]float64{true: 30, false: 10}[i/288%7 == 0] }, DayOfWeek},
	} {
		s := newStream(t, 1, c.mean)
		s.run(25)
		if got := s.m.Season(); got != c.want {
			t.Errorf("%s: season %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAGroupWithoutHistoryIsNeverHigh(t *testing.T) {
	m := newModel(t)
	if p := m.Probability(monday, 1e6); p != 0 {
		t.Errorf("P = %v without history", p)
	}
	if b := m.Band(monday); b != (Band{}) {
		t.Errorf("band %v without history", b)
	}
}

func TestALevelShiftIsSeenAndThenLearned(t *testing.T) {
	for _, after := range []float64{60, 400, 5} {
		level := 20.0
		s := newStream(t, 2, func(i int) float64 { return level * daily(i) })
		s.run(21)
		level = after
		if share := s.run(10.0 / 288); after > 20 && share < 0.9 {
			t.Errorf("from 20 to %v: %.0f %% of the first ten buckets are high", after, 100*share)
		}
		s.run(1)
		s.quiet("a day after a shift", 6, 0.012)
	}
}

func TestGrowthIsFollowed(t *testing.T) {
	s := newStream(t, 3, func(i int) float64 { return 50 * daily(i) * math.Exp2(float64(i)/288/7) })
	s.run(14)
	s.quiet("doubling every week", 14, 0.01)
}

func TestMissingBucketsTeachNothing(t *testing.T) {
	s := newStream(t, 4, func(i int) float64 { return 30 * daily(i) })
	lost := rand.New(rand.NewPCG(4, 4))
	s.spoil = func(i int, x float64) float64 {
		if lost.IntN(3) == 0 || i/288 >= 16 && i/288 < 19 {
			return math.NaN()
		}
		return x
	}
	s.run(19)
	s.quiet("after three days without buckets, a third of all missing", 14, 0.008)
}

func TestAChangeOfTheClockIsFollowed(t *testing.T) {
	for _, hours := range []int{-1, 1} {
		for name, season := range map[string]func(int) float64{"daily": office1, "weekly": office} {
			shift := 0
			s := newStream(t, 5, func(i int) float64 { return 100 * season(i-shift*12+7*288) })
			s.run(28)
			shift = hours
			s.run(2)
			s.quiet(name+" season moved by an hour", 10, 0.008)
		}
	}
}

// office1 is busy from eight to six every day.
func office1(i int) float64 { return office(i % 288) }

func TestPastAnomaliesDoNotWidenTheBand(t *testing.T) {
	for name, mean := range map[string]func(int) float64{
		"flat": func(int) float64 { return 20 }, "sparse": func(int) float64 { return 0.1 },
		"daily": func(i int) float64 { return 20 * daily(i) }, "weekly": func(i int) float64 { return 20 * office(i) },
	} {
		clean, spoilt := newStream(t, 6, mean), newStream(t, 6, mean)
		spoilt.spoil = func(i int, x float64) float64 {
			if i >= 7*288 && (i-7*288)%211 == 0 && i < 7*288+20*211 { // 20 spikes, at other times of the day each
				return x + math.Round(50*mean(i)+100)
			}
			if i >= 20*288 && i < 20*288+10 { // and a burst
				return x + math.Round(30*mean(i))
			}
			return x
		}
		clean.run(24)
		spoilt.run(24)
		for k := range 288 {
			at := clean.at() + int64(k)*fiveMinutes
			a, b := clean.m.Band(at).Upper, spoilt.m.Band(at).Upper
			if b > 1.15*a+1 {
				t.Errorf("%s: upper bound %v, without anomalies %v (bucket %d)", name, b, a, k)
				break
			}
		}
	}
}

func TestSparseCountsDoNotAlarmByBeingDiscrete(t *testing.T) {
	s := newStream(t, 7, func(int) float64 { return 0.05 })
	s.run(14)
	if p := s.m.Probability(s.at(), 1); p < 0.9 || p > 0.97 {
		t.Errorf("P(X < 1) = %.3f at a mean of 0.05, want e^-0.05", p)
	}
	if p := s.m.Probability(s.at(), 0); p != 0 {
		t.Errorf("P(X < 0) = %v", p)
	}
}

func TestADecodedModelGoesOnAsTheEncodedOne(t *testing.T) {
	for _, days := range []float64{0, 0.01, 1.5, 9, 16.3} {
		a := newStream(t, 8, func(i int) float64 { return 5 * office(i) })
		a.run(days)
		state, err := a.m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var m Model
		if err := m.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		b := *a
		b.m, b.r = &m, rand.New(rand.NewPCG(9, 9))
		a.r = rand.New(rand.NewPCG(9, 9))
		if x, y := a.run(8), b.run(8); x != y {
			t.Errorf("after %v days: shares %v and %v", days, x, y)
		}
		x, _ := a.m.MarshalBinary()
		y, _ := b.m.MarshalBinary()
		if !bytes.Equal(x, y) {
			t.Errorf("after %v days: the states differ", days)
		}
		if len(x) > 16<<10 {
			t.Errorf("a state of %d bytes", len(x))
		}
	}
}

// TestAModelIsDecodedInTheMiddleOfASpell encodes one while an attack lasts, and while
// a drift is told.
func TestAModelIsDecodedInTheMiddleOfASpell(t *testing.T) {
	times := 1.0
	a := held(t, 14, func(i int) float64 { return 20 * times * daily(i) })
	a.run(28)
	times = 6
	a.run(0.4)
	a.m.drift.slowView = slowView{Side: 1, Ratio: 0.5, P: 0.9999, Until: a.m.next + 100}
	state, err := a.m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var m Model
	if err := m.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	if since, until := m.Held(); since == 0 || until <= since {
		t.Errorf("held from %d to %d", since, until)
	}
	b := *a
	b.m, b.r = &m, rand.New(rand.NewPCG(9, 9))
	a.r = rand.New(rand.NewPCG(9, 9))
	if x, y := a.run(8), b.run(8); x != y {
		t.Errorf("shares %v and %v", x, y)
	}
	x, _ := a.m.MarshalBinary()
	y, _ := b.m.MarshalBinary()
	if !bytes.Equal(x, y) {
		t.Error("the states differ")
	}
}

// TestAStateOfTheFirstVersionIsRead reads one that the version before this wrote,
// after ten days of a mean of 20, with a daily season.
func TestAStateOfTheFirstVersionIsRead(t *testing.T) {
	state, err := os.ReadFile("testdata/model-1.bin")
	if err != nil {
		t.Fatal(err)
	}
	var m Model
	if err := m.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	s := newStream(t, 15, func(i int) float64 { return 20 * daily(i) })
	s.m, s.i = &m, 10*288
	if m.Next() != s.at() || m.Season() != HourOfDay {
		t.Errorf("it goes on at %d, want %d; season %v", m.Next(), s.at(), m.Season())
	}
	s.quiet("after the first version", 20, 0.008)
	if p := m.Probability(m.Next(), 500); p < 0.9999 {
		t.Errorf("P(X < 500) = %v", p)
	}
}

// TestALateEventIsReplayed shows the way to take one in: an earlier state, and
// the buckets since then.
func TestALateEventIsReplayed(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	values := make([]float64, 10*288)
	for i := range values {
		values[i] = counted{mean: func(i int) float64 { return 8 * daily(i) }}.draw(i, r)
	}
	add := func(m *Model, from int) []byte {
		for i := from; i < len(values); i++ {
			if err := m.Add(monday+int64(i)*fiveMinutes, values[i]); err != nil {
				t.Fatal(err)
			}
		}
		state, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	m := newModel(t)
	var snapshot []byte
	for i, x := range values {
		if i == 2000 {
			snapshot, _ = m.MarshalBinary()
		}
		m.Add(monday+int64(i)*fiveMinutes, x)
	}
	before, _ := m.MarshalBinary()
	values[2100] += 3
	var again Model
	if err := again.UnmarshalBinary(snapshot); err != nil {
		t.Fatal(err)
	}
	replayed, inOrder := add(&again, 2000), add(newModel(t), 0)
	if !bytes.Equal(replayed, inOrder) {
		t.Error("a replay from a snapshot differs from all buckets in order")
	}
	if bytes.Equal(replayed, before) {
		t.Error("the late event changed nothing")
	}
}

func TestToleranceWidens(t *testing.T) {
	var bounds []float64
	for tolerance := 1; tolerance <= 5; tolerance++ {
		m, err := New(Config{Bucket: time.Hour, Tolerance: tolerance})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(11, 11))
		for i := range 500 {
			m.Add(monday+int64(i)*hour, counted{mean: func(int) float64 { return 50 }}.draw(i, r))
		}
		bounds = append(bounds, m.Band(m.Next()).Upper)
	}
	for i := 1; i < len(bounds); i++ {
		if bounds[i] <= bounds[i-1] {
			t.Errorf("upper bounds by tolerance: %v", bounds)
		}
	}
}

func TestRealValuesHaveTheirFamilies(t *testing.T) {
	for name, draw := range map[string]func(r *rand.Rand) float64{
		"positive": func(r *rand.Rand) float64 { return 10 * math.Exp(0.3*r.NormFloat64()) },
		"signed":   func(r *rand.Rand) float64 { return -5 + 2*r.NormFloat64() },
		"constant": func(*rand.Rand) float64 { return 0.25 },
	} {
		m, r := newModel(t), rand.New(rand.NewPCG(12, 12))
		high := 0
		const n = 6000
		for i := range n {
			at, x := monday+int64(i)*fiveMinutes, draw(r)
			if i >= n/2 && m.Probability(at, x) > 0.995 {
				high++
			}
			m.Add(at, x)
		}
		if share := float64(high) / (n / 2); share > 0.02 {
			t.Errorf("%s: %.2f %% above 0.995", name, 100*share)
		}
		if p := m.Probability(m.Next(), 1000); p < 0.999 {
			t.Errorf("%s: P(X < 1000) = %v", name, p)
		}
	}
}

func TestWrongUseIsAnError(t *testing.T) {
	for _, c := range []Config{{}, {Bucket: time.Millisecond}, {Bucket: 48 * time.Hour}, {Bucket: time.Hour, Tolerance: 6}, {Bucket: time.Hour, Tolerance: -1}} {
		if _, err := New(c); err == nil {
			t.Errorf("no error for %+v", c)
		}
	}
	m := newModel(t)
	m.Add(monday, 5)
	state, _ := m.MarshalBinary()
	for _, err := range []error{m.Add(monday, 1), m.Add(monday-day, 1), m.Add(monday+day, math.NaN()), m.Add(monday+day, math.Inf(1))} {
		if err == nil {
			t.Error("no error for a bucket in the past, or without a number")
		}
	}
	after, _ := m.MarshalBinary()
	if diff := cmp.Diff(state, after); diff != "" {
		t.Error("what was refused changed the model")
	}
}

func FuzzDecodeModel(f *testing.F) {
	for _, days := range []float64{0, 0.1, 15} {
		s := newStream(f, 13, func(i int) float64 { return 3 * daily(i) })
		s.run(days)
		state, _ := s.m.MarshalBinary()
		f.Add(state)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		var m Model
		if m.UnmarshalBinary(state) != nil {
			return
		}
		again, err := m.MarshalBinary()
		if err != nil || !bytes.Equal(state, again) {
			return // varints have more than one form
		}
		for i := range int64(100) {
			at := m.Next() + i%3*hour
			if p := m.Probability(at, 3); p < 0 || p > 1 {
				t.Fatalf("P = %v", p)
			}
			m.Add(at, float64(i%7))
		}
		m.Band(m.Next())
	})
}

// BenchmarkBucketOfAGroup is what a bucket of a live group costs: its
// probability, learning it, and its share of the daily fits.
func BenchmarkBucketOfAGroup(b *testing.B) {
	for name, mean := range map[string]float64{"mean 0.05": 0.05, "mean 20": 20} {
		b.Run(name, func(b *testing.B) {
			const groups = 50
			models := make([]*stream, groups)
			for g := range models {
				models[g] = newStream(b, uint64(g), func(i int) float64 { return mean * office(i) })
				models[g].run(35)
			}
			values := make([]float64, 8*2016)
			for i := range values {
				values[i] = counted{mean: models[0].mean}.draw(models[0].i+i, models[0].r)
			}
			state, _ := models[0].m.MarshalBinary()
			n := 0
			for b.Loop() {
				m := models[n%groups].m
				at, x := m.Next(), values[n/groups%len(values)]
				m.Probability(at, x)
				m.Add(at, x)
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Seconds())/float64(n)*1e5, "s/100k-groups")
			b.ReportMetric(float64(len(state)), "B/state")
		})
	}
}
