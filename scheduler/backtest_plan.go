package scheduler

import (
	"context"
	"fmt"

	"nightjar/compiler"
	"nightjar/schema"
)

// HistoryPlan is the plan of a rule for a backtest: with the suppressions that
// there are now, whenever the events arrived, and the reference tables as they
// were when each event did.
func (s *Scheduler) HistoryPlan(ctx context.Context, rule schema.Rule) (*compiler.BoundPlan, []string, error) {
	compiled, warnings, err := compiler.Compile(rule)
	if err != nil {
		return nil, nil, err
	}
	plan := compiled.Bind()
	if err := s.tables.check(&rule); err != nil {
		return nil, nil, err
	}
	warnings = append(warnings, s.tables.missing(plan)...)
	plan.Tables = s.deps.Tables
	if err := s.tables.loadOf(ctx, plan, schema.MinMillis); err != nil {
		return nil, nil, err
	}
	var present []compiler.InForce
	all, err := s.Suppressions(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range all {
		if p.Enabled {
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
