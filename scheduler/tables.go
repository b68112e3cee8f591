package scheduler

import (
	"context"
	"fmt"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// Tables are the reference tables.
type Tables interface {
	compiler.Tables
	// Load makes the columns answer for every moment from since on. Every change
	// whose moment has passed when it is called is seen once it has returned.
	Load(ctx context.Context, columns []compiler.TableColumn, since schema.Millis) error
	// Missing says which of the columns there are not, a line for each.
	Missing(columns []compiler.TableColumn) []string
	// Check is an error when there is the table and it has no such column.
	Check(column compiler.TableColumn) error
}

// CheckTables refuses a rule that asks a reference table that there is for a column
// that it does not have. A table may come after the rules that ask it.
func CheckTables(tables interface {
	Check(compiler.TableColumn) error
}, rule *schema.Rule) error {
	var bad schema.InvalidError
	for i, t := range rule.ReferenceTables {
		if err := tables.Check(compiler.TableColumn{Table: t.TableName, Column: t.ColumnName}); err != nil {
			bad.Add(fmt.Sprintf("referenceTables[%d].columnName", i), err.Error())
		}
	}
	return bad.Err()
}

func (s *Scheduler) checkTables(rule *schema.Rule) error {
	if s.deps.Tables == nil {
		return nil
	}
	return CheckTables(s.deps.Tables, rule)
}

// prepareTables warns of tables that a rule asks and that there are not, and
// loads the others, so that its evaluation need not wait for that.
func (s *Scheduler) prepareTables(ctx context.Context, plan *compiler.BoundPlan) []string {
	columns := plan.TableColumns()
	if len(columns) == 0 || s.deps.Tables == nil {
		return nil
	}
	if err := s.deps.Tables.Load(ctx, columns, schema.MillisOf(time.Now())); err != nil {
		s.deps.Log.Warn("cannot load reference tables yet", "rule", plan.Rule.Name, "error", err)
	}
	return s.missingTables(plan)
}

func (s *Scheduler) missingTables(plan *compiler.BoundPlan) []string {
	if s.deps.Tables == nil {
		return nil
	}
	return s.deps.Tables.Missing(plan.TableColumns())
}

// loadTables makes the tables ready for the events: as they were when those
// arrived, and with every change before.
func (s *Scheduler) loadTables(ctx context.Context, touches []labelMatch) error {
	if s.deps.Tables == nil {
		return nil
	}
	since := map[*compiler.BoundPlan]schema.Millis{}
	for _, t := range touches {
		if at, known := since[t.plan]; !known || t.event.Seen < at {
			since[t.plan] = t.event.Seen
		}
	}
	for plan, at := range since {
		if err := s.loadTablesOf(ctx, plan, at); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) loadTablesOf(ctx context.Context, plan *compiler.BoundPlan, since schema.Millis) error {
	columns := plan.TableColumns()
	if len(columns) == 0 || s.deps.Tables == nil {
		return nil
	}
	if err := s.deps.Tables.Load(ctx, columns, since); err != nil {
		return fmt.Errorf("reference tables of rule %s: %w", plan.Rule.ID, err)
	}
	return nil
}
