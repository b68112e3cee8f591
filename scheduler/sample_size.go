package scheduler

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/compiler"
	"nightjar/schema"
)

// What a signal shows of an event is bounded, so that the signals of one event
// take no more together than a few times the event: an event in ten thousand
// groups would be stored ten thousand times over. The event itself is stored
// whole, and its sample says what was cut.
const (
	shownMost  = 32 << 10 // bytes of one event in one signal
	shownLeast = 1 << 10  // however many signals there are
	shownInAll = 8 << 20  // bytes of one event in all signals of a rule
)

// samples makes what signals show of events: each once for all signals of a rule.
type samples struct {
	events map[uint64]*schema.Event // by sequence
	texts  map[sampleOf]json.RawMessage
}

type sampleOf struct {
	plan  *compiler.BoundPlan
	label int
	seq   uint64
}

func newSamples(events map[uint64]*schema.Event) *samples {
	return &samples{events, map[sampleOf]json.RawMessage{}}
}

// of is the sample of the match's event; ok is false when the event is gone.
func (s *samples) of(plan *compiler.BoundPlan, m *compiler.Match) (text json.RawMessage, ok bool, err error) {
	e := s.events[m.Seq]
	if e == nil {
		return nil, false, nil
	}
	key := sampleOf{plan, m.Label, m.Seq}
	if text, ok = s.texts[key]; ok {
		return text, true, nil
	}
	limit := max(shownLeast, min(shownMost, shownInAll/max(1, plan.Signals(m.Label, e))))
	if text, err = json.Marshal(newSample(e, m.Label, limit)); err != nil {
		return nil, false, fmt.Errorf("encode sample event %s: %w", e.ID(), err)
	}
	s.texts[key] = text
	return text, true, nil
}

// newSample is the event as a signal shows it, in about limit bytes.
func newSample(e *schema.Event, label, limit int) schema.Sample {
	content := schema.SampleContent{
		Timestamp: e.At.String(), Source: e.Source, Service: e.Service, Host: e.Host, Status: e.Status,
		Message: e.Message, Tags: notNil(e.Tags), Custom: json.RawMessage(e.JSON),
	}
	tags := 0
	for _, t := range e.Tags {
		tags += len(t) + 3
	}
	names := len(e.Source) + len(e.Service) + len(e.Host) + len(e.Status)
	if len(e.Message)+len(e.JSON)+tags+names > limit {
		for _, name := range []*string{&content.Source, &content.Service, &content.Host, &content.Status} {
			*name = cutText(*name, limit/16)
		}
		content.Message = cutText(e.Message, limit/4)
		content.Tags = cutTags(content.Tags, limit/4)
		content.Custom = cutJSON(e.JSON, limit/2)
		content.Cut = &schema.SampleCut{MessageBytes: len(e.Message), Tags: len(e.Tags), CustomBytes: len(e.JSON)}
	}
	if len(content.Custom) == 0 {
		content.Custom = json.RawMessage("{}")
	}
	return schema.Sample{EventID: e.ID(), QueryIndex: label, Content: content}
}

// cutText is the beginning of a text, in at most limit bytes and an ellipsis.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}

func cutTags(tags []string, limit int) []string {
	for i, t := range tags {
		if limit -= len(t) + 3; limit < 0 {
			return tags[:i]
		}
	}
	return tags
}

// cutJSON is an object in about limit bytes: arrays end early, texts too, and of
// the members the small ones come first.
func cutJSON(text string, limit int) json.RawMessage {
	if len(text) <= limit {
		return json.RawMessage(text)
	}
	v, err := fastjson.Parse(text)
	if err != nil {
		return nil // it is written by schema.NewAttributes
	}
	out, _ := appendCut(nil, v, limit)
	return out
}

// appendCut writes what fits of a value. It reports whether anything did.
func appendCut(dst []byte, v *fastjson.Value, limit int) ([]byte, bool) {
	switch v.Type() {
	case fastjson.TypeObject:
		return appendCutObject(dst, v.GetObject(), limit), limit >= 2
	case fastjson.TypeArray:
		return appendCutArray(dst, v.GetArray(), limit), limit >= 2
	case fastjson.TypeString:
		s := string(v.GetStringBytes())
		quoted := schema.QuoteJSON(s)
		if len(quoted) > limit && limit < 16 {
			return dst, false
		}
		if len(quoted) > limit {
			quoted = schema.QuoteJSON(cutText(s, (limit-5)/(len(quoted)/(len(s)+1)+1)))
		}
		return append(dst, quoted...), len(quoted) <= limit
	}
	before := len(dst)
	dst = v.MarshalTo(dst)
	return dst, len(dst)-before <= limit
}

func appendCutArray(dst []byte, elements []*fastjson.Value, limit int) []byte {
	end := len(dst) + limit
	dst = append(dst, '[')
	for i, e := range elements {
		before := len(dst)
		if i > 0 {
			dst = append(dst, ',')
		}
		longer, fits := appendCut(dst, e, end-len(dst)-1)
		if !fits {
			dst = dst[:before]
			break
		}
		dst = longer
	}
	return append(dst, ']')
}

type member struct {
	key   string
	value *fastjson.Value
	size  int
}

// appendCutObject gives each member its share of what the smaller ones left.
func appendCutObject(dst []byte, o *fastjson.Object, limit int) []byte {
	var members []member
	o.Visit(func(k []byte, v *fastjson.Value) {
		members = append(members, member{string(k), v, sizeOfJSON(v)})
	})
	slices.SortStableFunc(members, func(a, b member) int { return a.size - b.size })
	end := len(dst) + limit
	dst = append(dst, '{')
	for i, m := range members {
		before := len(dst)
		if before > 0 && dst[before-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(dst, schema.QuoteJSON(m.key)...), ':')
		longer, fits := appendCut(dst, m.value, (end-len(dst)-1)/(len(members)-i))
		if !fits {
			dst = dst[:before]
			continue
		}
		dst = longer
	}
	return append(dst, '}')
}

// sizeOfJSON is about how many bytes a value takes.
func sizeOfJSON(v *fastjson.Value) int {
	size := 2
	switch v.Type() {
	case fastjson.TypeObject:
		v.GetObject().Visit(func(k []byte, inner *fastjson.Value) { size += len(k) + 4 + sizeOfJSON(inner) })
	case fastjson.TypeArray:
		for _, e := range v.GetArray() {
			size += 1 + sizeOfJSON(e)
		}
	case fastjson.TypeString:
		size += len(v.GetStringBytes())
	default:
		size += 8
	}
	return size
}
