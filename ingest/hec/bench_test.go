package hec

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
)

// BenchmarkEvents reads 1,000 events whose envelopes say all there is.
func BenchmarkEvents(b *testing.B) {
	var body strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&body, `{"time":1700000000.%03d,"host":"web-7","source":"shop","sourcetype":"_json","index":"main","event":{"message":"GET /index.html 200 12ms from 203.0.113.7","level":"info","http":{"method":"GET","status":200,"bytes":5120}},"fields":{"env":"prod"}}`, i)
	}
	for b.Loop() {
		d := &ingest.Decoder{Now: ingesttest.Now}
		if events, err := readEvents(d, []byte(body.String()), nil); err != nil || len(events) != 1000 {
			b.Fatal(err)
		}
	}
}
