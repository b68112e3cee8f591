package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/schema"
)

// Tables are the reference tables.
type Tables interface {
	compiler.Tables
	rulecheck.Tables
	// Load makes the columns answer for every moment from since on. Every change
	// whose moment has passed when it is called is seen once it has returned.
	Load(ctx context.Context, columns []compiler.TableColumn, since schema.Millis) error
}

// referenceTables are the tables that rules ask, if there are any.
type referenceTables struct {
	tables Tables // nil: there are none
	log    *slog.Logger
}

// prepare loads the tables that a rule asks, so that its evaluation need not wait for
// that.
func (rt *referenceTables) prepare(ctx context.Context, plan *compiler.BoundPlan) {
	columns := plan.TableColumns()
	if len(columns) == 0 || rt.tables == nil {
		return
	}
	if err := rt.tables.Load(ctx, columns, schema.MillisOf(time.Now())); err != nil {
		rt.log.Warn("cannot load reference tables yet", "rule", plan.Rule.Name, "error", err)
	}
}

func (rt *referenceTables) missing(plan *compiler.BoundPlan) []string {
	if rt.tables == nil {
		return nil
	}
	return rt.tables.Missing(plan.TableColumns())
}

// load makes the tables ready for the events: as they were when those
// arrived, and with every change before.
func (rt *referenceTables) load(ctx context.Context, labelMatches []labelMatch) error {
	if rt.tables == nil {
		return nil
	}
	since := map[*compiler.BoundPlan]schema.Millis{}
	for _, t := range labelMatches {
		if at, known := since[t.plan]; !known || t.event.Seen < at {
			since[t.plan] = t.event.Seen
		}
	}
	for plan, at := range since {
		if err := rt.loadOf(ctx, plan, at); err != nil {
			return err
		}
	}
	return nil
}

func (rt *referenceTables) loadOf(ctx context.Context, plan *compiler.BoundPlan, since schema.Millis) error {
	columns := plan.TableColumns()
	if len(columns) == 0 || rt.tables == nil {
		return nil
	}
	if err := rt.tables.Load(ctx, columns, since); err != nil {
		return fmt.Errorf("reference tables of rule %s: %w", plan.Rule.ID, err)
	}
	return nil
}
