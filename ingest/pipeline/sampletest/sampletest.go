package sampletest

import (
	"fmt"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/schema"
)

// Run reads the sample's input, and says what differs from what it has to become; empty:
// nothing. Pipelines are all that are in force, not the sample's alone.
func Run(set *pipeline.Set, id string, s *pipeline.Sample) (string, error) {
	d := ingest.Decoder{Now: s.Received, Source: s.Source, Service: s.Service, Host: s.Host, Tags: s.Tags, Pipelines: set}
	e, err := read(&d, s)
	if err != nil {
		return "", err
	}
	return s.Compare(id, &e), nil
}

func read(d *ingest.Decoder, s *pipeline.Sample) (schema.Event, error) {
	if !s.IsJSON {
		return d.Raw(s.Text), nil
	}
	events, err := d.JSON([]byte(s.JSON))
	if err != nil {
		return schema.Event{}, err
	}
	if len(events) != 1 {
		return schema.Event{}, fmt.Errorf("the input is %d events; write one", len(events))
	}
	return events[0], nil
}
