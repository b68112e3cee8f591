package scheduler

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// Question asks why a rule made a signal, or made none: of an event, or of a
// group at a moment.
type Question struct {
	RuleID string
	Event  string   // id of an event; or else
	Group  []string // group values, in the order of the group-by fields
	// At is the moment that is asked about, of a group; nil is that of its newest
	// match.
	At *schema.Millis
}

// Explanation is the answer.
type Explanation struct {
	RuleID  string
	Version int64
	// State is that of coverage: evaluated, pending, failed, unsupported,
	// disabled; or `unseen`, when the rule never got to see the event. Why says
	// more.
	State, Why string
	// Queries are what the rule's queries make of the event.
	Queries []compiler.LabelExplanation
	Groups  []GroupExplanation
}

// StateUnseen is that of an event which the rule was never asked about.
const StateUnseen = "unseen"

// GroupExplanation is how a group stands at a moment.
type GroupExplanation struct {
	Group []string
	At    schema.Millis
	// Values are the labels' values then, by label.
	Values []LabelValue
	Cases  []CaseExplanation
	Steps  []StepExplanation
	// Notes are what else decides: known values, journeys.
	Notes []string
	// Signals are those that were alive at the moment, or could have gone on.
	Signals []schema.Signal
}

// LabelValue is the value of a label.
type LabelValue struct {
	Name  string
	Value float64
}

// CaseExplanation is a condition with values in it, and whether it holds. The
// first that holds is the match.
type CaseExplanation struct {
	Index        int
	Name, Status string
	Condition    string
	Holds        bool
}

// StepExplanation is how far a sequence got.
type StepExplanation struct {
	Name, Condition string
	// Holds says that the step holds at the moment, Reached when the sequence
	// last got as far as it; nil: it never did.
	Holds   bool
	Reached *schema.Millis
}

// Explain answers a question. Nothing is evaluated meanwhile, so that the answer
// is of one moment.
func (s *Scheduler) Explain(ctx context.Context, q Question) (Explanation, error) {
	var out Explanation
	err := s.between(ctx, func() (err error) {
		out, err = s.explain(ctx, q)
		return err
	})
	return out, err
}

// between does something between two steps of evaluation. Whoever asked is gone
// when ctx ends; what do writes is theirs only after it returned.
func (s *Scheduler) between(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	select {
	case s.asks <- func() { done <- do() }:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done // do has the context, and ends with it
}

func (s *Scheduler) explain(ctx context.Context, q Question) (Explanation, error) {
	plan, w, err := s.planOf(q.RuleID)
	if err != nil {
		return Explanation{}, err
	}
	out := Explanation{RuleID: q.RuleID, Version: plan.Rule.Version, State: CoverageEvaluated}
	if plan.Unsupported != "" {
		out.State, out.Why = CoverageUnsupported, plan.Unsupported
		return out, nil
	}
	if plan.OfSignals && q.Event != "" {
		return out, &schema.Invalid{Details: []schema.Detail{{Target: "event", Message: "the rule is over signals of other rules, not over events; ask about a group"}}}
	}
	if err := s.flush(ctx); err != nil {
		return out, err
	}
	if q.Event == "" {
		err = s.explainGroup(ctx, plan, w, q, &out)
	} else {
		err = s.explainEvent(ctx, plan, w, q, &out)
	}
	for _, missing := range s.missingTables(plan) { // nothing is in those
		if out.Why != "" {
			out.Why += "; "
		}
		out.Why += missing
	}
	return out, err
}

// planOf is the plan of a rule as it runs now, or would run.
func (s *Scheduler) planOf(id string) (*compiler.BoundPlan, *watch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, err := s.present(id)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range s.watches {
		if w.plan.Rule.ID == id && w.until == 0 {
			return w.plan, w, nil
		}
	}
	compiled, err := compiler.CompileStored(state.rule)
	if err != nil {
		return nil, nil, fmt.Errorf("compile rule %s: %w", id, err)
	}
	plan := compiled.Bind()
	plan.Tables = s.deps.Tables
	s.suppress(plan)
	return plan, nil, nil
}

func (s *Scheduler) explainEvent(ctx context.Context, plan *compiler.BoundPlan, w *watch, q Question, out *Explanation) error {
	at, seq, err := schema.ParseEventID(q.Event)
	if err != nil {
		return &schema.Invalid{Details: []schema.Detail{{Target: "event", Message: err.Error()}}}
	}
	events, err := s.deps.Events.Fetch(ctx, []compiler.Match{{At: at, Seq: seq}})
	if err != nil {
		return fmt.Errorf("fetch the event: %w", err)
	}
	if len(events) == 0 {
		return &schema.NotFound{Kind: "event", ID: q.Event}
	}
	e := &events[0]
	if err := s.loadTables(ctx, []touch{{plan: plan, event: e}}); err != nil {
		return err
	}
	out.State, out.Why = s.saw(w, e)
	out.Queries = plan.Explain(e)
	seen := map[string]bool{}
	for _, l := range out.Queries {
		for i := range l.Found {
			m := &l.Found[i]
			if key := detect.GroupKey(m.Group); !seen[key] && !plan.Labels[m.Label].Global {
				if seen[key] = true; len(seen) > maxExplained {
					continue
				}
				g, err := s.explainAt(ctx, plan, m.Group, e.At, l.Found)
				if err != nil {
					return err
				}
				out.Groups = append(out.Groups, g)
			}
		}
	}
	if more := len(seen) - maxExplained; more > 0 {
		last := &out.Groups[len(out.Groups)-1]
		last.Notes = append(last.Notes, fmt.Sprintf("the event is in %d more groups, which are left out here; ask about one of them by its values", more))
	}
	return nil
}

// maxExplained is how many groups of an event are explained: evaluation waits
// meanwhile.
const maxExplained = 20

// saw tells whether the rule was asked about an event.
func (s *Scheduler) saw(w *watch, e *schema.Event) (state, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := s.tooLate(e)
	switch {
	case w == nil:
		return CoverageDisabled, "the rule is disabled; what follows is what it would see"
	case e.Seq <= w.from:
		return StateUnseen, "the event arrived before the rule detected what it detects now; a backtest sees it"
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
func (s *Scheduler) tooLate(e *schema.Event) string {
	behind := time.Duration(e.Seen-e.At) * time.Millisecond
	if behind <= s.deps.Lateness {
		return ""
	}
	return fmt.Sprintf("not evaluated: late: the event arrived %s behind its time, which is more than the %s that is allowed (--lateness); a backtest sees it", behind, s.deps.Lateness)
}

// TooLate says so of a stored event; "" also of one that is gone.
func (s *Scheduler) TooLate(ctx context.Context, at schema.Millis, seq uint64) (string, error) {
	events, err := s.deps.Events.Fetch(ctx, []compiler.Match{{At: at, Seq: seq}})
	if err != nil {
		return "", fmt.Errorf("fetch the event: %w", err)
	}
	if len(events) == 0 {
		return "", nil
	}
	return s.tooLate(&events[0]), nil
}

func (s *Scheduler) explainGroup(ctx context.Context, plan *compiler.BoundPlan, w *watch, q Question, out *Explanation) error {
	if len(q.Group) != plan.Arity {
		return &schema.Invalid{Details: []schema.Detail{{Target: "group", Message: fmt.Sprintf("the rule groups by %d fields (%s), got %d values", plan.Arity, strings.Join(groupPaths(plan), ", "), len(q.Group))}}}
	}
	switch {
	case w == nil:
		out.State, out.Why = CoverageDisabled, "the rule is disabled; what follows is from when it was not"
	case w.failures > 0:
		out.State, out.Why = CoverageFailed, w.problem
	}
	at := schema.MinMillis
	if q.At != nil {
		at = *q.At
	} else {
		all, err := s.matchesOf(ctx, plan, q.Group, schema.MinMillis)
		if err != nil {
			return err
		}
		for _, m := range all.own {
			at = max(at, m.At)
		}
		if len(all.own) == 0 {
			out.Why = "no event has ever matched a query of the rule for this group" + s.expectedNote(plan, q.Group)
			return nil
		}
	}
	g, err := s.explainAt(ctx, plan, q.Group, at, nil)
	out.Groups = append(out.Groups, g)
	return err
}

// groupMatches are the matches of one full group, and those that count for all.
type groupMatches struct{ own, globals []compiler.Match }

func (s *Scheduler) matchesOf(ctx context.Context, plan *compiler.BoundPlan, group []string, from schema.Millis) (groupMatches, error) {
	var out groupMatches
	if plan.OfSignals {
		standing, err := s.deps.Signals.Standing(ctx, rulesOf(plan), from)
		if err != nil {
			return out, fmt.Errorf("read the signals of other rules: %w", err)
		}
		of := signalsOf(plan, standing)
		return groupMatches{detect.ByGroup(of.matches)[detect.GroupKey(group)], of.globals}, nil
	}
	u := &detect.GroupState{Plan: plan, Group: detect.SignalGroup(plan, group), From: from}
	u.Key = detect.StateKey(plan, u.Group)
	if plan.PerEvent(group) {
		return out, nil // every event is a group of its own
	}
	if err := s.readMatches(ctx, []*detect.GroupState{u}); err != nil {
		return out, err
	}
	return groupMatches{detect.ByGroup(u.Matches)[detect.GroupKey(group)], u.Globals}, nil
}

// explainAt says how a group stands at a moment. These are matches of an event
// that may not be among those that are stored.
func (s *Scheduler) explainAt(ctx context.Context, plan *compiler.BoundPlan, group []string, at schema.Millis, of []compiler.Match) (GroupExplanation, error) {
	out := GroupExplanation{Group: group, At: at}
	read := s.matchesOf
	from := at - schema.Millis(plan.Lookback().Milliseconds())
	if plan.Method == schema.MethodImpossibleTravel {
		read, from = s.wayOf, at
	}
	all, err := read(ctx, plan, group, from)
	if err != nil {
		return out, err
	}
	for _, m := range of {
		if slices.Equal(m.Group, group) {
			detect.Insert(&all.own, []compiler.Match{m})
		}
	}
	var k *detect.SeenValues
	if plan.Novelty != nil {
		if k, err = s.knowledge(ctx, plan, false); err != nil {
			return out, err
		}
		out.Notes = k.Notes(plan, all.own, at)
	}
	if plan.Method == schema.MethodImpossibleTravel {
		out.Notes = append(out.Notes, detect.Journeys(all.own, at)...)
	}
	out.Notes = append(out.Notes, s.silenceNotes(plan, all, at)...)
	if plan.Anomaly != nil {
		if err := s.judgeAnomaly(ctx, &out, plan, all.own); err != nil {
			return out, err
		}
	} else {
		out.judge(plan, detect.Matching(plan, k, all.own, at-detect.WindowOf(plan)), all.globals, at)
	}
	return out, s.explainSignals(ctx, plan, &out)
}

// judge evaluates the cases or the steps at the moment.
func (g *GroupExplanation) judge(plan *compiler.BoundPlan, own, globals []compiler.Match, at schema.Millis) {
	if plan.Method == schema.MethodSequenceDetection {
		g.follow(plan, own, globals, at)
		return
	}
	values := detect.ValuesAt(plan, own, globals, at)
	for i, v := range values {
		g.Values = append(g.Values, LabelValue{plan.Labels[i].Name, v})
	}
	for i, c := range plan.Cases {
		x := CaseExplanation{Index: i, Name: c.Name, Status: string(c.Status), Condition: c.Condition.Explain(values), Holds: c.Condition.Holds(values)}
		if plan.Method == schema.MethodThirdParty {
			x.Condition, x.Holds = plan.Grades[i].String(), false
			for _, m := range own {
				x.Holds = x.Holds || m.At == at && int(m.Number) == i
			}
		}
		g.Cases = append(g.Cases, x)
	}
}

// follow walks a sequence up to the moment.
func (g *GroupExplanation) follow(plan *compiler.BoundPlan, own, globals []compiler.Match, at schema.Millis) {
	steps, complete := detect.StepsAt(plan, own, globals, at)
	g.Steps = make([]StepExplanation, len(plan.Steps))
	for i, st := range plan.Steps {
		g.Steps[i] = StepExplanation{Name: st.Name, Condition: st.Condition.Explain(nil), Holds: steps[i].Holds, Reached: steps[i].Reached}
		if st.Name == "" {
			g.Steps[i].Name = strconv.Itoa(i + 1)
		}
	}
	for i, c := range plan.Cases {
		g.Cases = append(g.Cases, CaseExplanation{Index: i, Name: c.Name, Status: string(c.Status), Condition: "the sequence is complete", Holds: complete})
	}
}

func (s *Scheduler) explainSignals(ctx context.Context, plan *compiler.BoundPlan, g *GroupExplanation) error {
	group := detect.SignalGroup(plan, g.Group)
	key := detect.StateKey(plan, group)
	span := Span{key, g.At - schema.Millis(plan.KeepAlive.Milliseconds())}
	found, err := s.deps.Signals.Load(ctx, []Span{span})
	if err != nil {
		return fmt.Errorf("load signals: %w", err)
	}
	for _, sig := range found[key] {
		if sig.RuleKey == plan.Key && slices.Equal(detect.Visible(plan, sig.Group), group) && sig.FirstSeen <= g.At {
			g.Signals = append(g.Signals, sig)
		}
	}
	slices.SortFunc(g.Signals, func(a, b schema.Signal) int { return int(a.FirstSeen - b.FirstSeen) })
	return nil
}
