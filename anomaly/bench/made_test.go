package bench

import (
	"math"
	"math/rand/v2"
)

// The made series: kinds that operations, cloud servers and businesses have,
// with the anomalies that are put into them.

func made(name string, seed uint64, n int, step int64, value func(i int, r *rand.Rand) float64, spoil func(l *labelled, r *rand.Rand)) labelled {
	r := rand.New(rand.NewPCG(seed, 7))
	l := labelled{name: name, label: make([]bool, n)}
	const start = 1_700_000_000_000 / 86_400_000 * 86_400_000
	for i := range n {
		l.at = append(l.at, start+int64(i)*step)
		l.value = append(l.value, value(i, r))
	}
	spoil(&l, r)
	return l
}

// change applies f to n points from i and labels them.
func (l *labelled) change(i, n int, f func(k int, x float64) float64) {
	for k := range n {
		l.value[i+k] = f(k, l.value[i+k])
		l.label[i+k] = true
	}
}

func madeSeries(seed uint64) []labelled {
	const minute = 60_000
	hump := func(x float64) float64 { return math.Max(0, math.Sin(2*math.Pi*(x-0.25))) }
	operations := made("operations", seed, 30*288, 5*minute, func(i int, r *rand.Rand) float64 {
		day := float64(i) / 288
		level := 100 + 200*hump(day) + 80*math.Pow(math.Max(0, math.Sin(4*math.Pi*(day-0.1))), 2)
		if int(day)%7 >= 5 {
			level *= 0.7
		}
		level *= 1 + 0.1*math.Sin(day/5)
		return level + math.Sqrt(level)*r.NormFloat64()
	}, func(l *labelled, r *rand.Rand) {
		for k := range 8 {
			i := 2000 + k*800 + r.IntN(500)
			switch k % 4 {
			case 0, 1:
				l.change(i, 3, func(k int, x float64) float64 { return x * []float64{1.4, 1.6, 1.2}[k] })
			case 2:
				l.change(i, 20+r.IntN(40), func(_ int, x float64) float64 { return x * 0.4 })
			case 3:
				l.change(i, 12, func(_ int, x float64) float64 { return x + 80 })
			}
		}
	})
	ar := 0.0
	flat := made("cpu", seed+1, 4000, 5*minute, func(i int, r *rand.Rand) float64 {
		ar = 0.7*ar + r.NormFloat64()
		x := 40 + 2*ar
		if r.IntN(150) == 0 {
			x += 10 * r.ExpFloat64()
		}
		return x
	}, func(l *labelled, r *rand.Rand) {
		l.change(1800+r.IntN(500), 60, func(_ int, x float64) float64 { return x + 22 })
		l.change(3000+r.IntN(500), 4, func(_ int, x float64) float64 { return 95 })
	})
	bursts := made("network", seed+2, 4000, 5*minute, func(i int, r *rand.Rand) float64 {
		x := 1e5 * math.Exp(0.3*r.NormFloat64())
		if r.IntN(30) == 0 {
			x += 1e6 * math.Exp(0.5*r.NormFloat64())
		}
		return x
	}, func(l *labelled, r *rand.Rand) {
		l.change(2000+r.IntN(1500), 24, func(k int, x float64) float64 { return x + 4e6 })
	})
	jobs := made("disk", seed+3, 4000, 5*minute, func(i int, r *rand.Rand) float64 {
		x := 10 + r.NormFloat64()
		if i%24 < 2 {
			x += 300 + 20*r.NormFloat64()
		}
		return x
	}, func(l *labelled, r *rand.Rand) {
		l.change(1700+r.IntN(500)/24*24, 40, func(_ int, x float64) float64 { return 10 + r.NormFloat64() })
		l.change(3007+r.IntN(500)/24*24, 6, func(_ int, x float64) float64 { return 280 + 20*r.NormFloat64() })
	})
	walk := 0.0
	memory := made("memory", seed+4, 4000, 5*minute, func(i int, r *rand.Rand) float64 {
		walk += 0.05 * r.NormFloat64()
		return 60 + walk + 0.2*r.NormFloat64()
	}, func(l *labelled, r *rand.Rand) {
		l.change(2000+r.IntN(500), 50, func(_ int, x float64) float64 { return x - 6 })
		l.change(3000+r.IntN(500), 30, func(k int, x float64) float64 { return x + 0.25*float64(k) })
	})
	business := made("business", seed+5, 48*150, 30*minute, func(i int, r *rand.Rand) float64 {
		day := float64(i) / 48
		level := 5000 + 15000*math.Pow(0.5+0.5*math.Sin(2*math.Pi*(day-0.3)), 0.7) + 5000*hump(day*2)
		switch int(day) % 7 {
		case 5:
			level *= 0.85 + 0.3*hump(day+0.4)
		case 6:
			level *= 0.75
		}
		return math.Round(level * (1 + 0.04*r.NormFloat64()) * (1 + 0.05*math.Sin(day/20)))
	}, func(l *labelled, r *rand.Rand) {
		for k := range 4 {
			i := (40 + k*25 + r.IntN(15)) * 48
			switch k % 3 {
			case 0, 1:
				l.change(i, 48, func(_ int, x float64) float64 { return math.Round(x * 0.6) })
			case 2:
				l.change(i+2, 5, func(_ int, x float64) float64 { return math.Round(x * 1.7) })
			}
		}
	})
	return []labelled{operations, flat, bursts, jobs, memory, business}
}
