package pipeline

import (
	"fmt"

	"nightjar/ingest/record"
)

// CategoryProcessor writes the name of the first category whose filter matches.
type CategoryProcessor struct {
	Base
	Categories []Category `json:"categories"`
	Target     string     `json:"target"`

	path   record.Path
	choice choice
}

// Category is a name, and which records have it.
type Category struct {
	Filter Filter `json:"filter"`
	Name   string `json:"name"`
}

func readCategory(o *object, b Base) Processor {
	c := &CategoryProcessor{Base: b, Categories: []Category{}}
	c.Target, c.path = o.attribute("target", "")
	names := map[string]bool{}
	for i, n := range o.list("categories") {
		inner := o.element("categories", i, n)
		if inner == nil {
			continue
		}
		one := Category{Filter: inner.filter("filter"), Name: inner.filled("name")}
		if names[one.Name] && one.Name != "" {
			inner.problem("name", fmt.Sprintf("a second category is called %q", shortened(one.Name)), "join their queries with OR")
		}
		names[one.Name] = true
		inner.end()
		c.Categories = append(c.Categories, one)
	}
	if o.find("categories") == nil {
		o.need("categories")
	}
	var filters []*Filter
	for i := range c.Categories {
		filters = append(filters, &c.Categories[i].Filter)
	}
	c.choice = newChoice(filters)
	return c
}

func (c *CategoryProcessor) run(x *run) outcome {
	i := x.first(&c.choice)
	if i < 0 {
		return skipped("no category matches")
	}
	return x.putNew(c.path, x.String(c.Categories[i].Name))
}
