package registry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nightjar/content"
	"nightjar/ingest"
	"nightjar/ingest/pipeline"
)

// BenchmarkEventsThatNoPipelineIsFor reads events of an application, without pipelines
// and with all that ship in force: what their being there costs those they are not for.
func BenchmarkEventsThatNoPipelineIsFor(b *testing.B) {
	all, err := BuiltIn(content.Files)
	if err != nil {
		b.Fatal(err)
	}
	shipped := pipeline.NewSet(all, pipeline.Deps{})
	var body strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&body, `{"timestamp":1700000000000,"ddsource":"shop","service":"app-%d","host":"host-%d","status":"info","message":"POST /api/v1/login 401 for user-%d","evt":{"name":"login"},"usr":{"id":"user-%d"},"http":{"method":"POST","code":401},"req":"0f8fad5b-d9cb-469f-a165-70867728950e"}`, i%100, i%50, i, i)
	}
	text := []byte(body.String())
	for name, p := range map[string]ingest.Pipelines{"without": nil, "with": shipped} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := ingest.Decoder{Now: time.UnixMilli(1_700_000_000_000), Pipelines: p}
				if _, err := d.JSON(text); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "us/event")
		})
	}
}
