package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// AttributeRemapper moves an attribute or a tag.
type AttributeRemapper struct {
	Base
	Sources      []string `json:"sources"`
	SourceType   string   `json:"source_type,omitempty"`
	Target       string   `json:"target"`
	TargetType   string   `json:"target_type,omitempty"`
	TargetFormat string   `json:"target_format,omitempty"`
	Preserve     bool     `json:"preserve_source"`
	Override     bool     `json:"override_on_conflict"`

	paths  []record.Path
	target record.Path
	// readOnly: sources are never removed.
	readOnly bool
}

// The two things that a remapper reads and writes.
const (
	ofAttribute = "attribute"
	ofTag       = "tag"
)

// notRemappable are the reserved fields, of which a remapper makes attributes only.
var notRemappable = []string{"host", "message", "service", "status", "date", "trace_id", "span_id"}

func readAttributeRemapper(o *object, b Base) Processor {
	r := readRemapping(o, b)
	r.SourceType = o.oneOf("source_type", optional, ofAttribute, ofTag)
	r.TargetType = o.oneOf("target_type", optional, ofAttribute, ofTag)
	if r.TargetType == ofTag && r.TargetFormat != "" {
		o.problem("target_format", "a tag has no format", "leave target_format out")
	}
	if r.TargetType == ofAttribute && slices.Contains(notRemappable, r.Target) {
		o.warn("target", fmt.Sprintf("this writes an attribute %q, not the reserved field", r.Target))
	}
	return r
}

// readElementRemapper reads one within an array-map, where the source is read only.
func readElementRemapper(o *object, b Base) Processor {
	r := readRemapping(o, b)
	r.readOnly = true
	return r
}

func readRemapping(o *object, b Base) *AttributeRemapper {
	r := &AttributeRemapper{Base: b, Preserve: o.flagOr("preserve_source", false), Override: o.flagOr("override_on_conflict", false)}
	r.Sources, r.paths = o.attributes("sources")
	r.Target, r.target = o.attribute("target", "")
	if o.find("target_format") != nil {
		r.TargetFormat = o.oneOf("target_format", optional, formatAuto, formatString, formatInteger, formatDouble)
	}
	if strings.ContainsAny(r.Target, ":,") {
		o.problem("target", "a target has no colon and no comma in it", "")
	}
	return r
}

func (r *AttributeRemapper) run(x *run) outcome {
	if r.TargetType == ofTag {
		return r.toTag(x)
	}
	found, wrote := false, false
	for i, p := range r.paths {
		v := r.source(x, i)
		if v == nil {
			continue
		}
		found = true
		if r.Sources[i] == r.Target && r.SourceType != ofTag {
			if cast := x.cast(v, r.TargetFormat); cast != v { // which leaves lists on the way alone
				x.put(p, cast)
			}
			wrote = true
			continue
		}
		if !r.Override && (wrote || x.Has(r.target)) {
			r.release(x, i)
			continue
		}
		if out := r.write(x, i, v); out.Outcome != Applied {
			return out
		}
		if wrote = true; r.Override {
			break
		}
	}
	switch {
	case wrote:
		return applied
	case found:
		return skipped("the target is there already")
	}
	return skipped(noSource)
}

// write puts the value at the target. The source goes first: it may be above the target,
// or below it.
func (r *AttributeRemapper) write(x *run, i int, v *fastjson.Value) outcome {
	if r.keeps() {
		kept, err := x.copyOf(v)
		if err != nil {
			return failed(err)
		}
		v = kept
	}
	r.release(x, i)
	x.put(r.target, x.cast(v, r.TargetFormat))
	return applied
}

func (r *AttributeRemapper) keeps() bool { return r.Preserve || r.readOnly }

// source is what a source has; nil: nothing. Of a tag it is its value, or the list of its
// values.
func (r *AttributeRemapper) source(x *run, i int) *fastjson.Value {
	if r.SourceType != ofTag {
		return x.attribute(r.paths[i])
	}
	var values []string
	for _, t := range x.Tags {
		if v, ok := strings.CutPrefix(t, r.Sources[i]+":"); ok {
			values = append(values, v)
		}
	}
	switch len(values) {
	case 0:
		return nil
	case 1:
		return x.String(values[0])
	}
	list := x.Arena.NewArray()
	for n, v := range values {
		list.SetArrayItem(n, x.String(v))
	}
	return list
}

// release removes a source, unless it is kept.
func (r *AttributeRemapper) release(x *run, i int) {
	switch {
	case r.keeps():
	case r.SourceType == ofTag:
		x.dropTags(r.Sources[i])
	default:
		x.take(r.paths[i])
	}
}

// toTag adds tags: one for a scalar, one for each element of an array.
func (r *AttributeRemapper) toTag(x *run) outcome {
	result := skipped(noSource)
	for i := range r.Sources {
		v := r.source(x, i)
		if v == nil {
			continue
		}
		if result.Outcome != Applied {
			values := tagValues(v)
			if len(values) == 0 {
				result = skipped("its source is no text")
				continue
			}
			if r.Override {
				x.dropTags(r.Target)
			}
			for _, text := range values {
				x.addTag(r.Target + ":" + text)
			}
			result = applied
		}
		if r.release(x, i); r.Override {
			break
		}
	}
	return result
}

func tagValues(v *fastjson.Value) (out []string) {
	if v.Type() != fastjson.TypeArray {
		if text, ok := record.Text(v); ok && text != "" {
			out = append(out, text)
		}
		return out
	}
	for _, e := range v.GetArray() {
		if e.Type() != fastjson.TypeArray {
			out = append(out, tagValues(e)...)
		}
	}
	return out
}

// maxRecordTags and maxTagChars bound what pipelines make of tags, as the vendor does.
const (
	maxRecordTags = 100
	maxTagChars   = 256
)

func (x *run) addTag(tag string) {
	if runes := []rune(tag); len(runes) > maxTagChars {
		tag = string(runes[:maxTagChars])
	}
	if len(x.Tags) >= maxRecordTags || slices.Contains(x.Tags, tag) {
		return
	}
	x.Tags = append(slices.Clip(x.Tags), tag)
	x.tell("tags", tag)
}

func (x *run) dropTags(key string) {
	kept := make([]string, 0, len(x.Tags))
	for _, t := range x.Tags {
		if !strings.HasPrefix(t, key+":") {
			kept = append(kept, t)
		}
	}
	x.Tags = kept
}
