package anomaly

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// drift is the slower scale: it compares weeks. The levels follow what grows by a
// few percent a day, and so see nothing in it. Here the last week is compared with
// the week that ended a fortnight before, and with what the growth from the week
// before that one makes of it. A week is the median of its days.
type drift struct {
	From  int64 // index of the cell before which nothing is looked at
	Begun int64 // index of the bucket in which a drift was seen
	slowView
}

// slowView is what the slower scale says of a bucket.
type slowView struct {
	Side  int64   // 1: the week is higher than foreseen, −1: lower; 0: neither
	Ratio float64 // of what was foreseen to the week
	P     float64 // the probability that the week is less far from it
	Until int64   // index of the bucket from which on this is normal
}

const (
	// leastDrift is the least factor in two weeks that counts, beyond growth that
	// was there before.
	leastDrift = 1.8
	// driftDays is how much history is compared.
	driftDays = 28
	// driftDoubt is how much, relatively, weeks differ at least.
	driftDoubt = 0.1
)

// at is what is said of a bucket.
func (d *drift) at(i int64) slowView {
	if d.Side == 0 || i >= d.Until {
		return slowView{}
	}
	return d.slowView
}

// renew makes what comes the history to compare with.
func (d *drift) renew(s *seasonal) { *d = drift{From: s.last} }

// look compares the weeks once a day; hold (ms) is how long what it sees is
// anomalous, the dispersion is that of a bucket.
func (d *drift) look(s *seasonal, f family, i, hold int64, dispersion float64) {
	if d.Side != 0 && i >= d.Until {
		d.renew(s)
	}
	days := s.days(d.From)
	if d.Side != 0 || f == signed || len(days) < driftDays {
		return
	}
	now, then, before := median(days[21:28]), median(days[7:14]), median(days[:7])
	if !(now > 0 && then > 0 && before > 0) {
		return
	}
	buckets, off := float64(day/s.bucket), math.Log(now/then)
	if f == counts {
		dispersion += 1 / then
	}
	// The median of seven varies by about π/2 as much as their mean.
	noise := max(daysVary(days[:7], days[7:14], buckets), math.Sqrt(dispersion/buckets*math.Pi/2/7))
	growth := math.Log(then / before)
	doubt := 2 * noise * noise
	if math.Abs(growth) > 3*noise && growth*off > 0 {
		off -= math.Copysign(min(2*math.Abs(growth), math.Abs(off)), off)
		doubt = 14 * noise * noise // of now − 3·then + 2·before
	}
	z := math.Abs(off) / math.Sqrt(doubt+driftDoubt*driftDoubt)
	p := 1 - 0.5*math.Erfc(z/math.Sqrt2)
	if math.Abs(off) < math.Log(leastDrift) || z < 4 {
		return
	}
	d.Begun = i
	d.slowView = slowView{Side: int64(math.Copysign(1, off)), Ratio: math.Exp(-off), P: p, Until: i + max(hold, day)/s.bucket}
}

// days are the means of the last 28 days of cells, the oldest first; none where
// one of the weeks has fewer than five days, or began before a cell.
func (s *seasonal) days(from int64) []float64 {
	perDay := int(s.perDay())
	first := len(s.cells) - driftDays*perDay
	if perDay == 0 || first < 0 || s.last-int64(driftDays*perDay) < from {
		return nil
	}
	out := make([]float64, driftDays)
	absent := [4]int{}
	for k := range out {
		sum, n := 0.0, 0
		for _, v := range s.cells[first+k*perDay : first+(k+1)*perDay] {
			if v != missing {
				sum, n = sum+v.value(), n+1
			}
		}
		out[k] = sum / float64(n)
		if 2*n < perDay {
			out[k] = math.NaN()
			absent[k/7]++
		}
	}
	if slices.Max(absent[:]) > 2 {
		return nil
	}
	return out
}

// median is that of the days that are there.
func median(days []float64) float64 {
	var v []float64
	for _, x := range days {
		if x == x {
			v = append(v, x)
		}
	}
	slices.Sort(v)
	return stat.Quantile(0.5, stat.LinInterp, v, nil)
}

// daysVary is the relative standard deviation of a week's median, going by how the
// days of two weeks differ beyond what the weeks do; the length of a day in buckets
// makes their means numbers of events.
func daysVary(a, b []float64, buckets float64) float64 {
	var off []float64
	for k := range a {
		if x := math.Log((b[k] + 0.5/buckets) / (a[k] + 0.5/buckets)); x == x {
			off = append(off, x)
		}
	}
	if len(off) < 3 {
		return 1
	}
	return 1.25 * stat.StdDev(off, nil) / math.Sqrt2 / math.Sqrt(float64(len(off)))
}
