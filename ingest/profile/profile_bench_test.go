package profile

import (
	"testing"
	"time"

	"nightjar/schema"
)

// BenchmarkAdd looks at blocks of 10,000 events of one source, of which a part is sampled.
func BenchmarkAdd(b *testing.B) {
	a, err := schema.ParseAttributes(`{"network":{"client":{"ip":"203.0.113.9","port":4711}},"http":{"url":"https://shop.example.com/","status_code":200,"method":"GET"},"usr":{"name":"alice"},"evt":{"name":"request"},"duration":12,"bytes":9000}`)
	if err != nil {
		b.Fatal(err)
	}
	events := make([]schema.Event, 10_000)
	seen := schema.MillisOf(time.Now())
	for i := range events {
		events[i] = schema.Event{Source: "nginx", Seen: seen, Attributes: a}
	}
	var p Profile
	for b.Loop() {
		p.Add(events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(events)), "ns/event")
}
