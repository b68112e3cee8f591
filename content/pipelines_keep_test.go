package content_test

import (
	"fmt"
	"testing"
	"time"

	"nightjar/content"
	"nightjar/ingest"
	"nightjar/ingest/pipeline"
)

// TestPipelinesKeepWhatEventsSay reads events of every source that a built-in pipeline is
// for, which have the standard attributes already: they say it themselves, whoever
// normalised them.
func TestPipelinesKeepWhatEventsSay(t *testing.T) {
	all, err := pipeline.Load(content.Files, "pipelines")
	if err != nil {
		t.Fatal(err)
	}
	set := pipeline.NewSet(all, pipeline.Deps{})
	files, err := pipeline.LoadSamples(content.Files, "pipelines")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]bool{}
	for _, f := range files {
		for _, s := range f.Samples {
			if s.Source != "" {
				sources[s.Source] = true
			}
			d := ingest.Decoder{Now: s.Received, Source: s.Source, Pipelines: set}
			if events, err := d.Lines([]byte(s.Name)); err == nil && len(events) > 0 && events[0].Source != "" {
				sources[events[0].Source] = true
			}
		}
	}
	for source := range sources {
		text := fmt.Sprintf(`{"id":"e1","timestamp":1763769867750,"source":%q,"service":"web","host":"h1","status":"error","message":"somebody did something","tags":["env:dev"],
			"attributes":{"usr":{"id":"u1","name":"n1","email":"a@b.example"},"evt":{"name":"assume","outcome":"failure","category":"c1"},"http":{"status_code":403,"url":"/api/v1/x","method":"GET","useragent":"ua"},
			"bytes":3256,"network":{"client":{"ip":"192.0.2.1","port":1,"geoip":{"city":"Paris"}},"destination":{"ip":"192.0.2.2"}},"process":{"name":"p1"},"roles":["admin"],"duration":5,"error":{"message":"m"}}}`, source)
		d := ingest.NewOffline(time.UnixMilli(1763769867750), nil, nil)
		want, err := d.JSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		d = ingest.NewOffline(time.UnixMilli(1763769867750), nil, set)
		got, err := d.JSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		a, b := &want[0], &got[0]
		for _, field := range []string{"source", "service", "host", "status", "message"} {
			if a.Reserved(field) != b.Reserved(field) {
				t.Errorf("%s: %s was %q, and is %q", source, field, a.Reserved(field), b.Reserved(field))
			}
		}
		if a.At != b.At {
			t.Errorf("%s: it happened at %s, and then at %s", source, a.At, b.At)
		}
		for _, l := range a.Leaves {
			if got := b.Lookup(l.Path); len(got) != 1 || got[0] != l {
				t.Errorf("%s: @%s was %v, and is %v", source, l.Path, l.Value(), got)
			}
		}
	}
	if len(sources) < 25 {
		t.Errorf("%d sources, want those of all pipelines: %v", len(sources), sources)
	}
}
