package scheduler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// sample gives the changed signals their sample events: the earliest, whatever
// the order in which they came.
func (ev *evaluator) sample(ctx context.Context, changes []planChange, find finder) error {
	var wanted []compiler.Match
	old := make([][]schema.Sample, len(changes))
	for i := range changes {
		old[i] = schema.ReadSamples(changes[i].Samples)
		wanted = append(wanted, changes[i].Unsampled(old[i])...)
	}
	bySeq, err := find(ctx, wanted)
	if err != nil {
		return err
	}
	shown := newSamples(bySeq)
	for i := range changes {
		if err := resample(&changes[i].Change, changes[i].plan, old[i], shown); err != nil {
			return err
		}
	}
	return nil
}

// finder finds the events of matches; those that are gone are left out.
type finder func(context.Context, []compiler.Match) (map[uint64]*schema.Event, error)

// events finds those that were stored last in memory, the others in the store.
func (ev *evaluator) events(ctx context.Context, refs []compiler.Match) (map[uint64]*schema.Event, error) {
	bySeq := map[uint64]*schema.Event{}
	var unread []compiler.Match
	for _, m := range refs {
		if _, asked := bySeq[m.Seq]; asked {
			continue
		}
		bySeq[m.Seq] = nil
		if ev.deps.Recent != nil {
			bySeq[m.Seq] = ev.deps.Recent.find(m.Seq)
		}
		if bySeq[m.Seq] == nil {
			unread = append(unread, m)
		}
	}
	if len(unread) == 0 {
		return bySeq, nil
	}
	events, err := ev.deps.Events.Fetch(ctx, unread)
	if err != nil {
		return nil, fmt.Errorf("fetch sample events: %w", err)
	}
	for i := range events {
		bySeq[events[i].Seq] = &events[i]
	}
	return bySeq, nil
}

// resample makes the samples, which are old so far, those of the evidence; where the
// signal goes on from one that had ended, they are added to its own. Of an event that is
// gone from the store the sample that there was is kept.
func resample(c *detect.Change, plan *compiler.BoundPlan, old []schema.Sample, shown *samples) error {
	missing := c.Unsampled(old)
	if c.Gone() || (len(missing) == 0 && (c.Carried || len(old) == len(c.Evidence))) {
		return nil
	}
	list := []json.RawMessage{}
	keep := func(s schema.Sample) error {
		text, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("encode sample events: %w", err)
		}
		list = append(list, text)
		return nil
	}
	wanted := c.Evidence
	if c.Carried {
		wanted = missing
		for _, s := range old {
			if err := keep(s); err != nil {
				return err
			}
		}
	}
	for i := range wanted {
		text, ok, err := shown.of(plan, &wanted[i])
		if err != nil {
			return err
		}
		if ok {
			list = append(list, text)
			continue
		}
		id := schema.EventID(wanted[i].At, wanted[i].Seq)
		if at := slices.IndexFunc(old, func(s schema.Sample) bool { return s.EventID == id }); at >= 0 {
			if err := keep(old[at]); err != nil {
				return err
			}
		}
	}
	c.Samples = joinJSON(list)
	return nil
}

// joinJSON is an array of these values.
func joinJSON(list []json.RawMessage) string {
	return "[" + string(bytes.Join(asBytes(list), []byte{','})) + "]"
}

func asBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

// sampleEvents are the events that a signal shows, read back, and how many of
// them it does not show whole.
func sampleEvents(samples string) (events []schema.Event, cut int) {
	list := schema.ReadSamples(samples)
	events = make([]schema.Event, 0, len(list))
	for _, s := range list {
		c := s.Content
		attributes, err := schema.ParseAttributes(string(c.Custom))
		if err != nil {
			continue
		}
		if c.Cut != nil {
			cut++
		}
		events = append(events, schema.Event{
			Source: c.Source, Service: c.Service, Host: c.Host, Status: c.Status, Message: c.Message, Tags: c.Tags, Attributes: attributes,
		})
	}
	return events, cut
}
