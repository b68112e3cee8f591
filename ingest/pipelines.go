package ingest

import (
	"slices"
	"sync"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
	"nightjar/schema"
)

// Pipelines change events while they are made, as users say it in documents. They may
// be asked from several goroutines.
type Pipelines interface {
	// Wants reports whether there may be a pipeline for an event with these reserved
	// fields; its attributes are not read yet. What no pipeline is for stays with the
	// reader that makes no tree.
	Wants(e *schema.Event) bool
	// Run changes the record, and says what was done. It never holds a record back.
	Run(r *record.Record) record.Applied
}

// What the intake says of how an event was read.
const (
	pipelinesAttribute = "pipelines"
	pipelineErrors     = "pipeline_errors"
	sourceGuessed      = "source_guessed"
)

// arenas make the values that pipelines add; they live until the event is built.
var arenas = sync.Pool{New: func() any { return new(fastjson.Arena) }}

// pipe runs the pipelines over the event, where there are any for it. What the request
// says of its host is no part of the record: a line counts before it.
// What it made new lives until the arena is given back.
func (d *Decoder) pipe(e *schema.Event, x *draft, timed bool) *fastjson.Arena {
	if d.Pipelines == nil {
		return nil
	}
	d.asked = *e // so that no event is allocated on the heap
	wanted := d.Pipelines.Wants(&d.asked)
	d.asked = schema.Event{}
	if !wanted {
		return nil
	}
	if x.read != nil {
		x.needsTree = true
		return nil
	}
	d.piped = true
	arena := arenas.Get().(*fastjson.Arena)
	x.arena = arena
	r := &record.Record{
		Source: e.Source, Service: e.Service, Host: e.Host, Status: e.Status, Message: e.Message, Line: x.line, Tags: e.Tags,
		At: e.At, Timed: timed, Received: d.Now, Year: d.Year, Zone: d.Zone, Arena: arena,
	}
	bare := isBare(x.pairs) && x.said == nil
	r.Reset(x.pairs)
	applied := d.Pipelines.Run(r)
	x.pairs = r.Attributes()
	if len(applied.Names) > 0 {
		d.takeOver(e, x, r, applied, bare && saysAll(e, r, x, timed))
	}
	return arena
}

func giveBack(arena *fastjson.Arena) {
	if arena != nil {
		arena.Reset()
		arenas.Put(arena)
	}
}

// disown drops what another intake, or this one when the event came before, said of how
// it was read: that is said anew.
func (x *draft) disown() {
	for i, p := range x.pairs {
		if p.Key != ownAttribute || p.Value.Type() != fastjson.TypeObject {
			continue
		}
		own := p.Value.GetObject()
		for _, key := range [...]string{sourceGuessed, pipelinesAttribute, pipelineErrors} {
			for own.Get(key) != nil {
				own.Del(key)
			}
		}
		if own.Len() == 0 {
			x.pairs = slices.Delete(x.pairs, i, i+1)
			return // there is hardly ever a second; it would only be an empty object
		}
	}
}

// takeOver gives the event what pipelines made of it; plain says that its message alone
// says what came.
func (d *Decoder) takeOver(e *schema.Event, x *draft, r *record.Record, applied record.Applied, plain bool) {
	if r.Timed && x.untimed {
		d.Untimed--
	}
	e.Source, e.Service, e.Host, e.Status, e.Message, e.At = r.Source, r.Service, r.Host, first(r.Status, defaultStatus), r.Message, r.At
	e.Tags = distinctTags(r.Tags)
	for _, id := range [...]struct{ key, value string }{{"trace_id", r.TraceID}, {"span_id", r.SpanID}} {
		if id.value != "" {
			x.pairs = append(x.pairs, schema.Pair{Key: id.key, Value: textValue(id.value)})
		}
	}
	x.applied = applied
	if applied.Redacted != nil {
		e.Message = redactedStrings(e.Message, applied.Redacted, 0) // whose text is redacted already
	}
	if plain || d.Offline {
		return
	}
	e.Original = x.original()
	if applied.Redacted != nil {
		e.Original = redacted(e.Original, applied.Redacted)
	}
	if e.Original == e.Message {
		e.Original = ""
	}
	e.Original = d.valid(e.Original)
}

// original is the event as it came.
func (x *draft) original() string {
	switch {
	case x.object != nil:
		return string(x.object)
	case x.line != "":
		return x.line
	}
	return x.rawMessage
}

// isBare reports whether there are no attributes but those that do not come from the
// event's text.
func isBare(pairs []schema.Pair) bool {
	for _, p := range pairs {
		if p.Key != "id" && p.Key != ownAttribute {
			return false
		}
	}
	return true
}

// saysAll reports whether what pipelines left of an event without attributes still has
// all that came.
func saysAll(e *schema.Event, r *record.Record, x *draft, timed bool) bool {
	kept := func(before, after string) bool { return before == "" || before == after }
	return e.Message == r.Message && kept(e.Service, r.Service) && kept(e.Host, r.Host) &&
		(x.defaulted || e.Status == r.Status) && (!timed || e.At == r.At)
}

// reading are the members of the intake's own attribute that say how the event was read.
func (x *draft) reading(arena *fastjson.Arena) ownMembers {
	own := ownMembers{}
	if x.guessed {
		own[sourceGuessed] = arena.NewTrue()
	}
	if len(x.applied.Names) > 0 {
		own[pipelinesAttribute] = attributeValue(arena, x.applied.Names)
	}
	if len(x.applied.Errors) > 0 {
		own[pipelineErrors] = attributeValue(arena, x.applied.Errors)
	}
	return own
}
