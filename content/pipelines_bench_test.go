package content

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"nightjar/ingest"
	"nightjar/testenv"
)

// BenchmarkCloudTrail reads real records with and without the pipelines that ship; an op
// is all of them. What a pipeline costs an event is the difference of cpu-ns/event.
func BenchmarkCloudTrail(b *testing.B) {
	text, err := os.ReadFile(testenv.Shared(b, "data/cloudtrail/stratus_detonations.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	events := bytes.Count(text, []byte("\n"))
	for _, c := range []struct {
		name      string
		pipelines ingest.Pipelines
	}{{"json", nil}, {"pipelines", bundled(b)}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				d := ingest.Decoder{Now: time.Now(), Source: "cloudtrail", Pipelines: c.pipelines}
				if read, err := d.JSON(text); err != nil || len(read) != events {
					b.Fatalf("%d events, %v", len(read), err)
				}
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N*events), "cpu-ns/event")
		})
	}
}

// cpu is what this process has had of processors.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of this process: cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
