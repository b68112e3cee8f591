package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"nightjar/schema"
)

// benchBody is n log objects of about 570 bytes, as the speed figures want.
func benchBody(n int) []byte {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"timestamp":%d,"service":"app-%d","host":"host-%d","status":"info","message":"POST /api/v1/login 401 failed for user-%d from 203.0.113.7 in 12 ms","evt":{"name":"authentication","outcome":"failure"},"usr":{"id":"user-%d","email":"user-%d@example.com"},"network":{"client":{"ip":"203.0.113.7","port":51234,"geo":{"cc":"DE","city":"Berlin","lat":52.5,"lon":13.4}}},"http":{"method":"POST","path":"/api/v1/login","code":401,"ua":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},"req":"0f8fad5b-d9cb-469f-a165-70867728950e"}`,
			testNow.UnixMilli(), i%100, i%50, i, i, i)
	}
	b.WriteByte(']')
	return []byte(b.String())
}

func BenchmarkDecode(b *testing.B) {
	body := benchBody(1000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d := Decoder{Now: testNow}
		if _, err := d.JSON(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*1000)/b.Elapsed().Seconds(), "events/s")
}

// nowhere takes everything.
type nowhere struct{}

func (nowhere) Insert(context.Context, string, []schema.Event) error { return nil }
func (nowhere) LastSeq(context.Context) (uint64, error)              { return 0, nil }
func (nowhere) Settle(_ context.Context, _ string, first, _ uint64) (uint64, error) {
	return first - 1, nil
}
func (nowhere) Present(context.Context, uint64, uint64) (map[uint64]bool, error) { return nil, nil }

// BenchmarkSubmit is decoded events to durable, and read back for the sink.
func BenchmarkSubmit(b *testing.B) {
	d := Decoder{Now: testNow}
	events, err := d.JSON(benchBody(1000))
	if err != nil {
		b.Fatal(err)
	}
	in, err := New(Deps{Dir: b.TempDir(), Sink: nowhere{}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	b.ResetTimer()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		mine := append([]schema.Event(nil), events...)
		for pb.Next() {
			if _, err := in.Submit(ctx, Batch{Events: mine}); err != nil {
				b.Error(err)
			}
		}
	})
	for changed := in.StoredChanged(); in.Stored() < in.Acknowledged(); changed = in.StoredChanged() {
		if in.Stored() < in.Acknowledged() {
			<-changed
		}
	}
	b.ReportMetric(float64(b.N*1000)/b.Elapsed().Seconds(), "events/s")
	cancel()
	<-done
}
