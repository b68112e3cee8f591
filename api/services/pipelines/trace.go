package pipelines

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightjar/api"
	"nightjar/api/services/events"
	pb "nightjar/api/v1"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/registry"
	"nightjar/schema"
	"nightjar/schema/vocabulary"
)

// TraceEvent reads a stored event again through what is in force.
func (s *PipelineService) TraceEvent(ctx context.Context, in *pb.TraceEventRequest) (*pb.EventTrace, error) {
	at, seq, err := schema.ParseEventID(in.GetEventId())
	if err != nil {
		return nil, api.BadRequest("event_id", "%v", err)
	}
	stored, err := s.Logs.Log(ctx, at, seq)
	if err != nil {
		return nil, err
	}
	p, trace, err := s.preview(ctx, registry.Input{Stored: &stored}, nil)
	if err != nil {
		return nil, err
	}
	return &pb.EventTrace{
		Stored: events.LogItem(&stored, vocabulary.Own), Now: events.LogItem(&p.After, vocabulary.Own),
		Raw: events.UnlessEmpty(stored.Original), TraceText: trace,
		Changes: pipelineChanges(&stored, &p.After, p.Trace.Pipelines), Differs: differing(&stored, &p.After),
	}, nil
}

// reader is a pipeline that an event was read by.
type reader struct {
	id      string
	version int64
}

// readersOf are the pipelines that an event was read by, in their order, as the intake noted
// them: id@version.
func readersOf(e *schema.Event) (out []reader) {
	attributes, err := schema.ParseAttributes(e.JSON)
	if err != nil {
		return nil // it was read when it was stored
	}
	for _, leaf := range attributes.Lookup("nightjar.pipelines") {
		name := leaf.Text()
		at := strings.LastIndexByte(name, '@')
		if at < 0 {
			continue
		}
		if version, err := strconv.ParseInt(name[at+1:], 10, 64); err == nil {
			out = append(out, reader{id: name[:at], version: version})
		}
	}
	return out
}

// pipelineChanges are what is different between those that read an event and those that
// read it now: in the order of now, and then what is gone.
func pipelineChanges(stored, now *schema.Event, all []*pipeline.TracedPipeline) (out []*pb.PipelineChange) {
	before, after := readersOf(stored), readersOf(now)
	of := func(list []reader, id string) *int64 {
		if i := slices.IndexFunc(list, func(r reader) bool { return r.id == id }); i >= 0 {
			return &list[i].version
		}
		return nil
	}
	add := func(id, change string, then, version *int64) {
		c := &pb.PipelineChange{Id: id, Change: change, StoredVersion: then, Version: version}
		if i := slices.IndexFunc(all, func(p *pipeline.TracedPipeline) bool { return p.ID == id }); i >= 0 {
			c.Name = &all[i].Name
		}
		out = append(out, c)
	}
	for _, r := range after {
		switch then := of(before, r.id); {
		case then == nil:
			add(r.id, "added", nil, &r.version)
		case *then != r.version:
			add(r.id, "changed", then, &r.version)
		}
	}
	for _, r := range before {
		if of(after, r.id) == nil {
			add(r.id, "removed", &r.version, nil)
		}
	}
	return out
}

// differing are the fields in which two readings of an event differ, but for what the intake
// itself notes of how it was read.
func differing(a, b *schema.Event) (out []string) {
	for _, f := range [...]struct {
		name string
		same bool
	}{
		{"timestamp", a.At == b.At || tookItsArrival(a, b)}, {"source", a.Source == b.Source}, {"service", a.Service == b.Service}, {"host", a.Host == b.Host},
		{"status", a.Status == b.Status}, {"message", a.Message == b.Message}, {"tags", sameSet(a.Tags, b.Tags)},
	} {
		if !f.same {
			out = append(out, f.name)
		}
	}
	return append(out, differingAttributes(a, b)...)
}

// tookItsArrival reports whether the second reading found no time in the event, and the first
// one neither: that took the moment at which it was read, just before it was numbered.
func tookItsArrival(stored, now *schema.Event) bool {
	return now.At == stored.Seen && stored.At <= stored.Seen && stored.Seen-stored.At < 1000
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func differingAttributes(a, b *schema.Event) (out []string) {
	before, after := valuesByPath(a), valuesByPath(b)
	for path, values := range before {
		if !slices.Equal(values, after[path]) {
			out = append(out, "@"+path)
		}
	}
	for path := range after {
		if _, was := before[path]; !was {
			out = append(out, "@"+path)
		}
	}
	slices.Sort(out)
	return out
}

// valuesByPath are an event's attributes, each with its kind: "1" is not 1.
func valuesByPath(e *schema.Event) map[string][]string {
	out := map[string][]string{}
	attributes, err := schema.ParseAttributes(e.JSON)
	if err != nil {
		return out // it was read when it was stored
	}
	for _, leaf := range attributes.Leaves {
		if leaf.Path != "nightjar" && !strings.HasPrefix(leaf.Path, "nightjar.") {
			out[leaf.Path] = append(out[leaf.Path], fmt.Sprintf("%v %s", leaf.Kind, leaf.Text()))
		}
	}
	return out
}
