package pipeline

import (
	"fmt"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
)

// RunEvent takes an event that was read already through the set, as a preview does: the
// event is changed, as its storing would have it. It runs traced.
func (s *Set) RunEvent(e *schema.Event) (Trace, record.Applied, error) {
	text := e.JSON
	if text == "" {
		text = "{}"
	}
	v, err := fastjson.Parse(text)
	if err != nil {
		return Trace{}, record.Applied{}, fmt.Errorf("read the attributes: %w", err)
	}
	r := &record.Record{
		Source: e.Source, Service: e.Service, Host: e.Host, Status: e.Status, Message: e.Message, Tags: e.Tags,
		At: e.At, Timed: e.At != e.Seen, Received: e.Seen.Time(), Arena: new(fastjson.Arena),
	}
	r.Reset(schema.Pairs(v.GetObject()))
	t, applied := s.Trace(r)
	e.Service, e.Host, e.Status, e.Message, e.Tags, e.At = r.Service, r.Host, r.Status, r.Message, r.Tags, r.At
	pairs := r.Attributes()
	for _, id := range [...]struct{ key, value string }{{"trace_id", r.TraceID}, {"span_id", r.SpanID}} {
		if id.value != "" {
			pairs = append(pairs, schema.Pair{Key: id.key, Value: r.String(id.value)})
		}
	}
	e.Attributes, _ = schema.NewAttributes(pairs)
	return t, applied, nil
}
