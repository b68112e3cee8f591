package scheduler

import (
	"context"
	"fmt"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Scanner reads stored events by their own time.
type Scanner interface {
	// Scan hands over the rows of the statement, with times in the span, of these
	// arrivals. A row is good until use returns.
	Scan(ctx context.Context, st *compiler.ScanStatement, in TimeSpan, arrived Interval, use func(*compiler.Scanned) error) error
	// FirstSince is the first arrival at or after a moment; 0: there is none.
	FirstSince(ctx context.Context, seen schema.Millis) (uint64, error)
}

// TimeSpan is a stretch of event time, both ends included.
type TimeSpan struct{ From, To schema.Millis }

// learnPast lets plans with an instantaneous baseline learn from the events that
// were stored before their rule was made, before they are evaluated over any
// other. It is done again until something was evaluated and saved: learning
// twice is learning once.
func (ev *evaluator) learnPast(ctx context.Context, plans []*compiler.BoundPlan) error {
	for _, plan := range plans {
		back := pastOf(plan)
		if back == 0 || ev.learned[plan.Key] || ev.deps.Scanner == nil || ev.runs.throughOf(plan.Key) != plan.After {
			continue
		}
		if err := ev.learnFrom(ctx, plan, back); err != nil {
			return fmt.Errorf("learn from the past of rule %s: %w", plan.Rule.ID, err)
		}
		ev.learned[plan.Key] = true
	}
	return nil
}

// pastOf is how far back a plan learns.
func pastOf(plan *compiler.BoundPlan) time.Duration {
	switch {
	case plan.Novelty != nil:
		return plan.Novelty.Before
	case plan.Anomaly != nil:
		return plan.Anomaly.Before
	}
	return 0
}

func (ev *evaluator) learnFrom(ctx context.Context, plan *compiler.BoundPlan, back time.Duration) error {
	made := max(plan.Rule.CreatedAt, plan.Rule.UpdatedAt)
	first, err := ev.deps.Scanner.FirstSince(ctx, made.Add(-back))
	if err != nil || first == 0 || first > plan.After {
		return err
	}
	if err := ev.tables.loadOf(ctx, plan, made.Add(-back)); err != nil {
		return err
	}
	var shapes func(string) schema.Shapes
	if ev.deps.Catalogue != nil {
		shapes, _ = ev.deps.Catalogue.Snapshot()
	}
	st, err := compiler.ScanSQL(plan, shapes)
	if err != nil {
		return err
	}
	learn, err := ev.pastLearner(ctx, plan)
	if err != nil {
		return err
	}
	all := TimeSpan{schema.MinMillis, schema.MaxMillis}
	var left compiler.LeftOut
	err = ev.deps.Scanner.Scan(ctx, st, all, Interval{first - 1, plan.After}, func(row *compiler.Scanned) error {
		matches := st.Matches(row, &left)
		for i := range matches {
			learn(&matches[i])
		}
		return nil
	})
	if err == nil && left.Events > 0 {
		ev.deps.Log.Warn("not all of the past was learned", "rule", plan.Rule.ID, "reason", left.String())
	}
	return err
}

// pastLearner takes in the matches of the past. Those that series are counted
// from are stored, as later ones are.
func (ev *evaluator) pastLearner(ctx context.Context, plan *compiler.BoundPlan) (func(*compiler.Match), error) {
	if plan.Anomaly == nil {
		k, err := ev.seenValues(ctx, plan, false)
		return func(m *compiler.Match) {
			if values := plan.Values(m); values != nil {
				k.Learn(m, values) // in silence: no signal is looked at for it
			}
		}, err
	}
	u := detect.NewBaseline(plan, plan.After) // what was counted of it before, in this process or another, is counted again
	ev.baselines[plan.Key] = u
	return func(m *compiler.Match) {
		u.Count(m)
		group := detect.StateGroup(plan, m)
		ev.unstored.matches = append(ev.unstored.matches, StoredMatch{detect.StateKey(plan, group), plan.Key, *m})
	}, nil
}
