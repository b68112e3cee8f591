package detect

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// BenchmarkTenMillionKnownValues sees 12.5 million pairs of a group and a value
// for the first time in the course of 40 days, and a tenth of them again four
// days later, and takes what it learnt as stored every hour. A fifth is forgotten
// and let go of by the end, so that 10 million are held.
func BenchmarkTenMillionKnownValues(b *testing.B) {
	const groups, pairs = 100_000, 100_000 * 125
	for range b.N {
		before := heapInUse()
		seen := NewSeenValues(&compiler.Novelty{Forget: 28 * 24 * time.Hour, First: 1})
		var peak uint64
		var pruning time.Duration
		var m runtime.MemStats
		began := time.Now()
		const perHour = pairs / (40 * 24)
		for n := range pairs {
			at := schema.Millis(int64(n) * 40 * 24 * int64(anHour) / pairs)
			learnPair(seen, n*7919%pairs, groups, at)
			if again := n - pairs/10; again >= 0 && n%10 == 0 {
				learnPair(seen, again*7919%pairs, groups, at)
			}
			if n%perHour == 0 {
				seen.Arrived(at)
				seen.newest = seen.seen
				pause := time.Now()
				seen.Settle(24 * time.Hour)
				pruning += time.Since(pause)
				seen.Stored(seen.Unstored())
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapSys-m.HeapReleased)
			}
		}
		b.ReportMetric(float64((time.Since(began)-pruning).Nanoseconds())/(1.09*pairs), "ns/event")
		b.ReportMetric(pruning.Seconds()*1000/(40*24), "ms/prune")
		b.ReportMetric(float64(heapInUse()-before)/(1<<20), "MiB")
		b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
		b.ReportMetric(float64(seen.Size()), "held")
		if held := len(seen.one) + len(seen.many); held < pairs*3/4 || held > pairs*9/10 {
			b.Errorf("%d values are held of %d: too few or too many were forgotten", held, pairs)
		}
		runtime.KeepAlive(seen)
	}
}

func learnPair(seen *SeenValues, pair, groups int, at schema.Millis) {
	m := compiler.Match{At: at, Seq: uint64(pair + 1), Group: []string{fmt.Sprint("user-", pair%groups)}}
	seen.Learn(&m, []string{fmt.Sprint("host-", pair/groups)})
}
