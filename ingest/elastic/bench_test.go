package elastic

import (
	"fmt"
	"strings"
	"testing"

	"nightjar/ingest"
	"nightjar/ingest/ingesttest"
)

// BenchmarkBulk reads 1,000 documents, as actions with ids and as the array that
// /api/v2/logs takes.
func BenchmarkBulk(b *testing.B) {
	doc := `{"@timestamp":"2026-05-01T11:59:00.123Z","message":"GET /index.html 200 12ms from 203.0.113.7","host":{"name":"web-7"},"log":{"level":"info"},"http":{"method":"GET","status":200,"bytes":5120},"user":{"id":"u-123","roles":["a","b"]},"service":{"name":"shop"}}`
	var bulk, array strings.Builder
	array.WriteString("[")
	for i := range 1000 {
		fmt.Fprintf(&bulk, `{"create":{"_index":"logs","_id":"%d"}}`+"\n%s\n", i, doc)
		if i > 0 {
			array.WriteString(",")
		}
		array.WriteString(doc)
	}
	array.WriteString("]")
	b.Run("bulk", func(b *testing.B) {
		for b.Loop() {
			d := &ingest.Decoder{Now: ingesttest.Now}
			r, err := readBulk(d, []byte(bulk.String()), "")
			if err != nil || len(r.events) != 1000 {
				b.Fatal(err)
			}
			batch := ingest.Batch{Events: r.events}
			batch.Identify("elastic", r.names)
		}
	})
	b.Run("array", func(b *testing.B) {
		for b.Loop() {
			d := &ingest.Decoder{Now: ingesttest.Now}
			if e, err := d.JSON([]byte(array.String())); err != nil || len(e) != 1000 {
				b.Fatal(err)
			}
		}
	})
}
