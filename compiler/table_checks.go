package compiler

import (
	"fmt"
	"slices"

	"nightjar/schema"
)

// Tables are the reference tables that rules ask.
type Tables interface {
	// Has reports whether a column of a table had the value at a moment. A table
	// or column that there is not has none.
	Has(table, column, value string, at schema.Millis) bool
}

// TableColumn names a column of a reference table.
type TableColumn struct{ Table, Column string }

// String is the column as messages name it.
func (c TableColumn) String() string { return c.Table + "." + c.Column }

// TableCheck keeps of a label's events those whose field is in the column (IN,
// Present) or those whose field is not (NOT IN). Of a field with several values,
// one that is in the column is enough to be in it. An event without the field is
// not in it: IN removes it, NOT IN keeps it.
type TableCheck struct {
	TableColumn
	Field   schema.Field
	Present bool
}

// tables gives every label the checks of the rule that name it. One that names
// no query is for all of them.
func (c *ruleCompiler) tables() {
	for i, t := range c.plan.Rule.ReferenceTables {
		at := func(field string) string { return fmt.Sprintf("referenceTables[%d].%s", i, field) }
		if t.TableName == "" {
			c.bad.Add(at("tableName"), "which table? name it as it was created")
		}
		if t.ColumnName == "" {
			c.bad.Add(at("columnName"), "which column of the table? name it as the table's schema does")
		}
		if t.LogFieldPath == "" || t.LogFieldPath == "@" {
			c.bad.Add(at("logFieldPath"), "which field of the event? write an attribute like @network.client.ip, a reserved field or a tag")
		}
		check := TableCheck{
			TableColumn: TableColumn{Table: t.TableName, Column: t.ColumnName}, Field: schema.ParseField(t.LogFieldPath), Present: t.CheckPresence,
		}
		named := t.RuleQueryName == ""
		for n := range c.plan.Labels {
			if l := &c.plan.Labels[n]; t.RuleQueryName == "" || t.RuleQueryName == l.Name {
				l.Tables = append(l.Tables, check)
				named = true
			}
		}
		if !named {
			c.bad.Add(at("ruleQueryName"), fmt.Sprintf("no query is named %q; there are %q", t.RuleQueryName, c.labelNames()))
		}
	}
}

// passes reports whether an event that matches the label's query passes its
// checks, against the tables as they were when the event arrived.
func (p *BoundPlan) passes(l *Label, e *schema.Event) bool {
	for _, check := range l.Tables {
		if p.isIn(check, e) != check.Present {
			return false
		}
	}
	return true
}

func (p *BoundPlan) isIn(check TableCheck, e *schema.Event) bool {
	if p.Tables == nil {
		return false
	}
	return slices.ContainsFunc(e.Values(check.Field), func(value string) bool {
		return p.Tables.Has(check.Table, check.Column, value, e.Seen)
	})
}

// TableColumns are the columns that the plan asks, each once.
func (p *Plan) TableColumns() []TableColumn {
	var out []TableColumn
	for i := range p.Labels {
		for _, check := range p.Labels[i].Tables {
			if !slices.Contains(out, check.TableColumn) {
				out = append(out, check.TableColumn)
			}
		}
	}
	if p.Expected != nil && !slices.Contains(out, *p.Expected) {
		out = append(out, *p.Expected)
	}
	return out
}
