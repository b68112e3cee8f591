package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nightjar/ingest"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/record"
	"nightjar/schema"
)

// Input is what a preview is of. One of Stored, Object and Line is given.
type Input struct {
	Stored *schema.Event
	Object []byte // as it would be posted
	Line   string
	// Source is what the request would say.
	Source string
}

// Draft is a pipeline that is tried as if it were stored and enabled: in the place of
// the one with the id InPlaceOf, else behind all others, or alone.
type Draft struct {
	Document  []byte
	InPlaceOf string
	Alone     bool
}

// DraftID is the id of a draft that is in no other's place.
const DraftID = "draft"

// Preview is an event before and after.
type Preview struct {
	Before, After schema.Event
	Trace         pipeline.Trace
}

// traced is a set that writes down what it does. It wants every event, so that what
// does not apply is told, too.
type traced struct {
	set   *pipeline.Set
	trace pipeline.Trace
}

// Wants implements ingest.Pipelines.
func (*traced) Wants(*schema.Event) bool { return true }

// Run implements ingest.Pipelines.
func (t *traced) Run(r *record.Record) (applied record.Applied) {
	t.trace, applied = t.set.Trace(r)
	return applied
}

// Preview shows what the pipelines, with the draft if there is one, would make of an
// event. Nothing is stored or counted.
func (r *Registry) Preview(ctx context.Context, in Input, draft *Draft) (Preview, error) {
	set, err := r.Drafted(ctx, draft)
	if err != nil {
		return Preview{}, err
	}
	return PreviewWith(set, ingest.Decoder{Now: r.deps.Now(), Locator: r.deps.Locator}, in)
}

// PreviewWith is Preview with a set, and a decoder that has none.
func PreviewWith(set *pipeline.Set, d ingest.Decoder, in Input) (p Preview, err error) {
	t := &traced{set: set}
	before, after := d, d
	after.Pipelines = t
	if p.Before, err = in.read(&before); err != nil {
		return p, err
	}
	p.After, err = in.read(&after)
	p.Trace = t.trace
	return p, err
}

func (in *Input) read(d *ingest.Decoder) (schema.Event, error) {
	if in.Stored != nil {
		return d.Reread(in.Stored)
	}
	d.Source = in.Source
	if in.Object == nil {
		return d.Line([]byte(in.Line)), nil
	}
	events, err := d.JSON(in.Object)
	if err != nil {
		return schema.Event{}, err
	}
	if len(events) != 1 {
		return schema.Event{}, fmt.Errorf("want one event, got %d", len(events))
	}
	return events[0], nil
}

// Drafted is what is in force, with the draft if there is one, and counts nothing.
func (r *Registry) Drafted(ctx context.Context, draft *Draft) (*pipeline.Set, error) {
	deps := r.deps.Set
	deps.Counts = nil
	all := r.Set().Pipelines()
	if draft == nil {
		return pipeline.NewSet(all, deps), nil
	}
	p, err := parse(draft.Document, DraftID, 1)
	if err != nil {
		return nil, err
	}
	p.Enabled = true
	if draft.Alone {
		return pipeline.NewSet([]*pipeline.Pipeline{p}, deps), nil
	}
	if draft.InPlaceOf == "" {
		return pipeline.NewSet(append(slices.Clone(all), p), deps), nil
	}
	at := slices.IndexFunc(all, func(x *pipeline.Pipeline) bool { return x.ID == draft.InPlaceOf })
	if at < 0 {
		if _, err := r.Get(ctx, draft.InPlaceOf); err != nil {
			return nil, err
		}
		return nil, errors.New("the pipeline " + draft.InPlaceOf + " is out of force")
	}
	p.ID = draft.InPlaceOf
	all = slices.Clone(all)
	all[at] = p
	return pipeline.NewSet(all, deps), nil
}
