package rulecheck

import (
	"errors"
	"fmt"
	"slices"

	"nightjar/compiler"
	"nightjar/schema"
)

// Surroundings are what a rule is checked against beside itself. The zero value is for
// where nothing is known of them.
type Surroundings struct {
	Tables Tables // nil: reference tables are not asked
	// Shapes are those of stored attributes; nil: any may be.
	Shapes func(path string) schema.Shapes
}

// Tables say what reference tables there are.
type Tables interface {
	// Check is an error when there is the table and it has no such column.
	Check(compiler.TableColumn) error
	// Missing says which of the columns there are not, a line for each.
	Missing([]compiler.TableColumn) []string
}

// Checked is a rule document that was checked. Its errors are each a
// *schema.InvalidError, or nil: Err is for a document that is to be stored, the fields
// are for who asks less of it.
type Checked struct {
	// Plan is what the document compiles to, in parts when Uncompiled says why not.
	Plan *compiler.Plan
	// Uncompiled says what keeps the document from being evaluated by anybody.
	Uncompiled error
	// Columns says what reference tables that there are do not have. A table may come
	// after the rules that ask it.
	Columns error
	// Values says where there are words and numbers that clients can't read.
	Values error
	// Warnings are about what is accepted and has no effect, or hardly the one meant.
	Warnings []string
}

// Check compiles a document and says what is wrong with it.
func Check(rule schema.Rule, in Surroundings) Checked {
	plan, warnings, err := compiler.Compile(rule)
	c := Checked{Plan: plan, Warnings: warnings, Uncompiled: err, Values: checkValues(&rule)}
	if err != nil {
		return c
	}
	if in.Tables != nil {
		c.AskTables(in.Tables)
	}
	if in.Shapes != nil {
		c.Warnings = append(c.Warnings, plan.Joined(in.Shapes)...)
	}
	return c
}

// AskTables checks a document that compiles against tables that could only be read when
// it was known which of their columns it asks.
func (c *Checked) AskTables(tables Tables) {
	var bad schema.InvalidError
	for i, t := range c.Plan.Rule.ReferenceTables {
		if err := tables.Check(compiler.TableColumn{Table: t.TableName, Column: t.ColumnName}); err != nil {
			bad.Add(fmt.Sprintf("referenceTables[%d].columnName", i), err.Error())
		}
	}
	c.Columns = bad.Err()
	c.Warnings = append(c.Warnings, tables.Missing(c.Plan.TableColumns())...)
}

// Err is everything that is wrong with a document that is to be stored.
func (c *Checked) Err() error { return together(c.Uncompiled, c.Columns, c.Values) }

// Unstorable is Err of a rule that is stored already, and changed: one that is not
// enabled can be changed, and switched off, whatever became of its tables.
func (c *Checked) Unstorable() error {
	if c.Plan.Rule.IsEnabled {
		return c.Err()
	}
	return together(c.Uncompiled, c.Values)
}

// Unrunnable is what is wrong with a document that is to be evaluated and not stored.
func (c *Checked) Unrunnable() error { return together(c.Uncompiled, c.Columns) }

// Rule is the document that was checked, or, of a stored one, as it is stored; the zero
// value when nothing was.
func (c *Checked) Rule() schema.Rule {
	if c.Plan == nil {
		return schema.Rule{}
	}
	return c.Plan.Rule
}

// together is one *schema.InvalidError of those that there are, each mistake once.
func together(errs ...error) error {
	var all schema.InvalidError
	for _, err := range errs {
		var invalid *schema.InvalidError
		if errors.As(err, &invalid) {
			for _, d := range invalid.Details {
				if !slices.Contains(all.Details, d) {
					all.Details = append(all.Details, d)
				}
			}
		}
	}
	return all.Err()
}
