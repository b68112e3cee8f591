package pipeline

import (
	"errors"
	"fmt"
	"strconv"
)

// Pipeline is a document, read and compiled. Its JSON is that of the vendor's API, with
// every default written out.
type Pipeline struct {
	ID          string `json:"id,omitempty"`
	Type        string `json:"type"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Enabled     bool   `json:"is_enabled"`
	ReadOnly    bool   `json:"is_read_only"`
	// KeepSaid is ours: what events say themselves of status, service, and of what
	// happened (evt.name, evt.outcome, evt.category), stays.
	KeepSaid   bool        `json:"keep_said,omitempty"`
	Filter     Filter      `json:"filter"`
	Processors []Processor `json:"processors"`
	Tags       []string    `json:"tags"`

	// Version counts the document's meanings: what it parsed names it.
	Version int `json:"-"`
	// Order sorts the pipelines that ship: those with less come first.
	Order int `json:"-"`
	// Warnings are what is to be known, and is no mistake.
	Warnings []Problem `json:"-"`
	// Dear are the grok rules that RE2 can't run.
	Dear []DearRule `json:"-"`
}

// DearRule is a grok rule that runs on the bounded backtracking engine, and why.
type DearRule struct{ Path, Rule, Why string }

// Bounds of a pipeline.
const (
	MaxProcessors  = 500
	MaxLookupBytes = 100_000 // of all lookup tables of a pipeline
	maxTags        = 100
)

// defaultOrder is that of pipelines that say none.
const defaultOrder = 100

// What the vendor advises: more is a warning.
const (
	advisedProcessors = 20
	advisedRules      = 10
)

// ParseOptions say what a text leaves open.
type ParseOptions struct {
	// Enabled is what an absent is_enabled means, of the pipeline and its processors:
	// false in the vendor's API, true in our files.
	Enabled bool
}

// Parse reads one pipeline: the form of the vendor's API in JSON or YAML, or the form of
// its integrations (camelCase, and perhaps below a key "pipeline"). The error is a
// *DocumentError.
func Parse(text string, o ParseOptions) (*Pipeline, error) {
	n, problem := readNodes(text)
	if problem != nil {
		return nil, &DocumentError{[]Problem{*problem}}
	}
	return parse(n, "", o)
}

// ParseAll reads one pipeline, or a list of them, as the API lists them. What is wrong
// with any of them refuses all.
func ParseAll(text string, o ParseOptions) ([]*Pipeline, error) {
	n, problem := readNodes(text)
	if problem != nil {
		return nil, &DocumentError{[]Problem{*problem}}
	}
	if n.kind != listNode {
		p, err := parse(n, "", o)
		if err != nil {
			return nil, err
		}
		return []*Pipeline{p}, nil
	}
	var out []*Pipeline
	all := &DocumentError{}
	for i, item := range n.items {
		p, err := parse(item, fmt.Sprintf("[%d]", i), o)
		if bad := (*DocumentError)(nil); errors.As(err, &bad) {
			all.Problems = append(all.Problems, bad.Problems...)
		}
		out = append(out, p)
	}
	if len(all.Problems) > 0 {
		return nil, all
	}
	return out, nil
}

func parse(n *node, at string, o ParseOptions) (*Pipeline, error) {
	if n.kind != objectNode {
		return nil, &DocumentError{[]Problem{{at, n.line, n.column, "this is " + n.kind.String() + ", not a pipeline", "a pipeline has a name, a filter and processors"}}}
	}
	d := &document{enabled: o.Enabled}
	p := d.pipeline(d.object(n, at))
	if len(d.problems) > 0 {
		return nil, &DocumentError{d.problems}
	}
	if len(p.Processors) > advisedProcessors {
		d.warnings = append(d.warnings, Problem{Path: at, Line: n.line, Column: n.column, Message: fmt.Sprintf("%d processors; the vendor advises at most %d", len(p.Processors), advisedProcessors)})
	}
	p.Warnings, p.Dear = d.warnings, d.dear
	return p, nil
}

func (d *document) pipeline(o *object) *Pipeline {
	p := &Pipeline{Type: "pipeline", Version: 1, Order: defaultOrder}
	p.ID = o.textOr("id", "")
	if inner := o.inner("pipeline"); inner != nil { // a file of the vendor's integrations
		o.ignore("metric_id", "backend_only", "facets", "metrics", "installation_sources")
		o.end()
		outer := p.ID
		o = inner
		p.ID = o.textOr("id", outer)
	}
	p.Name = o.filled("name")
	p.Description = o.textOr("description", "")
	p.Enabled = o.flagOr("is_enabled", d.enabled)
	p.ReadOnly = o.flagOr("is_read_only", false)
	p.KeepSaid = o.flagOr("keep_said", false)
	p.Filter = o.filter("filter")
	p.Tags = o.tags()
	o.oneOf("type", optional, "pipeline")
	if v := o.find("version"); v != nil {
		n, err := strconv.Atoi(v.text)
		if err != nil || n < 1 {
			o.problem("version", "a version is a whole number from 1 on", "")
		}
		p.Version = n
	}
	if o.find("order") != nil {
		p.Order = int(o.integer("order"))
	}
	p.Processors = o.processors("processors", topLevel)
	o.end()
	return p
}

func (o *object) tags() []string {
	tags := o.texts("tags")
	if len(tags) > maxTags {
		o.problem("tags", fmt.Sprintf("%d tags; %d are the most", len(tags), maxTags), "")
	}
	return tags
}

// level is where processors stand: which of them may stand there depends on it.
type level uint8

const (
	topLevel level = iota
	nestedLevel
	elementLevel // of an array-map
	mapperLevel  // of a schema processor
)

// processors reads a list of processors.
func (o *object) processors(key string, l level) []Processor {
	out := []Processor{}
	for i, n := range o.list(key) {
		if o.doc.processors++; o.doc.processors > MaxProcessors {
			o.problemAt(n, o.path(key), fmt.Sprintf("more than %d processors", MaxProcessors), "cut the pipeline in two")
			return out
		}
		if inner := o.element(key, i, n); inner != nil {
			if p := inner.processor(l); p != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// processor reads a processor of any type; nil: it has none that is known here.
func (o *object) processor(l level) Processor {
	kind := o.filled("type")
	read := readers[l][kind]
	if read == nil && kind != "" {
		message, hint := fmt.Sprintf("there is no processor of type %q here", shortened(kind)), ""
		if near := closest(kind, kinds(l)); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		} else {
			hint = "the types are in docs/pipelines.md"
		}
		if l == nestedLevel && kind == "pipeline" {
			message, hint = "a pipeline within a pipeline holds no pipelines", "give its processors to the outer one, or write a pipeline of its own"
		}
		o.problem("type", message, hint)
	}
	if read == nil {
		return nil
	}
	b := Base{Type: kind, Name: o.textOr("name", ""), place: o.at}
	if l == topLevel || l == nestedLevel {
		enabled := o.flagOr("is_enabled", o.doc.enabled)
		b.Enabled = &enabled
	}
	p := read(o, b)
	o.end()
	return p
}
