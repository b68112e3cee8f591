package anomaly

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// held is a stream whose model holds what is unusual for a day, as rules have it
// unless they say otherwise.
func held(t *testing.T, seed uint64, mean func(i int) float64) *stream {
	s := newStream(t, seed, mean)
	m, err := New(Config{Bucket: 5 * time.Minute, Hold: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	return s
}

// lows is run for the low side.
func (s *stream) lows(days float64) (share float64) {
	low, n := 0, int(days*288)
	for range n {
		x := counted{mean: s.mean}.draw(s.i, s.r)
		if f := s.m.Foresee(s.at()); f.AtMost(x) < 0.005 {
			low++
		}
		s.m.Add(s.at(), x)
		s.i++
	}
	return float64(low) / float64(n)
}

func TestASeriesThatStopsBeingCountsBeginsAnew(t *testing.T) {
	m := newModel(t)
	for i := range 288 {
		m.Add(monday+int64(i)*fiveMinutes, 10)
	}
	r := rand.New(rand.NewPCG(5, 5))
	high, low := shares(t, m, 288, 8*288, 30*288, func(int) float64 { return 50 + 10*r.NormFloat64() })
	if high < 0.2 || high > 0.8 || low > 0.8 {
		t.Errorf("from day 9 on %.2f %% of buckets are above 0.995 and %.2f %% below 0.005", high, low)
	}
}

// TestALastingAttackStaysUnusual lets a series grow fivefold, for good.
func TestALastingAttackStaysUnusual(t *testing.T) {
	for name, season := range map[string]func(int) float64{"flat": func(int) float64 { return 1 }, "daily": daily} {
		times := 1.0
		s := held(t, 16, func(i int) float64 { return 20 * times * season(i) })
		s.run(10)
		times = 5
		for hour := range 24 {
			if share := s.run(1.0 / 24); share < 0.9 {
				t.Errorf("%s: %.0f %% of hour %d of an attack is above 0.995", name, 100*share, hour+1)
			}
		}
		if since, until := s.m.Held(); since == 0 || until-since != day {
			t.Errorf("%s: held from %d to %d", name, since, until)
		}
		s.run(1)
		if since, _ := s.m.Held(); since != 0 {
			t.Errorf("%s: after two days it is still unusual", name)
		}
		s.quiet(name+": a day after it became the new normal", 6, 0.012)
	}
}

// TestAYoungSeriesHoldsNoLongerThanItIsOld keeps the first hours of a group from
// deciding its first day.
func TestAYoungSeriesHoldsNoLongerThanItIsOld(t *testing.T) {
	level := 5.0
	s := held(t, 17, func(int) float64 { return level })
	s.run(3.0 / 24)
	level = 40
	s.run(5.0 / 24)
	s.quiet("five hours after a shift at an age of three", 1, 0.02)
}

func TestAnOutageIsNotTheNewNormal(t *testing.T) {
	for _, hours := range []float64{3, 30, 100} {
		for name, season := range map[string]func(int) float64{"flat": func(int) float64 { return 1 }, "daily": daily} {
			up := 1.0
			s := held(t, 18, func(i int) float64 { return 20 * up * season(i) })
			s.run(15)
			up = 1e-12
			if share := s.run(hours / 24); share > 0 {
				t.Errorf("%s: %.2f %% of zeros are high", name, 100*share)
			}
			up = 1
			s.quiet(fmt.Sprintf("%s: two hours after %v of outage", name, hours), 2.0/24, 0.05)
			s.quiet(fmt.Sprintf("%s: the day after %v hours of outage", name, hours), 1, 0.012)
		}
	}
}

func TestDropsAreLow(t *testing.T) {
	level := 20.0
	s := held(t, 19, func(i int) float64 { return level })
	s.run(10)
	if share := s.lows(10); share > 0.008 {
		t.Errorf("%.2f %% of normal buckets are below 0.005", 100*share)
	}
	for _, drop := range []float64{0, 3} {
		level = max(drop, 1e-12)
		if share := s.lows(3.0 / 24); share < 0.75 {
			t.Errorf("after a drop from 20 to %v %.0f %% of three hours are below 0.005", drop, 100*share)
		}
		level = 20
		s.lows(1)
	}
}

// TestASlowDriftIsSeen lets a series treble in two weeks: no bucket is unusual
// after those before it, and the week is.
func TestASlowDriftIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		season func(int) float64
		to     float64
		seen   bool
	}{
		"flat ×3":   {func(int) float64 { return 1 }, 3, true},
		"daily ×3":  {daily, 3, true},
		"weekly ×3": {office, 3, true},
		"daily ÷3":  {daily, 1.0 / 3, true},
		"flat ×1.3": {func(int) float64 { return 1 }, 1.3, false},
	} {
		for _, weeks := range []float64{2, 4} {
			begun := weeks * 7 * 288
			s := held(t, 20, func(i int) float64 {
				return 30 * c.season(i) * math.Pow(c.to, min(max(float64(i)-begun, 0)/(14*288), 1))
			})
			s.run(weeks * 7)
			seen := 0.0
			for range 17 {
				share := 0.0
				if c.to < 1 {
					share = s.lows(1)
				} else {
					share = s.run(1)
				}
				seen = max(seen, share)
			}
			if c.seen && seen < 0.5 || !c.seen && seen > 0.05 {
				t.Errorf("%s after %v weeks: at most %.0f %% of a day is unusual", name, weeks, 100*seen)
			}
		}
	}
}

// TestAnAttackDoesNotChangeWhatIsUsual compares what is expected a day after an
// attack that lasted almost as long as it can.
func TestAnAttackDoesNotChangeWhatIsUsual(t *testing.T) {
	times := 1.0
	a, b := held(t, 21, func(i int) float64 { return 20 * daily(i) }), held(t, 21, func(i int) float64 { return 20 * times * daily(i) })
	a.run(15)
	b.run(15)
	times = 8
	a.run(0.9)
	b.run(0.9)
	times = 1
	a.run(0.5)
	b.run(0.5)
	for k := range 288 {
		at := a.at() + int64(k)*fiveMinutes
		if x, y := a.m.Band(at).Upper, b.m.Band(at).Upper; y > 1.35*x+1 {
			t.Fatalf("upper bound %v, %v without the attack (bucket %d)", y, x, k)
		}
	}
}

// TestAnOutageOfAYoungSeriesLasts lets a series fall silent when it has been known for
// three days to a week of hours.
func TestAnOutageOfAYoungSeriesLasts(t *testing.T) {
	for _, known := range []int{72, 96, 120, 168} {
		m, err := New(Config{Bucket: time.Hour, Hold: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		for i := range known + 12 {
			at, value := int64(i)*3_600_000, 12.0
			if i >= known {
				value = 0
				if f := m.Foresee(at); f.AtMost(0) >= 0.005 {
					t.Errorf("known for %d hours: the empty hour %d is no longer unusual: %v", known, i-known+1, f.AtMost(0))
				}
			}
			if err := m.Add(at, value); err != nil {
				t.Fatal(err)
			}
		}
	}
}
