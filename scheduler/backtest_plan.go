package scheduler

import (
	"context"
	"fmt"
	"time"

	"nightjar/compiler"
	"nightjar/schema"
)

// HistoryPlan is the plan of a rule for a backtest: with the suppressions and the
// reference tables that there are now, whenever the events arrived.
func (s *Scheduler) HistoryPlan(ctx context.Context, rule schema.Rule) (*compiler.Plan, []string, error) {
	plan, warnings, err := compiler.Compile(rule)
	if err != nil {
		return nil, nil, err
	}
	warnings = append(warnings, s.prepareTables(ctx, plan)...)
	if s.deps.Tables != nil {
		plan.Tables = tablesAt{s.deps.Tables, schema.MillisOf(time.Now())}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var present []compiler.InForce
	for _, state := range s.suppressions {
		if p := state.present(); p.Enabled && !state.deleted {
			c, err := compiler.CompileSuppression(p)
			if err != nil {
				return nil, nil, fmt.Errorf("suppression %s: %w", p.ID, err)
			}
			present = append(present, compiler.Always(c))
		}
	}
	plan.Suppress(present)
	return plan, warnings, nil
}

// tablesAt are the reference tables as they were at a moment.
type tablesAt struct {
	tables compiler.Tables
	at     schema.Millis
}

// Has implements compiler.Tables.
func (t tablesAt) Has(table, column, value string, _ schema.Millis) bool {
	return t.tables.Has(table, column, value, t.at)
}
