package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"nightjar/compiler"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// FirstPublished is a signal, and the place of its first version in the order in
// which signals were published: the arrival of a signal, to rules over signals.
type FirstPublished struct {
	Published
	First uint64
}

// SignalEvent is a signal as an event for rules over signals: it happened when
// the signal was first seen, and arrived when that was first published.
func SignalEvent(p *Published, arrival uint64) schema.Event {
	e := p.Event()
	e.Seq = arrival
	e.JSON = signalContent(e.JSON)
	return *e
}

// correlateNext brings one rule over signals up to date with what was published.
// It reports whether there was anything to do.
func (s *Scheduler) correlateNext(ctx context.Context, now time.Time) bool {
	w, in := s.inForce.nextCorrelation(now)
	if w.ruleRun == nil {
		return false
	}
	if err := s.evaluator.correlate(ctx, w.plan, in); err != nil {
		if ctx.Err() != nil {
			return false
		}
		s.inForce.fail(w, in, err)
		return true
	}
	s.inForce.advance([]dueRule{w}, in.To)
	return true
}

func (f *inForce) nextCorrelation(now time.Time) (dueRule, Interval) {
	visible := f.publishing.visible()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.runs {
		if f.resting[w.plan.Key] || !w.plan.OfSignals || !w.runnable() || now.Before(w.retryAt) {
			continue
		}
		in := Interval{w.through, f.reach(w, visible)}
		if in.From >= in.To {
			continue
		}
		if f.publishing.quietSince(rulesOf(w.plan), in.From) {
			w.through = in.To // none of it is the rule's business
			continue
		}
		return dueRule{w, w.plan}, in
	}
	return dueRule{}, Interval{}
}

// rulesOf are the rules whose signals the plan asks for.
func rulesOf(plan *compiler.BoundPlan) []string {
	var ids []string
	for i := range plan.Labels {
		ids = append(ids, plan.Labels[i].OfRule)
	}
	return ids
}

// correlate brings the signals of a rule over signals up to date with versions
// of those that were published in the interval. Signals come and go, unlike
// events, so what a group consists of is read anew.
func (ev *evaluator) correlate(ctx context.Context, plan *compiler.BoundPlan, in Interval) error {
	versions, err := ev.deps.Signals.Versions(ctx, rulesOf(plan), in.From, in.To)
	if err != nil {
		return fmt.Errorf("read changed signals: %w", err)
	}
	if err := ev.tables.loadOf(ctx, plan, schema.MinMillis); err != nil {
		return err // signals that stand may be of any time
	}
	d := newDirty()
	earliest := map[string]schema.Millis{}
	for i := range versions {
		if at, known := earliest[versions[i].ID]; !known || versions[i].FirstSeen < at {
			earliest[versions[i].ID] = versions[i].FirstSeen
		}
	}
	first, everywhere := schema.MaxMillis, schema.MaxMillis
	for i := range versions {
		p := &versions[i]
		e := SignalEvent(p, 0)
		first = min(first, earliest[p.ID])
		for _, m := range plan.SignalMatches(p.RuleID, &e) {
			if plan.Labels[m.Label].Global {
				everywhere = min(everywhere, earliest[p.ID])
			} else {
				d.touch(plan, detect.StateGroup(plan, &m), earliest[p.ID])
			}
		}
	}
	if len(versions) == 0 {
		return nil
	}
	return ev.correlateGroups(ctx, plan, &d, first, everywhere)
}

func (ev *evaluator) correlateGroups(ctx context.Context, plan *compiler.BoundPlan, d *dirty, first, everywhere schema.Millis) error {
	// A signal of the rule that is looked at again reaches back as long as it
	// lasts, and what it was made of before that as long as a window.
	reach := first - schema.Millis((2*plan.Lookback() + plan.MaxDuration + plan.KeepAlive).Milliseconds())
	standing, err := ev.deps.Signals.Standing(ctx, rulesOf(plan), reach)
	if err != nil {
		return fmt.Errorf("read the signals of other rules: %w", err)
	}
	of := signalsOf(plan, standing)
	for i := range of.matches {
		if m := &of.matches[i]; m.At >= everywhere {
			d.touch(plan, detect.StateGroup(plan, m), everywhere)
		}
	}
	states := d.list()
	if err := ev.readSignals(ctx, states); err != nil {
		return err
	}
	var changes []planChange
	for _, u := range states {
		u.Chained = u.Chains()
		u.From = max(u.Reach(u.Chained), reach)
		own := of.byState[u.Key]
		for _, c := range u.Advance(u.Chained, u.Own(detect.Since(own, u.From)), detect.Since(of.globals, u.From)) {
			changes = append(changes, planChange{c, plan})
		}
	}
	return ev.publish(ctx, changes, func(context.Context, []compiler.Match) (map[uint64]*schema.Event, error) {
		return of.events, nil
	})
}

// correlated are the matches of signals, as those of events are kept elsewhere.
type correlated struct {
	matches, globals []compiler.Match
	byState          map[uint64][]compiler.Match
	events           map[uint64]*schema.Event
}

// StandingSignals reads the signals that stand, as Signals has it.
type StandingSignals interface {
	Standing(ctx context.Context, rules []string, from schema.Millis) ([]FirstPublished, error)
}

// StandingMatches are the matches of a rule over signals, of those that stand and were
// first seen in the span; and these as events, by their arrival.
func StandingMatches(ctx context.Context, from StandingSignals, plan *compiler.BoundPlan, in TimeSpan) ([]compiler.Match, map[uint64]*schema.Event, error) {
	standing, err := from.Standing(ctx, rulesOf(plan), in.From)
	if err != nil {
		return nil, nil, fmt.Errorf("read the signals of other rules: %w", err)
	}
	standing = slices.DeleteFunc(standing, func(p FirstPublished) bool { return p.FirstSeen > in.To })
	of := signalsOf(plan, standing)
	return append(of.matches, of.globals...), of.events, nil
}

// signalsOf are the matches of those signals that stand and were first published
// after what the plan does not see.
func signalsOf(plan *compiler.BoundPlan, standing []FirstPublished) correlated {
	out := correlated{byState: map[uint64][]compiler.Match{}, events: map[uint64]*schema.Event{}}
	sort.Slice(standing, func(i, j int) bool {
		a, b := &standing[i], &standing[j]
		if a.FirstSeen != b.FirstSeen {
			return a.FirstSeen < b.FirstSeen
		}
		return a.First < b.First
	})
	for i := range standing {
		p := &standing[i]
		if p.First <= plan.After || p.Gone() || p.Suppression != "" {
			continue
		}
		e := SignalEvent(&p.Published, p.First)
		out.events[e.Seq] = &e
		for _, m := range plan.SignalMatches(p.RuleID, &e) {
			if plan.Labels[m.Label].Global {
				out.globals = append(out.globals, m)
				continue
			}
			out.matches = append(out.matches, m)
			key := detect.StateKey(plan, detect.StateGroup(plan, &m))
			out.byState[key] = append(out.byState[key], m)
		}
	}
	return out
}

// signalContent is what a sample shows of a signal: its attributes without the
// samples of its own.
func signalContent(attributes string) string {
	doc := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(attributes), &doc) != nil {
		return "{}"
	}
	delete(doc, "samples")
	text, err := json.Marshal(doc)
	if err != nil {
		return "{}"
	}
	return string(text)
}
