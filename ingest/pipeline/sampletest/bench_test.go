package sampletest

import (
	"testing"
	"time"

	"nightjar/content"
	"nightjar/ingest"
	"nightjar/ingest/pipeline"
)

// BenchmarkPipelines reads the samples of every pipeline that ships, with all pipelines
// in force and without any: µs/event is what an event takes with them, and beyond what
// they take of that.
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
	began := time.Now()
	for i := range f.Samples {
		s := &f.Samples[i]
		d := ingest.Decoder{Now: s.Received, Source: s.Source, Service: s.Service, Host: s.Host, Tags: s.Tags, Pipelines: set}
		if _, err := read(&d, s); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}
