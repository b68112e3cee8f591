package rulecheck

import (
	"errors"
	"testing"

	"nightjar/compiler"
	"nightjar/schema"
)

// oneTable has one column; every other table is missing.
type oneTable struct{}

func (oneTable) Check(c compiler.TableColumn) error {
	if c.Table == "bad" && c.Column != "ip" {
		return errors.New("no such column")
	}
	return nil
}

func (oneTable) Missing(columns []compiler.TableColumn) (out []string) {
	for _, c := range columns {
		if c.Table != "bad" {
			out = append(out, "there is no table "+c.Table)
		}
	}
	return out
}

// asking is a valid rule that asks a table.
func asking(table, column string) schema.Rule {
	return schema.Rule{
		ID: "r", Name: "r", IsEnabled: true, Type: schema.RuleLogDetection,
		Queries:         []schema.RuleQuery{{Name: "a", Query: "source:x", Aggregation: "count"}},
		Cases:           []schema.RuleCase{{Status: "low", Condition: "a > 0"}},
		ReferenceTables: []schema.ReferenceTable{{TableName: table, ColumnName: column, LogFieldPath: "@ip", CheckPresence: true, RuleQueryName: "a"}},
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Each part of a check says its own mistakes, and who stores a rule hears all of them.
func TestEachMistakeHasItsPlace(t *testing.T) {
	const column = "referenceTables[0].columnName: no such column"
	const value = `queries[0].dataSource: want logs, audit, app_sec_spans, spans, security_runtime, network, events, security_signals, got "elsewhere"`
	r := asking("bad", "host")
	r.Queries[0].DataSource = "elsewhere"
	c := Check(r, Surroundings{Tables: oneTable{}})
	if c.Uncompiled != nil || said(c.Columns) != column || said(c.Values) != value || said(c.Err()) != column+"; "+value || said(c.Unrunnable()) != column {
		t.Errorf("%v; %v; %v", c.Uncompiled, c.Columns, c.Values)
	}
	r.Queries[0].Query = "a AND"
	c = Check(r, Surroundings{Tables: oneTable{}})
	if c.Uncompiled == nil || c.Columns != nil || said(c.Err()) != said(c.Uncompiled)+"; "+value || c.Unrunnable() == nil {
		t.Errorf("of a rule that does not compile: %v", c.Err())
	}
	if c := Check(asking("none", "ip"), Surroundings{Tables: oneTable{}}); c.Err() != nil || len(c.Warnings) != 1 || c.Warnings[0] != "there is no table none" {
		t.Errorf("of a table that may come: %v %q", c.Err(), c.Warnings)
	}
	if c := Check(asking("none", "ip"), Surroundings{}); c.Err() != nil || len(c.Warnings) != 0 {
		t.Errorf("without tables: %v %q", c.Err(), c.Warnings)
	}
}

// A rule that is kept can be switched off whatever became of its tables.
func TestARuleThatIsOffNeedsNoTables(t *testing.T) {
	r := asking("bad", "gone")
	if c := Check(r, Surroundings{Tables: oneTable{}}); c.Unstorable() == nil {
		t.Error("an enabled rule asks for a column that there is not")
	}
	r.IsEnabled = false
	if c := Check(r, Surroundings{Tables: oneTable{}}); c.Unstorable() != nil || c.Err() == nil {
		t.Errorf("switched off: %v; made: %v", c.Unstorable(), c.Err())
	}
}

// A stored version's plan differs from the document's in what the store says, and leaves
// that plan as it was.
func TestAVersionHasItsOwnPlan(t *testing.T) {
	c := Check(asking("bad", "ip"), Surroundings{})
	stored := c.Rule()
	stored.ID, stored.Version, stored.CreatedAt, stored.UpdatedAt = "s", 7, 1, 2
	plan := c.Plan.ForVersion(stored)
	if got := plan.Rule; got.ID != "s" || got.Version != 7 || got.CreatedAt != 1 || got.UpdatedAt != 2 || c.Plan.Rule.ID != "r" {
		t.Errorf("%+v beside %+v", got, c.Plan.Rule)
	}
	again, err := compiler.CompileStored(stored)
	if err != nil || again.Bind().Key != plan.Bind().Key {
		t.Errorf("the key is %q, of the version compiled %q (%v)", plan.Bind().Key, again.Bind().Key, err)
	}
}
