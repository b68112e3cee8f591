package pipeline

import (
	"bytes"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
	"nightjar/testenv"
)

// BenchmarkCloudTrail runs the built-in pipeline of CloudTrail over real records, of
// which the tree is made outside of what is measured: the thread's processor time.
func BenchmarkCloudTrail(b *testing.B) {
	p, err := Load(os.DirFS("../../content"), "pipelines")
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(testenv.Shared(b, "data/cloudtrail/stratus_detonations.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	set := NewSet(p, Deps{})
	var lines [][]byte
	for line := range bytes.Lines(text) {
		lines = append(lines, line)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	arena := new(fastjson.Arena)
	run := func(line []byte) time.Duration {
		var parser fastjson.Parser
		v, err := parser.ParseBytes(line)
		if err != nil {
			b.Fatal(err)
		}
		arena.Reset()
		r := &record.Record{Arena: arena, Source: "cloudtrail", Received: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
		r.Reset(schema.Pairs(v.GetObject()))
		began := threadTime()
		set.Run(r)
		return threadTime() - began
	}
	for _, line := range lines {
		run(line) // what is remembered from one event to the next
	}
	var took time.Duration
	n := 0
	for b.Loop() {
		took += run(lines[n%len(lines)])
		n++
	}
	b.ReportMetric(float64(took.Nanoseconds())/1000/float64(n), "µs/event")
}
