package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightjar/ingest/pipeline/value"
	"nightjar/schema"
)

// Samples are inputs and what a pipeline has to make of them.
type Samples struct {
	File string
	// Pipeline is the id of the one that they are for.
	Pipeline string
	Samples  []Sample
}

// Sample is one input.
type Sample struct {
	Name         string
	Line, Column int // of its name, in the file
	// Text is a raw line; JSON is an event as it would be posted, where IsJSON.
	Text, JSON string
	IsJSON     bool
	// Source, Service, Host and Tags are what the request says beside it.
	Source, Service, Host string
	Tags                  []string
	Received              time.Time
	Result                Result
}

// Result is what a sample has to become. Fields that are nil are not compared.
type Result struct {
	Timestamp, Host, Service, Status, Source, Message *string
	Tags                                              *[]string
	// Attributes are all of them, by their paths, each as JSON; Has are some of them, and
	// Lacks paths at which there has to be nothing.
	Attributes, Has map[string]string
	Lacks           []string
	// Errors are parts of the errors that pipelines have to tell, and there are no others.
	Errors []string
	// Skipped says that the pipeline has to leave it alone.
	Skipped bool
}

// defaultReceived is when samples arrive that do not say when.
var defaultReceived = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ParseSamples reads a file of samples. The error is a *DocumentError.
func ParseSamples(text string) (*Samples, error) {
	n, problem := readNodes(text)
	if problem != nil {
		return nil, &DocumentError{[]Problem{*problem}}
	}
	d := &document{}
	o := d.object(n, "")
	s := &Samples{Pipeline: o.filled("pipeline")}
	names := map[string]bool{}
	for i, item := range o.list("samples") {
		inner := o.element("samples", i, item)
		if inner == nil {
			continue
		}
		one := inner.sample()
		if names[one.Name] {
			inner.problem("name", fmt.Sprintf("a second sample is called %q", shortened(one.Name)), "")
		}
		names[one.Name] = true
		s.Samples = append(s.Samples, one)
	}
	if len(s.Samples) == 0 {
		o.problem("samples", "there is no sample", "")
	}
	o.end()
	if len(d.problems) > 0 {
		return nil, &DocumentError{d.problems}
	}
	return s, nil
}

func (o *object) sample() Sample {
	s := Sample{Name: o.filled("name"), Line: o.line, Column: o.column, Received: defaultReceived}
	switch n := o.find("input"); {
	case n == nil:
		o.need("input")
	case n.kind == objectNode:
		s.IsJSON, s.JSON = true, string(n.appendJSON(nil))
	default:
		s.Text = strings.TrimSuffix(o.text("input"), "\n")
	}
	s.Source, s.Service, s.Host = o.textOr("source", ""), o.textOr("service", ""), o.textOr("host", "")
	s.Tags = o.texts("tags")
	if text := o.textOr("received", ""); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			o.problem("received", "this is no time", "write it as 2026-01-01T00:00:00Z")
		}
		s.Received = at
	}
	if r := o.inner("result"); r != nil {
		s.Result = r.result()
	} else if o.find("result") == nil {
		o.need("result")
	}
	o.end()
	return s
}

func (o *object) result() Result {
	r := Result{Skipped: o.flagOr("skipped", false), Lacks: o.texts("lacks"), Errors: o.texts("errors")}
	for key, field := range map[string]**string{
		"timestamp": &r.Timestamp, "host": &r.Host, "service": &r.Service, "status": &r.Status, "source": &r.Source, "message": &r.Message,
	} {
		if o.find(key) != nil {
			text := o.text(key)
			*field = &text
		}
	}
	if r.Timestamp != nil {
		at, err := time.Parse(time.RFC3339, *r.Timestamp)
		if err != nil {
			o.problem("timestamp", "this is no time", "write it as 2026-01-01T00:00:00Z")
		}
		text := schema.MillisOf(at).String()
		r.Timestamp = &text
	}
	if o.find("tags") != nil {
		tags := o.texts("tags")
		r.Tags = &tags
	}
	r.Attributes, r.Has = o.leaves("attributes"), o.leaves("has")
	if r.Attributes == nil && r.Has == nil && !r.Skipped {
		o.problem("", "the result has neither attributes nor has", "write all that it has to have under attributes, or a part of it under has")
	}
	o.end()
	return r
}

// leaves are the values below a member by their paths; nil: it is absent.
func (o *object) leaves(key string) map[string]string {
	n := o.find(key)
	if n == nil {
		return nil
	}
	out := map[string]string{}
	if n.kind != objectNode {
		o.problem(key, "this is "+n.kind.String()+", not attributes", "")
		return out
	}
	e, err := schema.ParseAttributes(string(n.appendJSON(nil)))
	if err != nil {
		o.problem(key, err.Error(), "")
	}
	flatten(e.JSON, out)
	return out
}

// appendJSON appends the value as JSON.
func (n *node) appendJSON(dst []byte) []byte {
	switch n.kind {
	case nullNode:
		return append(dst, "null"...)
	case textNode:
		return value.AppendString(dst, n.text)
	case numberNode, flagNode:
		return append(dst, n.text...)
	case listNode:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendJSON(dst)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, m := range n.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(value.AppendString(dst, m.key), ':')
		dst = m.value.appendJSON(dst)
	}
	return append(dst, '}')
}

// sortedPaths are the paths of either.
func sortedPaths(a, b map[string]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
