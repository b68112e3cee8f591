package scheduler

import (
	"context"
	"fmt"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/scheduler/explain"
	"nightjar/schema"
)

// Explainer says why a rule made a signal, or none, from what evaluation holds.
type Explainer struct {
	deps     *Deps
	rules    *RuleStore
	inForce  *inForce
	tables   *referenceTables
	requests *requests

	// Of the goroutine that evaluates, which is asked for what follows.
	evaluator   *evaluator
	silenceRuns *silenceRuns
}

// Explain answers a question. Nothing is evaluated meanwhile, so that the answer
// is of one moment.
func (x *Explainer) Explain(ctx context.Context, q explain.Question) (out explain.Explanation, err error) {
	err = x.requests.between(ctx, func() error {
		out, err = x.explain(ctx, q)
		return err
	})
	return out, err
}

func (x *Explainer) explain(ctx context.Context, q explain.Question) (explain.Explanation, error) {
	return explain.Rule(ctx, &explained{Explainer: x}, q)
}

// ExplainSeries says what was learned of a series, and expected of each bucket.
func (x *Explainer) ExplainSeries(ctx context.Context, q explain.SeriesQuestion) (out explain.SeriesAnswer, err error) {
	err = x.requests.between(ctx, func() error {
		out, err = x.explainSeries(ctx, q)
		return err
	})
	return out, err
}

func (x *Explainer) explainSeries(ctx context.Context, q explain.SeriesQuestion) (explain.SeriesAnswer, error) {
	return explain.Series(ctx, &explained{Explainer: x}, q)
}

// ExplainCourse says how a group's values went over time.
func (x *Explainer) ExplainCourse(ctx context.Context, q explain.CourseQuestion) (out explain.CourseAnswer, err error) {
	err = x.requests.between(ctx, func() error {
		out, err = explain.CourseOf(ctx, &explained{Explainer: x}, q)
		return err
	})
	return out, err
}

// explained is what the explanation of one rule asks of what evaluation holds.
type explained struct {
	*Explainer
	run *ruleRun // of the rule, since Evaluated; nil: it is disabled
}

// Evaluated says how a rule stands.
func (s *explained) Evaluated(ruleID string) (explain.Evaluated, error) {
	plan, w, err := s.planOf(ruleID)
	if err != nil {
		return explain.Evaluated{}, err
	}
	s.run = w
	out := explain.Evaluated{Plan: plan, State: CoverageEvaluated, Missing: s.tables.missing(plan)}
	switch {
	case plan.Unsupported != "":
		out.State, out.Why = CoverageUnsupported, plan.Unsupported
	case w == nil:
		out.State, out.Why = CoverageDisabled, "the rule is disabled; what follows is from when it was not"
	case w.failures > 0:
		out.State, out.Why = CoverageFailed, w.problem
	}
	if v := s.silenceRuns.byKey[plan.Key]; v != nil {
		out.Waiting = &explain.Waiting{Judged: v.judged, Horizon: v.horizon.Through, Delay: s.deps.Delays.Of(plan)}
	}
	return out, nil
}

// planOf is the plan of a rule as it runs now, or would run.
func (x *Explainer) planOf(id string) (*compiler.BoundPlan, *ruleRun, error) {
	present, err := x.rules.stored.Get(context.Background(), id)
	if err != nil {
		return nil, nil, err
	}
	x.inForce.mu.Lock()
	defer x.inForce.mu.Unlock()
	for _, w := range x.inForce.runs {
		if w.plan.Rule.ID == id && w.until == 0 {
			return w.plan, w, nil
		}
	}
	compiled, err := present.Body.compiled()
	if err != nil {
		return nil, nil, fmt.Errorf("compile rule %s: %w", id, err)
	}
	plan := compiled.Bind()
	plan.Tables = x.deps.Tables
	x.inForce.suppress(plan)
	return plan, nil, nil
}

// Event reads an event.
func (s *explained) Event(ctx context.Context, of explain.Evaluated, at schema.Millis, seq uint64) (explain.SeenEvent, error) {
	events, err := s.deps.Events.Fetch(ctx, []compiler.Match{{At: at, Seq: seq}})
	if err != nil {
		return explain.SeenEvent{}, fmt.Errorf("fetch the event: %w", err)
	}
	if len(events) == 0 {
		return explain.SeenEvent{}, &schema.NotFoundError{Kind: "event", ID: schema.EventID(at, seq)}
	}
	e := &events[0]
	if err := s.tables.load(ctx, []labelMatch{{plan: of.Plan, event: e}}); err != nil {
		return explain.SeenEvent{}, err
	}
	out := explain.SeenEvent{Event: e}
	out.State, out.Why = s.saw(s.run, e)
	return out, nil
}

// saw reports whether the rule was asked about an event.
func (x *Explainer) saw(w *ruleRun, e *schema.Event) (state, why string) {
	x.inForce.mu.Lock()
	defer x.inForce.mu.Unlock()
	late := tooLate(e, x.deps.Lateness)
	switch {
	case w == nil:
		return CoverageDisabled, "the rule is disabled; what follows is what it would see"
	case e.Seq <= w.from:
		return explain.StateUnseen, "the event arrived before the rule detected what it detects now; a backtest sees it"
	case late != "":
		return CoverageLate, late
	case e.Seq <= w.through:
		return CoverageEvaluated, ""
	case w.failures > 0:
		return CoverageFailed, w.problem
	}
	return CoveragePending, fmt.Sprintf("the rule is evaluated through arrival %d, the event is arrival %d", w.through, e.Seq)
}

// tooLate says that an event arrived too late for any rule to be asked about it;
// "" when it did not.
func tooLate(e *schema.Event, lateness time.Duration) string {
	behind := time.Duration(e.Seen-e.At) * time.Millisecond
	if behind <= lateness {
		return ""
	}
	return fmt.Sprintf("not evaluated: late: the event arrived %s behind its time, which is more than the %s that is allowed (--lateness); a backtest sees it", behind, lateness)
}

// Matches reads the matches of a full group, and those that count for all.
func (s *explained) Matches(ctx context.Context, plan *compiler.BoundPlan, group []string, from schema.Millis) (explain.Matches, error) {
	if plan.OfSignals {
		standing, err := s.deps.Signals.Standing(ctx, rulesOf(plan), from)
		if err != nil {
			return explain.Matches{}, fmt.Errorf("read the signals of other rules: %w", err)
		}
		of := signalsOf(plan, standing)
		return explain.Matches{Own: detect.ByGroup(of.matches)[detect.GroupKey(group)], Globals: of.globals}, nil
	}
	if plan.PerEvent(group) {
		return explain.Matches{}, nil // every event is a group of its own
	}
	u := &detect.GroupState{Plan: plan, Group: detect.SignalGroup(plan, group), From: from}
	u.Key = detect.StateKey(plan, u.Group)
	if err := s.evaluator.readMatches(ctx, []*detect.GroupState{u}); err != nil {
		return explain.Matches{}, err
	}
	return explain.Matches{Own: detect.ByGroup(u.Matches)[detect.GroupKey(group)], Globals: u.Globals}, nil
}

// SeenValues are those that the plan has seen.
func (s *explained) SeenValues(ctx context.Context, plan *compiler.BoundPlan) (*detect.SeenValues, error) {
	return s.evaluator.seenValues(ctx, plan, false)
}

// Baseline is what the plan has learned of its groups' pasts.
func (s *explained) Baseline(ctx context.Context, plan *compiler.BoundPlan) (*detect.Baseline, error) {
	return s.evaluator.baselineOf(ctx, plan, false, s.inForce.throughOf(plan.Key))
}

// Signals reads the signals of a signal group that were alive at a moment or later.
func (s *explained) Signals(ctx context.Context, plan *compiler.BoundPlan, group []string, from schema.Millis) ([]schema.Signal, error) {
	key := detect.StateKey(plan, group)
	found, err := s.deps.Signals.Load(ctx, []Span{{Key: key, From: from}})
	if err != nil {
		return nil, fmt.Errorf("load signals: %w", err)
	}
	return found[key], nil
}
