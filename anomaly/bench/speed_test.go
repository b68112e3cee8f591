package bench

import (
	"testing"

	"nightjar/anomaly"
)

// BenchmarkScore is what a row costs in a series with a daily season.
func BenchmarkScore(b *testing.B) {
	l := madeSeries(1)[0]
	var s anomaly.Scorer
	n := 0
	for b.Loop() {
		s.Add(l.at[0]+int64(n)*300_000, l.value[n%len(l.value)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
