package bench

import (
	"syscall"
	"testing"
	"time"

	"nightjar/secl/ruleset"
)

// cpu reports the processor time of an operation beside its duration: on a busy
// machine only the first can be compared.
func cpu(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
}

func processorTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func BenchmarkNightjar(b *testing.B) {
	set := rules(b)
	for _, kind := range []string{"exec", "open"} {
		b.Run(kind, func(b *testing.B) {
			bucket, c := set.For(kind), context(b, kind)
			found := 0
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				bucket.Evaluate(c, func(*ruleset.Rule, bool) { found++ })
			}
			cpu(b, start)
			b.ReportMetric(float64(len(bucket.Rules)), "rules")
			b.ReportMetric(float64(bucket.Candidates(c)), "evaluated")
			if found > 0 {
				b.Errorf("the event is benign, and rules matched it %d times", found)
			}
		})
	}
}
