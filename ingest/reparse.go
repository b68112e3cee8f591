package ingest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/schema"
)

// Reread is a stored event as this decoder, with its pipelines, would have made it of
// what came: of the original, where that is kept, else of the message, else of the
// event as it is. It arrived when it did. What requests said of it is taken from the
// event, so that a source that was guessed is guessed again and one that was said stays.
func (d *Decoder) Reread(e *schema.Event) (schema.Event, error) {
	own := ownOf(e)
	d.Now, d.Service, d.Host, d.Tags = e.Seen.Time(), e.Service, e.Host, e.Tags
	if d.Source = e.Source; own.GetBool(sourceGuessed) {
		d.Source = ""
	}
	var out schema.Event
	if e.Original != "" && e.Original[0] != '{' {
		out = d.Line([]byte(e.Original))
	} else {
		object := e.Original
		if object == "" {
			object = objectOf(e, own.Exists(pipelinesAttribute))
		}
		events, err := d.JSON([]byte(object))
		if err != nil {
			return out, fmt.Errorf("read event %s again: %w", e.ID(), err)
		}
		if len(events) != 1 {
			return out, fmt.Errorf("read event %s again: it became %d events", e.ID(), len(events))
		}
		out = events[0]
	}
	out.Seq = e.Seq
	if isOwnSource(out.Source) && !isOwnSource(e.Source) { // what it claims to be, it is no more than then
		out.Source = e.Source
	}
	claimed, problem := own.Get(originalTimestamp), own.Get(timestampProblem)
	if !settleTime(&out, e.Seen, maxAhead) && out.At == e.At && e.Original == "" && claimed != nil && problem != nil {
		// What it claimed is nowhere else.
		out.Attributes = withOwn(out.Attributes, ownMembers{originalTimestamp: claimed, timestampProblem: problem})
	}
	return out, nil
}

// ownOf is what the intake said of an event; never nil.
func ownOf(e *schema.Event) *fastjson.Value {
	if strings.Contains(e.JSON, `"`+ownAttribute+`"`) {
		if v, err := fastjson.Parse(e.JSON); err == nil && v.Get(ownAttribute) != nil {
			return v.Get(ownAttribute)
		}
	}
	return fastjson.MustParse("{}")
}

// objectOf is the event as it would be posted; of one that pipelines read, without the
// attributes, which they will find again in its message.
func objectOf(e *schema.Event, read bool) string {
	var b strings.Builder
	b.WriteString(`{"message":` + schema.QuoteJSON(e.Message))
	if e.At != e.Seen {
		b.WriteString(`,"timestamp":` + strconv.FormatInt(int64(e.At), 10))
	}
	if e.Status != "" {
		b.WriteString(`,"status":` + schema.QuoteJSON(e.Status))
	}
	if !read && len(e.JSON) > len("{}") {
		b.WriteString(`,"attributes":` + e.JSON)
	}
	b.WriteString("}")
	return b.String()
}
