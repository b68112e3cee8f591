package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/pipeline/value"
	"nightjar/schema"
)

// OwnAttribute is the attribute below which the intake writes how it read an event.
const OwnAttribute = "nightjar"

// Compare says what differs between an event and what the sample has to become: lines
// that begin with - (wanted) and + (there is), by path. Empty: nothing.
func (s *Sample) Compare(id string, e *schema.Event) string {
	c := comparison{}
	r := &s.Result
	for _, f := range []struct {
		name string
		want *string
		have string
	}{
		{"timestamp", r.Timestamp, e.At.String()}, {"source", r.Source, e.Source}, {"host", r.Host, e.Host},
		{"service", r.Service, e.Service}, {"status", r.Status, e.Status}, {"message", r.Message, e.Message},
	} {
		if f.want != nil && *f.want != f.have {
			c.differ(f.name, *f.want, f.have)
		}
	}
	if r.Tags != nil {
		want, have := slices.Sorted(slices.Values(*r.Tags)), slices.Sorted(slices.Values(e.Tags))
		if !slices.Equal(want, have) {
			c.differ("tags", fmt.Sprint(want), fmt.Sprint(have))
		}
	}
	have := map[string]string{}
	flatten(e.JSON, have)
	c.own(id, r, have)
	c.attributes(r, have)
	return strings.Join(c.lines, "\n")
}

type comparison struct{ lines []string }

func (c *comparison) wanted(path, value string) { c.lines = append(c.lines, "- "+path+": "+value) }

func (c *comparison) there(path, value string) { c.lines = append(c.lines, "+ "+path+": "+value) }

func (c *comparison) differ(path, want, have string) {
	c.wanted(path, want)
	c.there(path, have)
}

// own looks at what the intake writes of itself, and takes it away.
func (c *comparison) own(id string, r *Result, have map[string]string) {
	applied := texts(have[OwnAttribute+".pipelines"])
	was := slices.ContainsFunc(applied, func(a string) bool { return strings.HasPrefix(a, id+"@") })
	if id != "" && was == r.Skipped {
		want := "applied"
		if r.Skipped {
			want = "not applied"
		}
		c.differ("pipeline "+id, want, fmt.Sprintf("of the pipelines, those that were: %v", applied))
	}
	c.errors(r.Errors, texts(have[OwnAttribute+".pipeline_errors"]))
	for path := range have {
		if path == OwnAttribute || strings.HasPrefix(path, OwnAttribute+".") {
			delete(have, path)
		}
	}
}

func (c *comparison) errors(want, have []string) {
	for _, w := range want {
		i := slices.IndexFunc(have, func(h string) bool { return strings.Contains(h, w) })
		if i < 0 {
			c.wanted("error", w)
			continue
		}
		have = slices.Delete(slices.Clone(have), i, i+1)
	}
	for _, h := range have {
		c.there("error", h)
	}
}

func texts(list string) (out []string) {
	v, err := fastjson.Parse(list)
	if err != nil {
		return nil
	}
	for _, e := range v.GetArray() {
		out = append(out, string(e.GetStringBytes()))
	}
	return out
}

func (c *comparison) attributes(r *Result, have map[string]string) {
	if r.Attributes != nil {
		for _, path := range sortedPaths(r.Attributes, have) {
			c.leaf(path, r.Attributes, have)
		}
	}
	for _, path := range sortedPaths(r.Has, nil) {
		c.leaf(path, r.Has, have)
	}
	for _, path := range r.Lacks {
		for _, at := range sortedPaths(have, nil) {
			if at == path || strings.HasPrefix(at, path+".") {
				c.there(at, have[at]+" (nothing is wanted here)")
			}
		}
	}
}

func (c *comparison) leaf(path string, want, have map[string]string) {
	w, wanted := want[path]
	h, there := have[path]
	if wanted && there && w == h {
		return
	}
	if wanted {
		c.wanted(path, w)
	}
	if there {
		c.there(path, h)
	}
}

// flatten are the values of attributes by their paths, in canonical JSON. Lists are
// values; so is an object that is empty. Null is nothing.
func flatten(attributes string, into map[string]string) {
	if attributes == "" {
		return
	}
	v, err := fastjson.Parse(attributes)
	if err != nil {
		into["(attributes)"] = err.Error()
		return
	}
	flattenValue("", v, into)
}

func flattenValue(at string, v *fastjson.Value, into map[string]string) {
	switch {
	case v.Type() == fastjson.TypeNull:
	case v.Type() == fastjson.TypeObject && (at == "" || v.GetObject().Len() > 0):
		v.GetObject().Visit(func(k []byte, v *fastjson.Value) {
			flattenValue(strings.TrimPrefix(at+"."+string(k), "."), v, into)
		})
	default:
		into[at] = string(appendSorted(nil, v))
	}
}

// appendSorted appends a value as JSON, the keys of objects in order.
func appendSorted(dst []byte, v *fastjson.Value) []byte {
	switch v.Type() {
	case fastjson.TypeArray:
		dst = append(dst, '[')
		for i, e := range v.GetArray() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendSorted(dst, e)
		}
		return append(dst, ']')
	case fastjson.TypeObject:
		members := map[string]*fastjson.Value{}
		v.GetObject().Visit(func(k []byte, v *fastjson.Value) { members[string(k)] = v })
		dst = append(dst, '{')
		for i, k := range slices.Sorted(maps.Keys(members)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendSorted(append(value.AppendString(dst, k), ':'), members[k])
		}
		return append(dst, '}')
	}
	return value.Append(dst, v)
}
