package backtest

import (
	"context"
	"fmt"

	"nightjar/compiler"
	"nightjar/compiler/rulecheck"
	"nightjar/scheduler"
	"nightjar/schema"
)

// Planner compiles rules for history.
type Planner struct {
	// Suppressions are those that there are now; Scheduler.Suppressions is that.
	Suppressions func(context.Context) ([]schema.Suppression, error)
	// Tables are the reference tables; nil: there are none.
	Tables scheduler.Tables
}

// Plan is the plan of a rule for a backtest: with the suppressions that
// there are now, whenever the events arrived, and the reference tables as they
// were when each event did.
func (p *Planner) Plan(ctx context.Context, rule schema.Rule) (*compiler.BoundPlan, []string, error) {
	// How attributes are shaped today says nothing of history: no Shapes.
	checked := rulecheck.Check(rule, rulecheck.Surroundings{Tables: p.Tables})
	if err := checked.Unrunnable(); err != nil {
		return nil, nil, err
	}
	plan := checked.Plan.Bind()
	if err := p.loadTables(ctx, plan); err != nil {
		return nil, nil, err
	}
	present, err := p.inForce(ctx)
	if err != nil {
		return nil, nil, err
	}
	plan.Suppress(present)
	return plan, checked.Warnings, nil
}

// loadTables has the plan's tables answer for every moment.
func (p *Planner) loadTables(ctx context.Context, plan *compiler.BoundPlan) error {
	if p.Tables == nil {
		return nil
	}
	plan.Tables = p.Tables
	columns := plan.TableColumns()
	if len(columns) == 0 {
		return nil
	}
	if err := p.Tables.Load(ctx, columns, schema.MinMillis); err != nil {
		return fmt.Errorf("reference tables of rule %s: %w", plan.Rule.ID, err)
	}
	return nil
}

// inForce are the enabled suppressions, whatever their dates say.
func (p *Planner) inForce(ctx context.Context) ([]compiler.InForce, error) {
	all, err := p.Suppressions(ctx)
	if err != nil {
		return nil, err
	}
	var out []compiler.InForce
	for _, s := range all {
		if !s.Enabled {
			continue
		}
		c, err := compiler.CompileSuppression(s)
		if err != nil {
			return nil, fmt.Errorf("suppression %s: %w", s.ID, err)
		}
		out = append(out, compiler.Always(c))
	}
	return out, nil
}
