package pipeline

import (
	"fmt"
	"strings"

	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/record"
)

// SchemaProcessor makes a record of a class of OCSF.
type SchemaProcessor struct {
	Base
	Schema  SchemaData  `json:"schema"`
	Mappers []Processor `json:"mappers"`
}

// SchemaData is the class.
type SchemaData struct {
	Type       string   `json:"schema_type"`
	Version    string   `json:"version"`
	ClassName  string   `json:"class_name"`
	ClassUID   int64    `json:"class_uid"`
	Extensions []string `json:"extensions"`
	Profiles   []string `json:"profiles"`
}

// ocsfCategories are the names of OCSF's categories, whose numbers are the thousands of
// their classes'.
var ocsfCategories = map[int64]string{
	1: "System Activity", 2: "Findings", 3: "Identity & Access Management", 4: "Network Activity", 5: "Discovery", 6: "Application Activity",
	7: "Remediation", 8: "Unmanned Systems",
}

var (
	ocsfClassUID     = mustPath("ocsf.class_uid")
	ocsfClassName    = mustPath("ocsf.class_name")
	ocsfCategoryUID  = mustPath("ocsf.category_uid")
	ocsfCategoryName = mustPath("ocsf.category_name")
	ocsfVersion      = mustPath("ocsf.metadata.version")
)

func readSchema(o *object, b Base) Processor {
	s := &SchemaProcessor{Base: b}
	inner := o.inner("schema")
	if inner == nil {
		if o.find("schema") == nil {
			o.need("schema")
		}
	} else {
		s.Schema = inner.schemaData()
		inner.end()
	}
	if o.find("mappers") == nil {
		o.need("mappers")
	}
	s.Mappers = o.processors("mappers", mapperLevel)
	return s
}

func (o *object) schemaData() SchemaData {
	d := SchemaData{
		Type: o.oneOf("schema_type", required, "ocsf"), Version: o.filled("version"), ClassName: o.filled("class_name"), ClassUID: o.integer("class_uid"),
		Extensions: o.texts("extensions"), Profiles: o.texts("profiles"),
	}
	if _, known := ocsfCategories[d.ClassUID/1000]; !known && o.find("class_uid") != nil {
		o.problem("class_uid", fmt.Sprintf("%d is a class of no category of OCSF", d.ClassUID), "classes have numbers such as 3001, in the thousands of their category")
	}
	return d
}

func (s *SchemaProcessor) run(x *run) outcome {
	var first error
	for _, m := range s.Mappers {
		if out := m.run(x); out.Outcome == Failed && first == nil {
			first = fmt.Errorf("%s: %w", m.base().place, out.err)
		}
	}
	x.put(ocsfClassUID, value.Integer(x.Arena, s.Schema.ClassUID))
	x.put(ocsfClassName, x.String(s.Schema.ClassName))
	x.put(ocsfCategoryUID, value.Integer(x.Arena, s.Schema.ClassUID/1000))
	x.put(ocsfCategoryName, x.String(ocsfCategories[s.Schema.ClassUID/1000]))
	x.put(ocsfVersion, x.String(s.Schema.Version))
	if first != nil {
		return failed(first)
	}
	return applied
}

// readSchemaRemapper reads an attribute remapper by another name.
func readSchemaRemapper(o *object, b Base) Processor {
	r := readRemapping(o, b)
	o.outsideOCSF("target", r.Target)
	return r
}

// outsideOCSF warns of a target that is no part of the schema.
func (o *object) outsideOCSF(key, target string) {
	if target != "" && !strings.HasPrefix(target, "ocsf.") {
		o.warn(key, fmt.Sprintf("the target %q is not below ocsf", shortened(target)))
	}
}

// SchemaCategories writes the id and the name of the first category that matches.
type SchemaCategories struct {
	Base
	Categories []SchemaCategory `json:"categories"`
	Targets    SchemaTargets    `json:"targets"`
	Fallback   SchemaFallback   `json:"fallback"`

	id, name *record.Path
	choice   choice
}

// SchemaCategory is an id and a name, and which records have them.
type SchemaCategory struct {
	Filter Filter `json:"filter"`
	Name   string `json:"name"`
	ID     int64  `json:"id"`
}

// SchemaTargets are where they are written.
type SchemaTargets struct {
	Name string `json:"name,omitempty"`
	ID   string `json:"id,omitempty"`
}

// SchemaFallback says what values mean that no category fits, and where the name is
// taken from then.
type SchemaFallback struct {
	Values  map[string]string   `json:"values"`
	Sources map[string][]string `json:"sources"`

	names []record.Path
}

func readSchemaCategories(o *object, b Base) Processor {
	c := &SchemaCategories{Base: b, Categories: []SchemaCategory{}}
	c.readTargets(o)
	c.readCategories(o)
	c.Fallback = SchemaFallback{Values: map[string]string{}, Sources: map[string][]string{}}
	if inner := o.inner("fallback"); inner != nil {
		c.readFallback(inner)
		inner.end()
	}
	return c
}

func (c *SchemaCategories) readTargets(o *object) {
	inner := o.inner("targets")
	if inner == nil {
		if o.find("targets") == nil {
			o.need("targets")
		}
		return
	}
	read := func(key string, text *string, path **record.Path) {
		if inner.find(key) == nil {
			return
		}
		t, p := inner.attribute(key, "")
		*text, *path = t, &p
		inner.outsideOCSF(key, t)
	}
	read("id", &c.Targets.ID, &c.id)
	read("name", &c.Targets.Name, &c.name)
	if c.id == nil && c.name == nil {
		o.problem("targets", "there is no target", "name one for the id, or the name")
	}
	inner.end()
}

func (c *SchemaCategories) readCategories(o *object) {
	if o.find("categories") == nil {
		o.need("categories")
	}
	for i, n := range o.list("categories") {
		if inner := o.element("categories", i, n); inner != nil {
			c.Categories = append(c.Categories, SchemaCategory{Filter: inner.filter("filter"), Name: inner.filled("name"), ID: inner.integer("id")})
			inner.end()
		}
	}
	var filters []*Filter
	for i := range c.Categories {
		filters = append(filters, &c.Categories[i].Filter)
	}
	c.choice = newChoice(filters)
}

func (c *SchemaCategories) readFallback(o *object) {
	if values := o.inner("values"); values != nil {
		for _, m := range values.members {
			c.Fallback.Values[m.key] = values.text(m.key)
		}
	}
	if sources := o.inner("sources"); sources != nil {
		for _, m := range sources.members {
			texts, paths := sources.attributes(m.key)
			if c.Fallback.Sources[m.key] = texts; m.key == c.Targets.Name {
				c.Fallback.names = paths
			}
		}
	}
}

func (c *SchemaCategories) run(x *run) outcome {
	i := x.first(&c.choice)
	if i < 0 {
		return skipped("no category matches")
	}
	one := &c.Categories[i]
	name := x.String(one.Name)
	if c.fallsBack(one) {
		if v, _ := x.firstOf(c.Fallback.names); v != nil {
			if text, ok := record.Text(v); ok {
				name = x.String(text)
			}
		}
	}
	if c.id != nil {
		x.put(*c.id, value.Integer(x.Arena, one.ID))
	}
	if c.name != nil {
		return x.putNew(*c.name, name)
	}
	return applied
}

// fallsBack reports whether a category is the one of what fits no other.
func (c *SchemaCategories) fallsBack(one *SchemaCategory) bool {
	id, hasID := c.Fallback.Values[c.Targets.ID]
	name, hasName := c.Fallback.Values[c.Targets.Name]
	return hasID && id == fmt.Sprint(one.ID) || hasName && name == one.Name
}
