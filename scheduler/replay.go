package scheduler

import (
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// ReplayRendered is Replay, with signals as they would be published: with sample
// events, which fetch finds by time and sequence, and withheld where a
// suppression says so.
func ReplayRendered(plan *compiler.BoundPlan, matches []compiler.Match, h detect.Horizon, fetch func([]compiler.Match) ([]schema.Event, error)) ([]Published, error) {
	changes := detect.ReplayChanges(plan, matches, h)
	out := make([]Published, 0, len(changes))
	for part := range slices.Chunk(changes, RenderedAtOnce) {
		published, err := RenderChanges(plan, part, fetch)
		if err != nil {
			return nil, err
		}
		out = append(out, published...)
	}
	return out, nil
}

// RenderedAtOnce bounds how many signals' samples are fetched together.
const RenderedAtOnce = 1000

// RenderChanges are the signals of changes of a plan, as they would be published.
func RenderChanges(plan *compiler.BoundPlan, changes []detect.Change, fetch func([]compiler.Match) ([]schema.Event, error)) ([]Published, error) {
	var wanted []compiler.Match
	for i := range changes {
		wanted = append(wanted, changes[i].Evidence...)
	}
	events, err := fetch(wanted)
	if err != nil {
		return nil, fmt.Errorf("fetch sample events: %w", err)
	}
	bySeq := make(map[uint64]*schema.Event, len(events))
	for i := range events {
		bySeq[events[i].Seq] = &events[i]
	}
	shown, draw := newSamples(bySeq), newRenderer()
	out := make([]Published, len(changes))
	for i := range changes {
		if err := resample(&changes[i], plan, schema.ReadSamples(changes[i].Samples), shown); err != nil {
			return nil, err
		}
		if out[i], err = draw.render(plan, changes[i].Signal); err != nil {
			return nil, err
		}
	}
	return out, nil
}
