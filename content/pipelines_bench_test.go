package content

import (
	"os"
	"syscall"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/testenv"
)

// BenchmarkCloudTrail has the intake read real records with and without the pipelines that
// ship, one after the other: what reading costs an event of processor time, and what
// pipelines cost beyond (with what there is more to write).
func BenchmarkCloudTrail(b *testing.B) {
	text, err := os.ReadFile(testenv.Shared(b, "data/cloudtrail/stratus_detonations.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	set, events := bundled(b), 0
	read := func(pipelines ingest.Pipelines) time.Duration {
		before := cpu()
		d := ingest.Decoder{Now: time.Now(), Source: "cloudtrail", Pipelines: pipelines}
		list, err := d.JSON(text)
		if err != nil {
			b.Fatal(err)
		}
		events = len(list)
		return cpu() - before
	}
	read(set) // what is remembered from one event to the next
	var without, with time.Duration
	for b.Loop() {
		without += read(nil)
		with += read(set)
	}
	n := 1000 * float64(b.N*events)
	b.ReportMetric(float64(without.Nanoseconds())/n, "read-µs/event")
	b.ReportMetric(float64((with-without).Nanoseconds())/n, "beyond-µs/event")
	b.ReportMetric(0, "ns/op")
}

// cpu is what this process has had of processors.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of this process: cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
