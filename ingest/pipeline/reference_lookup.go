package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"nightjar/ingest/pipeline/value"
	"nightjar/ingest/record"
	"nightjar/schema"
)

// Tables are reference tables.
type Tables interface {
	// Row is the row of the table with this primary key, as it was in force at a moment:
	// its other columns. Not ok: there is none. An error says that there is no such table,
	// or that it cannot be asked.
	Row(table, key string, at schema.Millis) (row []Cell, ok bool, err error)
}

// Cell is a column's value in a row.
type Cell struct {
	Column, Value string
	Number        bool // the value is a whole number
}

// ReferenceLookup writes a reference table's row.
type ReferenceLookup struct {
	Base
	Source string `json:"source"`
	Target string `json:"target"`
	Table  string `json:"lookup_enrichment_table"`

	source, target record.Path
}

// TablesAsked are the names of the reference tables that the pipeline looks values up in.
func (p *Pipeline) TablesAsked() []string {
	var out []string
	var in func([]Processor)
	in = func(all []Processor) {
		for _, x := range all {
			switch x := x.(type) {
			case *ReferenceLookup:
				if !slices.Contains(out, x.Table) {
					out = append(out, x.Table)
				}
			case *Nested:
				in(x.Processors)
			}
		}
	}
	in(p.Processors)
	return out
}

// readAnyLookup reads either kind of lookup: they have one type.
func readAnyLookup(o *object, b Base) Processor {
	if o.find("lookup_enrichment_table") == nil {
		return readLookup(o, b)
	}
	l := &ReferenceLookup{Base: b, Table: o.filled("lookup_enrichment_table")}
	l.Source, l.source = o.attribute("source", "")
	l.Target, l.target = o.attribute("target", "")
	if o.find("lookup_table") != nil {
		o.problem("lookup_table", "a lookup has one table", "leave lookup_table or lookup_enrichment_table out")
	}
	return l
}

var errNoTables = errors.New("there are no reference tables here")

func (l *ReferenceLookup) run(x *run) outcome {
	text, why := x.scalar(l.source)
	if why != "" {
		return skipped(why)
	}
	if x.set.Tables == nil {
		return failed(errNoTables)
	}
	row, ok, err := x.set.Tables.Row(l.Table, text, schema.MillisOf(x.Received))
	if err != nil {
		return failed(fmt.Errorf("reference table %s: %w", l.Table, err))
	}
	if !ok {
		return skipped("the table does not have it")
	}
	out := x.Arena.NewObject()
	for _, c := range row {
		if n, err := strconv.ParseInt(c.Value, 10, 64); c.Number && err == nil {
			out.Set(c.Column, value.Integer(x.Arena, n))
			continue
		}
		out.Set(c.Column, x.String(c.Value))
	}
	return x.putNew(l.target, out)
}
