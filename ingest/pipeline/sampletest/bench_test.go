package sampletest

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/content"
	"nightjar/ingest"
	"nightjar/ingest/pipeline"
)

// BenchmarkPipelines reads the samples of every pipeline that ships, with all pipelines
// in force and without any, and measures processor time, that of the garbage collector
// included: µs/event is what an event takes with them, and beyond-µs what they take of
// that. Without them an event is read without a tree, so that is among it.
func BenchmarkPipelines(b *testing.B) {
	all, err := pipeline.Load(content.Files, "pipelines")
	if err != nil {
		b.Fatal(err)
	}
	files, err := pipeline.LoadSamples(content.Files, "pipelines")
	if err != nil {
		b.Fatal(err)
	}
	set := pipeline.NewSet(all, pipeline.Deps{})
	for _, f := range files {
		b.Run(f.Pipeline, func(b *testing.B) {
			var with, without time.Duration
			readAll(b, f, set) // what is remembered from one event to the next
			for b.Loop() {
				without += readAll(b, f, nil)
				with += readAll(b, f, set)
			}
			n := float64(b.N * len(f.Samples))
			b.ReportMetric(float64(with.Nanoseconds())/1000/n, "µs/event")
			b.ReportMetric(float64((with-without).Nanoseconds())/1000/n, "beyond-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func readAll(b *testing.B, f *pipeline.Samples, set ingest.Pipelines) time.Duration {
	began := processorTime(b)
	d := ingest.Decoder{Pipelines: set} // one, as in a request
	for i := range f.Samples {
		s := &f.Samples[i]
		d.Now, d.Source, d.Service, d.Host, d.Tags = s.Received, s.Source, s.Service, s.Host, s.Tags
		if _, err := read(&d, s); err != nil {
			b.Fatal(err)
		}
	}
	return processorTime(b) - began
}

// processorTime is what the process has used of processors.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(unix.TimevalToNsec(u.Utime) + unix.TimevalToNsec(u.Stime))
}
