package pipeline

import (
	"fmt"
	"strings"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// Lookup writes what a table has beside the source's text.
type Lookup struct {
	Base
	Source  string   `json:"source"`
	Target  string   `json:"target"`
	Table   []string `json:"lookup_table"`
	Default *string  `json:"default_lookup,omitempty"`

	source, target record.Path
	values         map[string]string
}

func readLookup(o *object, b Base) Processor {
	l := &Lookup{Base: b}
	l.Source, l.source = o.attribute("source", "")
	l.Target, l.target = o.attribute("target", "")
	l.Table = o.table("lookup_table")
	if o.find("default_lookup") != nil {
		text := o.text("default_lookup")
		l.Default = &text
	}
	l.values = make(map[string]string, len(l.Table))
	for i, row := range l.Table {
		key, value, ok := strings.Cut(row, ",")
		if !ok {
			o.problem("lookup_table", fmt.Sprintf("row %d, %q, has no comma", i+1, shortened(row)), "write key,value")
			continue
		}
		key = strings.TrimSpace(key)
		if _, again := l.values[key]; !again { // the first counts
			l.values[key] = strings.TrimSpace(value)
		}
	}
	return l
}

// table is a list of rows, or, as the vendor's YAML has it, a text of lines.
func (o *object) table(key string) []string {
	rows := []string{}
	n := o.find(key)
	switch {
	case n == nil:
		o.need(key)
	case n.kind == listNode:
		rows = o.texts(key)
	case n.kind == objectNode:
		o.problem(key, "this is an object, not a list", `write rows: ["key,value", "other key,other value"]`)
	default:
		for line := range strings.SplitSeq(o.text(key), "\n") {
			if strings.TrimSpace(line) != "" {
				rows = append(rows, strings.TrimSuffix(line, "\r"))
			}
		}
	}
	for _, r := range rows {
		o.doc.lookupBytes += len(r) + 1
	}
	if o.doc.lookupBytes > MaxLookupBytes {
		o.problem(key, fmt.Sprintf("the lookup tables of the pipeline have more than %d bytes", MaxLookupBytes), "make a reference table of it, and name it in lookup_enrichment_table")
	}
	return rows
}

func (l *Lookup) run(x *run) outcome {
	text, why := x.scalar(l.source)
	if why != "" {
		return skipped(why)
	}
	found, ok := l.values[text]
	if !ok && l.Default == nil {
		return skipped("the table does not have it, and there is no default")
	}
	if !ok {
		found = *l.Default
	}
	return x.putNew(l.target, x.String(found))
}

// scalar is the text of the scalar at a path, or why there is none.
func (x *run) scalar(p record.Path) (text, why string) {
	v := x.get(p)
	if v == nil {
		return "", "its source is missing"
	}
	text, ok := record.Text(v)
	if !ok || v.Type() == fastjson.TypeArray {
		return "", "its source is no text"
	}
	return text, ""
}
