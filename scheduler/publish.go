package scheduler

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// planChange is a change of a signal of a plan.
type planChange struct {
	detect.Change
	plan *compiler.BoundPlan
}

// Published is a version of a signal as it is stored: with the reserved fields
// and the attributes that a search of signals sees.
type Published struct {
	schema.Signal
	// Source, Service and Host are empty where the signal's events have several:
	// the tags have them all.
	Source, Service, Host, Status, Message string
	Tags                                   []string
	Attributes                             schema.Attributes
}

// publish stores the changes.
func (ev *evaluator) publish(ctx context.Context, changes []planChange, find finder) error {
	if len(changes) == 0 {
		return nil
	}
	if err := ev.identify(ctx, changes); err != nil {
		return err
	}
	if err := ev.sample(ctx, changes, find); err != nil {
		return err
	}
	draw := newRenderer()
	out := make([]Published, len(changes))
	defer ev.publishing.done(out)
	for i := range changes {
		c := &changes[i]
		var err error
		if out[i], err = draw.render(c.plan, c.Signal); err != nil {
			return fmt.Errorf("render signal %s: %w", c.ID, err)
		}
		out[i].Place = ev.publishing.next(c.RuleID)
		c.Signal = out[i].Signal
	}
	if err := ev.silenceRuns.keepHorizons(ctx, changes); err != nil {
		return err
	}
	for part := range bySize(out) {
		if err := ev.deps.Signals.Publish(ctx, part); err != nil {
			return fmt.Errorf("publish signals: %w", err)
		}
	}
	ev.costs.countOpened(changes)
	for _, c := range changes {
		ev.cache.of(c.plan, false).published(detect.StateKeyOfRule(c.RuleKey, c.Group), c.Signal)
		if c.IsNew {
			ev.metrics.opened.Inc()
		}
		switch {
		case c.Gone():
			ev.metrics.withdrawn.Inc()
		case c.Suppression != "" && c.IsNew:
			ev.metrics.suppressed.Inc()
		}
	}
	return nil
}

// publishedAtOnce is about how many bytes of signals are stored at a time.
const publishedAtOnce = 8 << 20

// bySize splits signals into parts that are stored one after the other.
func bySize(list []Published) iter.Seq[[]Published] {
	return func(yield func([]Published) bool) {
		for len(list) > 0 {
			n, size := 0, 0
			for n < len(list) && (n == 0 || size < publishedAtOnce) {
				size += list[n].size()
				n++
			}
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// size is about how many bytes it is stored in: what it shows, twice over, and its
// tags, twice as well.
func (p *Published) size() int {
	return 512 + len(p.Samples) + len(p.Message) + 2*len(p.Attributes.JSON) + 16*(len(p.Tags)+len(p.EventTags)+len(p.Values))
}

// identify gives new signals their ids. An id that a withdrawn signal of the
// same beginning has is taken up again; one that a signal which has moved since
// still uses is salted.
func (ev *evaluator) identify(ctx context.Context, changes []planChange) error {
	salts := make([]int, len(changes))
	taken := map[string]bool{}
	for {
		var ids []string
		for i := range changes {
			if c := &changes[i]; c.IsNew && c.ID == "" {
				ids = append(ids, c.SaltedID(salts[i]))
			}
		}
		if len(ids) == 0 {
			return nil
		}
		known, err := ev.byIDs(ctx, ids)
		if err != nil {
			return err
		}
		n := 0
		for i := range changes {
			c := &changes[i]
			if !c.IsNew || c.ID != "" {
				continue
			}
			id := ids[n]
			n++
			before, used := known[id]
			if taken[id] || (used && !before.Gone()) {
				salts[i]++
				continue
			}
			taken[id] = true
			c.ID = id
			if used {
				c.IsNew, c.Version, c.Triage = false, before.Version+1, before.Triage
			}
		}
	}
}

// byIDs are the signals that have these ids. One that was published under the
// former form of its id keeps that, and ids has it from then on.
func (ev *evaluator) byIDs(ctx context.Context, ids []string) (map[string]schema.Signal, error) {
	asked := slices.Clone(ids)
	for _, id := range ids {
		if former := schema.FormerSignalID(id); former != "" {
			asked = append(asked, former)
		}
	}
	known, err := ev.deps.Signals.ByID(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("look up signal ids: %w", err)
	}
	for i, id := range ids {
		if former := schema.FormerSignalID(id); former != "" && known[former].ID != "" {
			ids[i] = former
		}
	}
	return known, nil
}
