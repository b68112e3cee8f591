package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"nightjar/ingest"
	"nightjar/ingest/files"
	"nightjar/schema"
)

// eventSource is one event of a timeline, some that are alike, or a file.
type eventSource struct {
	place `json:"-"`
	At    *moment         `json:"at"`
	Count *int            `json:"count"`
	Every *span           `json:"every"`
	Event json.RawMessage `json:"event"`
	File  string          `json:"file"`
}

// maxCount is how many events one entry makes.
const maxCount = 100_000

func (e *eventSource) check() error {
	switch {
	case e.File != "" && (e.At != nil || e.Count != nil || e.Every != nil || e.Event != nil):
		return mistake(e.node, "events of a file have their own times; nothing goes beside `file:`")
	case e.File != "":
		return nil
	case e.Event == nil:
		return mistake(e.node, "which event? write a message, or what /api/v2/logs takes, under `event:`")
	case e.Event[0] != '{' && e.Event[0] != '"':
		return mistake(e.node, "event: want a message as text, or a mapping as /api/v2/logs takes it")
	case e.At == nil:
		return mistake(e.node, "when? write `at: +5m`, from the start on, or a time")
	case e.Count != nil && (*e.Count < 1 || *e.Count > maxCount):
		return mistake(e.node, "count: from 1 to %d, got %d", maxCount, *e.Count)
	case (e.Count == nil) != (e.Every == nil):
		return mistake(e.node, "`count: 10` and `every: 30s` go together")
	}
	return nil
}

// number stands in the texts of repeated events for 1, 2, 3, …
const number = "{n}"

// events reads the timeline, in the order in which it is written, which is that
// of arrival. They arrive at their time.
func (r *run) events(sources []eventSource) ([]schema.Event, error) {
	var out []schema.Event
	for i := range sources {
		s := &sources[i]
		if s.File != "" {
			events, err := r.eventsOfFile(s)
			if err != nil {
				return nil, err
			}
			out = append(out, events...)
			continue
		}
		count, every := 1, span(0)
		if s.Count != nil {
			count, every = *s.Count, *s.Every
		}
		first := *s.At.in(r.start)
		for n := range count {
			body := s.Event
			if s.Count != nil {
				body = bytes.ReplaceAll(body, []byte(number), strconv.AppendInt(nil, int64(n+1), 10))
			}
			e, err := r.event(body, first+schema.Millis(n)*schema.Millis(every.millis()))
			if err != nil {
				return nil, mistake(s.node, "event: %v", err)
			}
			out = append(out, e)
		}
	}
	for i := range out {
		out[i].Seq, out[i].Seen = uint64(i+1), out[i].At
	}
	return out, nil
}

// event reads one event as the intake does.
func (r *run) event(body json.RawMessage, at schema.Millis) (schema.Event, error) {
	if body[0] == '"' {
		body = slices.Concat([]byte(`{"message":`), body, []byte(`}`))
	}
	if r.suite.Defaults != nil {
		body = below(body, r.suite.Defaults)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return schema.Event{}, err
	}
	for _, key := range []string{"timestamp", "date"} {
		if _, there := members[key]; there {
			return schema.Event{}, fmt.Errorf("%s: the event's time is that of `at:`", key)
		}
	}
	members["timestamp"] = strconv.AppendInt(nil, int64(at), 10)
	body, err := json.Marshal(members)
	if err == nil && r.suite.spend != nil {
		err = r.suite.spend(len(body))
	}
	if err != nil {
		return schema.Event{}, err
	}
	e, err := r.decode(body)
	e.At = at // whatever a pipeline reads from a record that was pasted
	return e, err
}

// below is a value over what it stands on: the members of objects are put
// together, and of all else it is the value that counts.
func below(value, ground json.RawMessage) json.RawMessage {
	var upper, lower map[string]json.RawMessage
	if json.Unmarshal(value, &upper) != nil || json.Unmarshal(ground, &lower) != nil || upper == nil || lower == nil {
		return value
	}
	for key, member := range upper {
		if under, ok := lower[key]; ok {
			member = below(member, under)
		}
		lower[key] = member
	}
	merged, err := json.Marshal(lower)
	if err != nil {
		return value // cannot be: it was JSON
	}
	return merged
}

func (r *run) decode(body []byte) (schema.Event, error) {
	e, err := ingest.NewOffline(r.start.Time(), r.locator, r.pipelines).Record(body, true)
	switch {
	case err != nil:
		return schema.Event{}, err
	case e.At == ingest.NoTime:
		return schema.Event{}, errors.New("its time cannot be read; write one under timestamp, in milliseconds or as 2026-03-01T09:00:00Z")
	}
	return e, nil
}

// eventsOfFile reads a file of events, in any form that ingest/files knows. What
// events have by default, those of a file have too.
func (r *run) eventsOfFile(s *eventSource) ([]schema.Event, error) {
	path, err := r.suite.folder.path(s.File)
	if err != nil {
		return nil, mistake(s.node, "%v", err)
	}
	var out []schema.Event
	err = files.Each(path, files.Options{}, func(rec files.Record) error {
		body := rec.Text
		if !rec.JSON {
			body = slices.Concat([]byte(`{"message":`), appendText(nil, string(body)), []byte(`}`))
		}
		if r.suite.Defaults != nil {
			body = below(body, r.suite.Defaults)
		}
		e, err := r.decode(body)
		if err != nil {
			return &files.PlaceError{Place: files.Place{Path: s.File, Line: rec.Place.Line}, Err: err}
		}
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, mistake(s.node, "%v", err)
	}
	return out, nil
}
